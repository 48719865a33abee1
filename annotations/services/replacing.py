"""What differs from what is stored: said, or replaced where nothing depends on it, when the import completes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import TypeVar

from django.db.models import Count

from annotations.errors import ConflictError
from annotations.importing.content import PlaceNames
from annotations.models import (
    Campaign,
    Decoding,
    FeedbackExample,
    Import,
    Item,
    Output,
    Source,
    StorySentence,
    System,
)
from annotations.plurals import counted, listed
from annotations.services.bulk import rows_update
from annotations.services.identity import Comparison, Difference
from annotations.services.locks import dataset_lock, made_of
from annotations.services.outdated import outdated_scores_remove

SHOWN = 5  # differences named in an error
SHOWN_BEFORE_REASONS = 2  # where what depends on them is still to be said: a run's page shows 500 letters of an error
AROUND = 15  # letters before the first that differs
LONGEST = 80  # letters shown of a text
IDS_A_QUERY = 500
T = TypeVar("T")


def differences_check(*, comparison: Comparison, places: PlaceNames, update: bool) -> None:
    """Raises ConflictError, naming what differs, unless it is to be replaced and nothing depends on it."""
    found = comparison.differences
    fixed = [each for each in found if each.row is None]
    name = comparison.dataset.name
    if fixed:
        raise ConflictError(
            f"the photos of {counted(len(fixed), 'stories')} differ from dataset '{name}', and those cannot be "
            f"replaced; nothing was imported: {named(fixed, places)}"
        )
    one = len(found) == 1
    differ = f"{listed(kinds_of(found))} {'differs' if one else 'differ'} from dataset '{name}'"
    if found and not update:
        others = "it is of another row" if one else "they are of other rows"
        apart = f"; if {others}, give rows ids with --album-field or --photo-field" if comparison.mended else ""
        raise ConflictError(
            f"{differ}; nothing was imported; --update (on the site: Replace what differs) replaces "
            f"{'it' if one else 'them'}{apart}: {named(found, places)}"
        )
    comparison.made_before = made_of([comparison.dataset.pk])
    if depends := list(dependents(comparison)):
        raise ConflictError(
            f"{differ}: {named(found, places, SHOWN_BEFORE_REASONS)}. Nothing was replaced, because other things "
            f"depend on {'it' if one else 'them'}: {'; '.join(depends)}"
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
    part = text[start : start + LONGEST]
    return f"'{'…' if start else ''}{part}{'…' if start + LONGEST < len(text) else ''}'"


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
    for part in batched(pks[Source]):
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
    for part in batched(pks[StorySentence]):
        quoted = Output.objects.filter(sentence__in=part)
        for name, count in quoted.values_list("decoding__entries__campaign__name").annotate(n=Count("pk")):
            drawn[name or "a campaign"] += count
        for name, count in StorySentence.objects.filter(pk__in=part).counted_by_campaign().items():
            referred[name] += count
    if Campaign.all_rows.filter(dataset=comparison.dataset, unfinished_until__isnull=False).exists():
        yield "a campaign is being made or removed; wait until it is done"
    pictures = {each.row[1] for each in comparison.differences if each.row and each.kind == "pictures"}
    if campaign := Campaign.objects.showing_pictures_of(pictures):
        yield f"campaign '{campaign}' shows pictures of them"
    yield from (f"campaign '{name}' shows {n:,} of them" for name, n in sorted(shown.items()))
    yield from (f"campaign '{name}' drew {n:,} of them as what people wrote" for name, n in sorted(drawn.items()))
    yield from (
        f"campaign '{name}' has {n:,} of them as references of its items" for name, n in sorted(referred.items())
    )
    yield from (f"feedback set '{name}' holds examples of {n:,} of them" for name, n in sorted(learned.items()))
    yield from (f"system '{name}' has written for {n:,} of them" for name, n in sorted(written.items()))


def batched(rows: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(rows)
    while part := list(islice(waiting, IDS_A_QUERY)):
        yield part


def comparison_apply(*, comparison: Comparison, import_row: Import) -> int:
    """Write what is replaced and attached; call it in the transaction that completes the import. Returns how many
    scores went, because what they were computed from is another now."""
    dataset_lock(dataset=comparison.dataset)
    key = lambda each: (each[0].__name__, each[1])  # noqa: E731
    writings = sorted(comparison.replaced + comparison.attached, key=key)
    for _, group in groupby(writings, key=key):
        rows = list(group)
        rows_update(rows[0][0], rows[0][1], [(pk, value) for _, _, pk, value in rows])
    made = made_of([comparison.dataset.pk])
    if comparison.differences and made != comparison.made_before and (depends := list(dependents(comparison))):
        raise ConflictError(f"Nothing was replaced, because other things depend on it: {'; '.join(depends)}")
    texts = {model for model, name, _, _ in comparison.replaced if name == "text"}
    if comparison.replaced or comparison.older:
        earlier = Import.objects.complete().filter(dataset=comparison.dataset).exclude(pk=import_row.pk)
        earlier.update(superseded=True)
    scores = outdated_scores_remove(import_row=import_row, rewritten=[comparison.split] if texts else [])
    if Source in texts:  # `caption` quotes them: it is decoded anew when it is next needed
        decodings = Decoding.objects.filter(dataset=comparison.dataset, split=comparison.split)
        decodings.filter(system__kind=System.Kind.BASELINE, entries=None).update(completed_at=None)
    return scores
