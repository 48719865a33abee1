"""Removing an import, a dataset or a system that nothing depends on.

It goes from view in one transaction: its imports are marked as being removed, its decodings as incomplete, a dataset or
a system has its name taken off. Then its rows go in short writes, children first; what a killed removal left, the
sweeper removes, a few seconds per round.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from annotations.audit.services import Deed, audit_note
from annotations.campaigns.models import Campaign, CandidateOutput, Item
from annotations.corpora.models import Album, Dataset, Import, Photo, SequencePhoto, Source, Story, StorySentence
from annotations.errors import ConflictError
from annotations.feedback.models import FeedbackExample, FeedbackSet
from annotations.imports.outdated import made_of, outdated_remove
from annotations.imports.writing import import_discarding
from annotations.storage.clock import from_now
from annotations.systems.models import Decoding, Output, System
from annotations.systems.services import decoding_discarding

Removable = Dataset | System | Import
Further = Callable[[], Iterable[str]]  # what depends on it of what is not known here, in words
REMOVED_NAME = "{name} removed {pk}"
KEPT_LETTERS = 80  # of a name, so that what is put behind it fits


def named(target: Removable) -> str:
    return f"import {target.pk}" if isinstance(target, Import) else f"{target._meta.verbose_name} '{target.name}'"


def rows_of(target: Removable) -> dict[str, int]:
    """How many rows go, by kind."""
    if isinstance(target, System):
        decodings = Decoding.objects.complete().filter(system=target)
        return {"decodings": decodings.count(), "outputs": Output.objects.filter(decoding__in=decodings).count()}
    of = "imported_by" if isinstance(target, Import) else "imported_by__dataset"
    decodings = Decoding.objects.complete().filter(
        **{"imported_by" if isinstance(target, Import) else "dataset": target}
    )
    counted: dict[str, QuerySet[Any]] = {
        "albums": Album.objects.filter(**{of: target}),
        "photos": Photo.objects.filter(**{of: target}),
        "sources": Source.objects.filter(**{of: target}),
        "stories": Story.objects.filter(**{of: target}),
        "sentences": StorySentence.objects.filter(**{f"story__{of}": target}),
        "decodings": decodings,
        "outputs": Output.objects.filter(decoding__in=decodings),
    }
    if isinstance(target, Dataset):
        counted = {"imports": target.imports.complete(), **counted}
    return {kind: count for kind, rows in counted.items() if (count := rows.count())}


def dependents(target: Removable) -> list[str]:
    """What depends on it, in words."""
    if isinstance(target, Import):
        return list(import_dependents(target))
    return list(dataset_dependents(target) if isinstance(target, Dataset) else system_dependents(target))


def tallied(rows: QuerySet[Any], by: str) -> Iterator[tuple[Any, int]]:
    yield from rows.exclude(**{by: None}).order_by(by).values_list(by).annotate(rows=Count("pk"))


def import_dependents(row: Import) -> Iterator[str]:
    for name in Campaign.objects.filter(imported_by=row).order_by("name").values_list("name", flat=True):
        yield f"campaign '{name}' has the ratings that it imported, and ratings are never deleted"
    shown = CandidateOutput.objects.filter(output__decoding__imported_by=row)
    for name, count in tallied(shown, "candidate__item__campaign__name"):
        yield f"campaign '{name}' shows {count:,} of its texts"
    for name, count in tallied(Item.objects.filter(source__imported_by=row), "campaign__name"):
        yield f"campaign '{name}' has {count:,} items from its sources"
    drawn = Output.objects.filter(sentence__story__imported_by=row)
    for name, count in tallied(drawn, "decoding__entries__campaign__name"):
        yield f"campaign '{name}' shows {count:,} of its sentences as human texts"
    for name, count in StorySentence.objects.filter(story__imported_by=row).counted_by_campaign().items():
        yield f"campaign '{name}' has {count:,} of its sentences as references of its items"
    for name, count in tallied(FeedbackExample.objects.filter(source__imported_by=row), "feedback_set__name"):
        yield f"feedback set '{name}' has {count:,} examples from its sources"
    written = Output.objects.filter(source__imported_by=row, decoding__completed_at__isnull=False)
    written = written.exclude(decoding__in=Decoding.objects.made_again()).exclude(decoding__imported_by=row)
    for name, count in tallied(written, "decoding__system__name"):
        yield f"system '{name}' has {count:,} outputs for its sources"
    for later, count in sorted(rows_on_top(row).items()):
        files = Import.objects.get(pk=later).description
        yield f"import {later} ({files}) has {count:,} rows for its albums and photos"


def rows_on_top(row: Import) -> Counter[int]:
    """Rows of other imports that stand on the import's albums, photos and sequences, by the other import."""
    found: Counter[int] = Counter()
    of_album, of_photo = Q(album__imported_by=row), Q(photo__imported_by=row)
    for rows, by in (
        (Photo.objects.filter(of_album), "imported_by"),
        (Source.objects.filter(of_album | of_photo), "imported_by"),
        (SequencePhoto.objects.filter(of_photo), "source__imported_by"),
        (Story.objects.filter(of_album | Q(sequence__imported_by=row)), "imported_by"),
        (StorySentence.objects.filter(of_photo), "story__imported_by"),
    ):
        found.update(dict(tallied(rows.exclude(**{by: row}), by)))
    return found


def dataset_dependents(dataset: Dataset) -> Iterator[str]:
    campaigns = Campaign.objects.filter(dataset=dataset).annotate(
        ratings=Count("items__assignments__ratings", distinct=True)
    )
    for campaign in campaigns.order_by("name"):
        yield f"campaign '{campaign.name}' uses it ({campaign.state}, {campaign.ratings:,} ratings)"
    for name in FeedbackSet.objects.filter(dataset=dataset).order_by("name").values_list("name", flat=True):
        yield f"feedback set '{name}' was built from it"


def system_dependents(system: System) -> Iterator[str]:
    if system.kind not in (System.Kind.FILE, System.Kind.MODEL):
        yield f"'{system.name}' is built in"
    for name in Campaign.objects.filter(entries__system=system).order_by("name").values_list("name", flat=True):
        shown = CandidateOutput.objects.filter(
            output__decoding__system=system, candidate__item__campaign__name=name
        ).count()
        yield f"campaign '{name}' shows {shown:,} of its texts"


def removal_begin(*, target: Removable, further: Further = list) -> None:
    """Take it from view at once; `removal_finishing` then removes its rows.

    Raises ConflictError where something depends on it, `further` things included, or an import is being written.
    """
    known = made_of(datasets_of(target))
    depends_check(target, [*dependents(target), *further()])
    with transaction.atomic():
        view_take(target, known, further)


def depends_check(target: Removable, depends: list[str]) -> None:
    if depends:
        raise ConflictError("", f"{named(target)} cannot be removed: {'; '.join(depends)}")


def view_take(target: Removable, known: frozenset[tuple[object, ...]], further: Further) -> None:
    """In a transaction; `known` was made of its datasets when nothing depended on it. Further things, which `known`
    says nothing of, are looked for again: that takes no time."""
    datasets = datasets_of(target)
    list(Dataset.all_rows.select_for_update().filter(pk__in=datasets).order_by("pk"))
    if isinstance(target, System):
        list(System.all_rows.select_for_update().filter(pk=target.pk))
    depends = dependents(target) if made_of(datasets) != known else []
    depends_check(target, [*depends, *further()])
    if Import.objects.filter(dataset__in=datasets, state=Import.State.WRITING).exists():
        raise ConflictError(
            "", f"{named(target)} cannot be removed now: an import is being written", "wait until it is done"
        )
    if Campaign.all_rows.filter(dataset__in=datasets, unfinished_until__isnull=False).exists():
        raise ConflictError(
            "",
            f"{named(target)} cannot be removed now: a campaign is being created or removed",
            "wait until it is done",
        )
    begin: dict[type, Any] = {Import: import_hide, Dataset: dataset_hide, System: system_hide}
    audit_note(kind=Deed.REMOVE, about=named(target))
    begin[type(target)](target)


def datasets_of(target: Removable) -> list[int]:
    if isinstance(target, System):
        return list(Decoding.objects.filter(system=target).order_by().values_list("dataset", flat=True).distinct())
    return [target.dataset_id if isinstance(target, Import) else target.pk]


def import_hide(row: Import) -> None:
    hidden = Import.objects.complete().filter(pk=row.pk)
    if not hidden.update(state=Import.State.REMOVING, completed_at=None):
        raise ConflictError("", f"import {row.pk} is already being written or removed")
    Decoding.objects.filter(imported_by=row).update(completed_at=None)
    Import.objects.complete().filter(dataset=row.dataset_id).update(superseded=True)
    outdated_remove(import_row=row)
    if Source.objects.filter(imported_by=row).exists() or Story.objects.filter(imported_by=row).exists():
        # They are of the texts that were there, and are made anew when they are next asked for.
        made_again_of(row.dataset_id).update(completed_at=None)


def made_again_of(dataset: int) -> QuerySet[Decoding]:
    rows: QuerySet[Decoding] = Decoding.objects.made_again().filter(dataset=dataset)
    return rows


def dataset_hide(dataset: Dataset) -> None:
    take_name(Dataset.objects.filter(pk=dataset.pk), dataset)
    dataset.imports.update(state=Import.State.REMOVING, completed_at=None)
    dataset.decodings.update(completed_at=None)


def system_hide(system: System) -> None:
    take_name(System.objects.filter(pk=system.pk), system)
    theirs = Decoding.objects.filter(system=system)
    imports = Import.objects.complete().filter(pk__in=theirs.values("imported_by"))
    for row in imports:
        brought = [Album, Photo, Source, Story]
        others = Decoding.objects.filter(imported_by=row).exclude(system=system)
        if others.exists() or any(model._default_manager.filter(imported_by=row).exists() for model in brought):
            Import.objects.filter(pk=row.pk).update(superseded=True)
        else:
            Import.objects.filter(pk=row.pk).update(state=Import.State.REMOVING, completed_at=None)
    theirs.update(completed_at=None)


def take_name(rows: QuerySet[Any], target: Dataset | System) -> None:
    name = REMOVED_NAME.format(name=target.name[:KEPT_LETTERS], pk=target.pk)
    if not rows.update(removed_at=from_now(), name=name):
        raise ConflictError("", f"{named(target)} is already being removed")


def removal_finishing(*, target: Removable) -> Iterator[None]:
    """Remove the rows of what was taken from view, a short write a step. Whoever stops between two steps may begin
    again, and a second one beside it does no harm."""
    if isinstance(target, Import):
        on_its_sources = Output.objects.filter(decoding=OuterRef("pk"), source__imported_by=target)
        for decoding in made_again_of(target.dataset_id).filter(Exists(on_its_sources), completed_at=None):
            yield from decoding_discarding(decoding=decoding)
        yield from import_discarding(import_row=target)
        return
    for decoding in target.decodings.all():
        yield from decoding_discarding(decoding=decoding)
    if isinstance(target, Dataset):
        for row in target.imports.order_by("-pk"):
            yield from import_discarding(import_row=row)
    type(target).all_rows.filter(pk=target.pk).delete()


def removals_begun() -> Iterator[Removable]:
    """What was taken from view and still has rows."""
    yield from System.all_rows.filter(removed_at__isnull=False)
    yield from Dataset.all_rows.filter(removed_at__isnull=False)
    yield from Import.objects.filter(state=Import.State.REMOVING, dataset__removed_at=None)
