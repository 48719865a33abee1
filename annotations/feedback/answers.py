"""The answers that count towards a feedback set, as plain values whose order is the same in every database.

Texts and raters are numbers here: texts by the album and source they are for and by what they say, raters by what they
answered. Whoever computes in their order gets the same numbers to the last bit, whatever the primary keys.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from annotations.campaigns.models import Campaign, Candidate, Rating, Rewrite
from annotations.errors import InputError
from annotations.protocols import protocol_named
from annotations.protocols.lessons import Lesson, Lessons
from annotations.storage.bulk import ID_BATCH_SIZE, batched

FEEDBACK = "feedback"  # the split
Value = TypeVar("Value")


class Text(NamedTuple):
    """A text that raters were shown, of a source."""

    candidate: int
    source: int
    key: tuple[str, str, str]  # album, kind of source, its key
    given: str  # what the source says
    text: str


@dataclass(frozen=True)
class Answer:
    """Texts in `lessons` are numbers, written as strings."""

    rating: int
    rater: int
    lessons: Lessons


class Answers(NamedTuple):
    """Of one campaign."""

    campaign: Campaign
    texts: Sequence[Text]
    given: Sequence[Answer]
    raters: int


def answers_of(campaign: Campaign, criteria: Collection[str] = ()) -> Answers:
    """In as many queries however many there are. Raises InputError as `check_album` does."""
    texts = texts_of(campaign)
    numbers = {text.candidate: str(number) for number, text in enumerate(texts)}
    rows = list(Rating.objects.counting(campaign).select_related("assignment").order_by("pk"))
    rewrites: dict[int, dict[int, str]] = defaultdict(dict)
    written = Rewrite.objects.filter(rating__assignment__item__campaign=campaign).exclude(text="")
    for rating, candidate, text in written.values_list("rating", "candidate", "text"):
        rewrites[rating][candidate] = text
    protocol, found = protocol_named(campaign.protocol), []
    for row in rows:
        shown = [str(candidate) for candidate, _ in row.assignment.candidate_order]
        stored = protocol.together(row.answers, rewrites[row.pk])
        lessons = {
            criterion: renamed(lesson, numbers)
            for criterion, lesson in sorted(protocol.lessons(stored, shown).items())
            if not criteria or criterion in criteria
        }
        found.append(Answer(row.pk, row.assignment.rater_id, lessons))
    raters = raters_in_order(found)
    return Answers(
        campaign,
        texts,
        sorted((replace(each, rater=raters[each.rater]) for each in found), key=lambda each: (each.rater, said(each))),
        len(raters),
    )


def texts_of(campaign: Campaign) -> list[Text]:
    rows = Candidate.objects.filter(item__campaign=campaign, item__kind="regular")
    texts = []
    for pk, text, source, album, split, kind, key, given in rows.values_list(
        "pk",
        "text",
        "item__source_id",
        "item__source__album__external_id",
        "item__source__album__split",
        "item__source__kind",
        "item__source__key",
        "item__source__text",
    ):
        check_album(split, f"source '{album}/{key}' of campaign '{campaign.name}'")
        texts.append(Text(pk, source, (album, kind, key), given, text))
    return sorted(texts, key=lambda each: (each.key, each.text))


def check_album(split: str, source: str) -> None:
    """Raises InputError for a source in an album of another split than feedback."""
    if split != FEEDBACK:
        raise InputError("", f"{source} is in a {split} album: nothing of it can feed training", "feedback albums can")


def renamed(lesson: Lesson, numbers: dict[int, str]) -> Lesson:
    """With the numbers of texts for their primary keys, in the order of the numbers."""

    def number(candidate: str) -> str:
        return numbers[int(candidate)]

    def in_order(by_text: Mapping[str, Value]) -> dict[str, Value]:
        return dict(sorted(((number(name), value) for name, value in by_text.items()), key=lambda pair: int(pair[0])))

    preferences = [
        each._replace(chosen=number(each.chosen), rejected=number(each.rejected)) for each in lesson.preferences
    ]
    return Lesson(
        lesson.origin,
        in_order(lesson.scores),
        sorted(preferences),
        in_order(lesson.labels),
        in_order(lesson.rewrites),
        in_order(lesson.spans),
    )


def said(answer: Answer) -> str:
    """What an answer says, as a line."""
    return json.dumps({criterion: vars(lesson) for criterion, lesson in answer.lessons.items()})


def raters_in_order(answers: Sequence[Answer]) -> dict[int, int]:
    """Numbers from 1, by primary key, of raters ordered by what they answered. Those who answered all alike can be
    exchanged without any difference."""
    lines: dict[int, list[str]] = defaultdict(list)
    for answer in answers:
        lines[answer.rater].append(said(answer))
    ordered = sorted(lines, key=lambda rater: sorted(lines[rater]))
    return {rater: number for number, rater in enumerate(ordered, start=1)}


def rewrites_lock(ratings: Collection[int]) -> bool:
    """Whether the texts of all rewrites of these ratings are still there: who is erased from now on waits for the end
    of the transaction."""
    for part in batched(sorted(ratings), ID_BATCH_SIZE):
        rows = Rewrite.objects.select_for_update().filter(rating__in=part)
        if not all(rows.values_list("text", flat=True)):
            return False
    return True
