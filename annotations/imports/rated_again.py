"""Imported ratings that come again: recognised where they are the same, else what differs is said. Ratings never
change."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from annotations.campaigns.models import Campaign, CandidateOutput, Item, Rating
from annotations.campaigns.readers.content import RatedScreen, RatingContent
from annotations.campaigns.services.raters import ids_erased
from annotations.errors import ConflictError
from annotations.imports.ratings import Showing, stored_answers
from annotations.protocols import protocol_named

SHOWN = 5
Candidates = dict[str, tuple[int, str]]  # by system: primary key, text


class Shown(NamedTuple):
    item: int
    candidates: Candidates


def ratings_recognise(*, campaign: Campaign, content: RatingContent, declared: Mapping[str, Any]) -> int:
    """How many ratings of the file the campaign holds, which is all of them.

    Raises ConflictError where the file or what the study had declared differs from the campaign.
    """
    found = list(differences(campaign, content, declared))
    if found:
        more = f"; and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""
        raise ConflictError(
            "campaign",
            f"'{campaign.name}' already exists, and its ratings cannot be changed",
            f"choose another name. What differs: {'; '.join(found[:SHOWN])}{more}",
        )
    return len(content.screens)


def differences(campaign: Campaign, content: RatingContent, declared: Mapping[str, Any]) -> Iterator[str]:
    """In words, first those of the whole campaign."""
    stated = {
        "protocol": content.protocol,
        "criteria": list(content.criteria),
        "scale": list(content.scale or ()),
        "primary": list(content.primary),
        **declared,
    }
    for name, value in stated.items():
        if getattr(campaign, name) != value:
            yield f"{name}: {getattr(campaign, name)} → {value}"
    shown = shown_in(campaign)
    for place in content.texts:
        there = shown[place, 0].candidates if (place, 0) in shown else {}
        for system, text in content.shown_texts(place).items():
            old = there[system][1] if system in there else None
            if old != text:
                yield f"text of system '{system}' for item '{place[1]}': {old!r} → {text!r}"
    left = answers_of(campaign)
    erased = ids_erased(campaign, {screen.rater for screen in content.screens})  # whose ratings are anonymous
    for screen in (screen for screen in content.screens if screen.rater not in erased):
        yield from screen_differences(screen, shown, left, protocol_named(content.protocol).number)
    yield from (f"rating of item {item} by rater '{rater}': not in the file" for item, rater in left)


def screen_differences(
    screen: RatedScreen,
    shown: Mapping[Showing, Shown],
    left: dict[tuple[int, str | None], Any],
    number: type[int] | type[float],
) -> Iterator[str]:
    """Of one rating, which is taken out of `left`."""
    what = f"rating of item '{screen.place[1]}' by rater '{screen.rater}'"
    there = shown.get((screen.place, screen.repeat))
    old = left.pop((there.item, screen.rater), None) if there else None
    if there is None or old is None or not set(screen.systems) <= set(there.candidates):
        yield f"{what}: not in the campaign"
        return
    new = stored_answers(screen, there.candidates, number)
    for criterion in old.keys() | new.keys():
        if old.get(criterion) != new.get(criterion):
            names = {str(pk): system for system, (pk, _) in there.candidates.items()}
            yield f"{what}, {criterion}: {spelt(old.get(criterion), names)} → {spelt(new.get(criterion), names)}"


def spelt(answer: Any, names: Mapping[str, str]) -> str:
    """An answer with systems in the place of their candidates."""
    if isinstance(answer, Mapping):
        return ", ".join(f"{names.get(candidate, candidate)} {value}" for candidate, value in answer.items())
    return names.get(str(answer), str(answer))


def shown_in(campaign: Campaign) -> dict[Showing, Shown]:
    """The campaign's items by what they show: a place, and how many times it was shown before."""
    candidates: dict[int, Candidates] = defaultdict(dict)
    rows = CandidateOutput.objects.filter(candidate__item__campaign=campaign).values_list(
        "candidate__item", "output__decoding__system__name", "candidate", "candidate__text"
    )
    for item, system, candidate, text in rows.iterator(chunk_size=5000):
        candidates[item][system] = candidate, text
    times: dict[tuple[str, str], int] = defaultdict(int)
    found = {}
    items = Item.objects.filter(campaign=campaign).order_by("position")
    for item, album, photo in items.values_list("pk", "source__album__external_id", "source__key"):
        found[(album, photo), times[album, photo]] = Shown(item, candidates[item])
        times[album, photo] += 1
    return found


def answers_of(campaign: Campaign) -> dict[tuple[int, str | None], Any]:
    """What was answered, by item and rater's outside id."""
    rows = Rating.objects.filter(assignment__item__campaign=campaign, assignment__rater__erased_at=None).values_list(
        "assignment__item", "assignment__rater__outside_id", "answers"
    )
    return {(item, rater): answers for item, rater, answers in rows.iterator(chunk_size=5000)}
