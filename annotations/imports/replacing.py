"""What differs from what is stored: said, or replaced where nothing depends on it.

Replaced in short writes, before the import completes; what was there is kept until then, and put back where it never
does.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from django.apps import apps
from django.db.models import Count, Q

from annotations.campaigns.models import Campaign, Item
from annotations.corpora.locks import dataset_lock, writing_lock
from annotations.corpora.mended_rows import Writing
from annotations.corpora.models import Import, Replaced, Source, StorySentence
from annotations.corpora.readers.content import PlaceNames
from annotations.corpora.rewriting import rewriting_note
from annotations.errors import ConflictError
from annotations.feedback.models import FeedbackExample
from annotations.imports.identity import Comparison, Difference
from annotations.imports.outdated import made_of, outdated_remove
from annotations.plurals import counted, listed
from annotations.progress import OnShare
from annotations.storage.bulk import ID_BATCH_SIZE, batched, rows_update
from annotations.storage.short_writes import WRITE_BATCH_SIZE, short_write
from annotations.systems.models import Output, System

SHOWN = 5  # differences named in an error
SHOWN_BEFORE_REASONS = 2  # where what depends on them is still to be said: a run's page shows 500 letters of an error
AROUND = 15  # letters before the first that differs
MAX_SHOWN = 80  # letters shown of a text


def differences_check(*, comparison: Comparison, places: PlaceNames, update: bool) -> None:
    """Raises ConflictError, naming what differs, unless it is to be replaced and nothing depends on it."""
    found = comparison.differences
    fixed = [each for each in found if each.row is None]
    name = comparison.dataset.name
    if fixed:
        raise ConflictError(
            "",
            f"the photos of {counted(len(fixed), 'stories')} differ from dataset '{name}' and cannot be replaced; "
            f"nothing was imported: {named(fixed, places)}",
        )
    one = len(found) == 1
    differ = f"{listed(kinds_of(found))} {'differs' if one else 'differ'} from dataset '{name}'"
    if found and not update:
        others = "it belongs to another row" if one else "they belong to other rows"
        apart = f"; if {others}, give rows ids with --album-field or --photo-field" if comparison.mended else ""
        raise ConflictError(
            "",
            f"{differ}; nothing was imported; --update (on the site: Replace texts that differ) replaces "
            f"{'it' if one else 'them'}{apart}: {named(found, places)}",
        )
    comparison.made_before = made_of([comparison.dataset.pk])
    if depends := list(dependents(comparison)):
        raise ConflictError(
            "",
            f"{differ}: {named(found, places, SHOWN_BEFORE_REASONS)}. Nothing was replaced, because other things "
            f"depend on {('it' if one else 'them')}: {'; '.join(depends)}",
        )


def kinds_of(found: Iterable[Difference]) -> Counter[str]:
    """How many there are, by kind."""
    return Counter(each.kind for each in found)


def named(found: Sequence[Difference], places: PlaceNames, shown: int = SHOWN) -> str:
    lines = [f"{places.of(each.place)}: {each.what}: {change(each.old, each.new)}" for each in found[:shown]]
    return "; ".join(lines + ([f"and {len(found) - shown:,} more"] if len(found) > shown else []))


def change(old: str, new: str | None) -> str:
    """`'old' → 'new'`, of long texts the part that differs with a little around it."""
    if new is None:
        return f"{cut(old, 0)} → nothing"
    alike = next((place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = max(alike - AROUND, 0)
    start = start if start > AROUND else 0
    return " → ".join(cut(text, start) for text in (old, new))


def cut(text: str, start: int) -> str:
    part = text[start : start + MAX_SHOWN]
    return f"'{'…' if start else ''}{part}{'…' if start + MAX_SHOWN < len(text) else ''}'"


def dependents(comparison: Comparison) -> Iterator[str]:
    """What refers to the texts that differ, in words; not the outputs that the file itself brings for a caption."""
    pks: dict[type, list[int]] = defaultdict(list)
    for each in comparison.differences:
        if each.row:
            pks[each.row[0]].append(each.row[1])
    shown: dict[str, int] = defaultdict(int)
    drawn: dict[str, int] = defaultdict(int)
    learned: dict[str, int] = defaultdict(int)
    written: dict[str, int] = defaultdict(int)
    referred: dict[str, int] = defaultdict(int)
    for part in batched(pks[Source], ID_BATCH_SIZE):
        for campaign, count in (
            Item.objects.filter(source__in=part).values_list("campaign__name").annotate(n=Count("pk"))
        ):
            shown[campaign] += count
        examples = FeedbackExample.objects.filter(source__in=part)
        for name, count in examples.values_list("feedback_set__name").annotate(n=Count("pk")):
            learned[name] += count
        outputs = Output.objects.filter(source__in=part, decoding__completed_at__isnull=False)
        outputs = outputs.exclude(decoding__system__kind=System.Kind.BASELINE, decoding__entries=None)
        for source, system in outputs.values_list("source_id", "decoding__system__name").distinct():
            if system not in comparison.written_for.get(source, ()):
                written[system] += 1
    for part in batched(pks[StorySentence], ID_BATCH_SIZE):
        of_story = Q(source__kind=Source.Kind.SEQUENCE, sentence__story__sentences__in=part)
        quoted = Output.objects.filter(Q(sentence__in=part) | of_story).distinct()
        for name, count in quoted.values_list("decoding__entries__campaign__name").annotate(n=Count("pk")):
            drawn[name or "a campaign"] += count
        for name, count in StorySentence.objects.filter(pk__in=part).counted_by_campaign().items():
            referred[name] += count
    if Campaign.all_rows.filter(dataset=comparison.dataset, unfinished_until__isnull=False).exists():
        yield "a campaign is being created or removed; wait until it is done"
    pictures = {each.row[1] for each in comparison.differences if each.row and each.kind == "pictures"}
    if campaign := Campaign.objects.showing_pictures_of(pictures):
        yield f"campaign '{campaign}' shows pictures of them"
    yield from (f"campaign '{name}' shows {n:,} of them" for name, n in sorted(shown.items()))
    yield from (f"campaign '{name}' drew {n:,} of them as human texts" for name, n in sorted(drawn.items()))
    yield from (
        f"campaign '{name}' has {n:,} of them as references of its items" for name, n in sorted(referred.items())
    )
    yield from (f"feedback set '{name}' has examples for {n:,} of them" for name, n in sorted(learned.items()))
    yield from (f"system '{name}' has outputs for {n:,} of them" for name, n in sorted(written.items()))


def nothing_depends_check(*, comparison: Comparison, import_row: Import) -> None:
    """Raises ConflictError where something has come to depend on what is replaced since `differences_check`."""
    dataset_lock(dataset=comparison.dataset, replacing=import_row)
    made = made_of([comparison.dataset.pk])
    if comparison.differences and made != comparison.made_before and (depends := list(dependents(comparison))):
        raise ConflictError("", f"Nothing was replaced, because other things depend on it: {'; '.join(depends)}")
    comparison.made_before = made


def values_replace(*, comparison: Comparison, import_row: Import, on_progress: OnShare) -> None:
    """Write what is replaced and attached, in short writes. Until `replacing_complete` the values that were there are
    kept, and nothing is made of the dataset."""
    writings = sorted(comparison.replaced + comparison.attached, key=column)
    for number, part in enumerate(batched(writings, WRITE_BATCH_SIZE)):
        with short_write():
            if number == 0:
                nothing_depends_check(comparison=comparison, import_row=import_row)
            rewriting_note(import_row=import_row, writings=part)
            writing_lock(import_row=import_row)
            Replaced.objects.create(import_row=import_row, values=list(values_of(part)))
            values_write(part)
        on_progress(1.0)


def column(writing: Writing) -> tuple[str, str]:
    return writing[0].__name__, writing[1]


def values_of(writings: Sequence[Writing]) -> Iterator[tuple[str, str, int, str]]:
    """What the rows hold now, the model by its name."""
    for (model, name), group in groupby(writings, key=column):
        for part in batched(group, ID_BATCH_SIZE):
            rows = part[0][0]._default_manager.filter(pk__in=[pk for _, _, pk, _ in part])
            yield from ((model, name, pk, value) for pk, value in rows.values_list("pk", name))


def values_write(writings: Sequence[Writing]) -> None:
    for _, group in groupby(writings, key=column):
        rows = list(group)
        rows_update(rows[0][0], rows[0][1], [(pk, value) for _, _, pk, value in rows])


def values_put_back(*, import_row: Import) -> Iterator[None]:
    """Undo what an import replaced that was given up, a short write a step, until nothing is left to undo."""
    while True:
        with short_write():
            kept = import_row.replaced.select_for_update().order_by("-pk").first()
            if kept is None:
                return
            values: list[Writing] = [(apps.get_model("annotations", model), *rest) for model, *rest in kept.values]
            rewriting_note(import_row=import_row, writings=values)
            values_write(values)
            kept.delete()
        yield


def replacing_complete(*, comparison: Comparison, import_row: Import) -> int:
    """Call it in the transaction that completes the import. Returns how many scores went, because what they were
    computed from is another now."""
    nothing_depends_check(comparison=comparison, import_row=import_row)
    import_row.replaced.all().delete()
    texts = any(name == "text" for _, name, _, _ in comparison.replaced)
    if comparison.replaced or comparison.older:
        earlier = Import.objects.complete().filter(dataset=comparison.dataset).exclude(pk=import_row.pk)
        earlier.update(superseded=True)
    return outdated_remove(import_row=import_row, rewritten=[comparison.split] if texts else [])
