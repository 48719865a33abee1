"""The answers of a campaign, one row a rating, criterion and system: what exports are made from."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice, product
from typing import Any, NamedTuple

from annotations.campaigns.models import Campaign, Candidate, Rating, Rewrite
from annotations.protocols import protocol_named

ANSWER_BATCH_SIZE = 500


class Row(NamedTuple):
    """A score. A text that several systems wrote makes a row for each of them; `dictionary.COLUMNS` says what the
    columns mean."""

    campaign: str
    item: int
    album: str
    source: str
    system: str
    candidate: int
    text: str
    rater: str
    criterion: str
    score: float
    place: int | None
    order: int
    revision: int
    seconds: float | None
    submitted: str
    kind: str
    excluded: str
    simulated: bool
    comment: str
    completion_code: str


class JudgementRow(NamedTuple):
    """Whether a text was judged human, and how surely. A text of several systems makes a row for each of them."""

    campaign: str
    item: int
    album: str
    source: str
    system: str
    candidate: int
    text: str
    rater: str
    criterion: str
    human: int
    confidence: int
    place: int | None
    order: int
    revision: int
    seconds: float | None
    submitted: str
    kind: str
    excluded: str
    simulated: bool
    comment: str
    completion_code: str


class RewriteRow(NamedTuple):
    """A text as a rater would have written it. A text of several systems makes a row for each of them."""

    campaign: str
    item: int
    album: str
    source: str
    system: str
    candidate: int
    text: str
    rater: str
    criterion: str
    rewrite: str
    score: float
    edits: int
    rewrite_words: int
    pasted: float | None
    typing_seconds: float | None
    place: int | None
    order: int
    revision: int
    seconds: float | None
    submitted: str
    kind: str
    excluded: str
    simulated: bool
    comment: str
    completion_code: str


class ErrorRow(NamedTuple):
    """The errors that were marked in a text, as JSON, and their score. A text of several systems makes a row for each
    of them."""

    campaign: str
    item: int
    album: str
    source: str
    system: str
    candidate: int
    text: str
    rater: str
    criterion: str
    score: float
    errors: str
    place: int | None
    order: int
    revision: int
    seconds: float | None
    submitted: str
    kind: str
    excluded: str
    simulated: bool
    comment: str
    completion_code: str


class ChoiceRow(NamedTuple):
    """A choice between two texts, `system_a`'s shown first. A text of several systems makes a row for each of them."""

    campaign: str
    item: int
    album: str
    source: str
    system_a: str
    system_b: str
    text_a: str
    text_b: str
    rater: str
    criterion: str
    choice: str
    order: int
    revision: int
    seconds: float | None
    submitted: str
    kind: str
    excluded: str
    simulated: bool
    comment: str
    completion_code: str


class SureChoiceRow(NamedTuple):
    """A choice of the text that a person wrote, and how sure it was; as `ChoiceRow`."""

    campaign: str
    item: int
    album: str
    source: str
    system_a: str
    system_b: str
    text_a: str
    text_b: str
    rater: str
    criterion: str
    choice: str
    confidence: int
    order: int
    revision: int
    seconds: float | None
    submitted: str
    kind: str
    excluded: str
    simulated: bool
    comment: str
    completion_code: str


AnyRow = Row | JudgementRow | RewriteRow | ErrorRow | ChoiceRow | SureChoiceRow


class Answer(NamedTuple):
    """A rater's newest answer to a screen, and the screen; as `ANSWER_FIELDS` reads it."""

    pk: int
    given: Any  # as the protocol stores it
    seconds: float | None
    revision: int
    submitted: datetime
    candidate_order: list[tuple[int, str]]
    item: int
    position: int
    kind: str
    source: str
    album: str
    rater: int
    rater_name: Any
    exclusion: str
    completion_code: str | None
    comment: str | None


ANSWER_FIELDS = (
    "pk",
    "answers",
    "seconds",
    "revision",
    "created_at",
    "assignment__candidate_order",
    "assignment__item_id",
    "assignment__item__position",
    "assignment__item__kind",
    "assignment__item__source__key",
    "assignment__item__source__album__external_id",
    "assignment__rater_id",
    "assignment__rater__public_id",
    "assignment__rater__exclusion",
    "assignment__rater__completion_code",
    "remark__comment",
)


class Shown(NamedTuple):
    """A text, and the systems that wrote it: none of them where it was made for quality control."""

    text: str
    systems: list[str]


def choice_rows(campaign: Campaign) -> Iterator[ChoiceRow]:
    """The choices, as `rating_rows` are the scores."""
    return (row for row, _, _ in chosen_rows(campaign))


def sure_choice_rows(campaign: Campaign) -> Iterator[SureChoiceRow]:
    """The same with how sure each was."""
    protocol = protocol_named(campaign.protocol)
    for row, given, chosen in chosen_rows(campaign):
        sure = protocol.sureness(given)[row.criterion][chosen]
        yield SureChoiceRow(**row._asdict(), confidence=int(sure))


def chosen_rows(campaign: Campaign) -> Iterator[tuple[ChoiceRow, Any, str]]:
    """Each with the answer it is from, as it is stored, and the text that was chosen by its primary key."""
    protocol = protocol_named(campaign.protocol)
    for answer, order, shown in answers_of(campaign):
        first, second = (pk for pk, _ in answer.candidate_order)
        one, other = shown[first], shown[second]
        given = protocol.choices(answer.given)
        for criterion, (a, b) in product(campaign.criteria, product(one.systems or [""], other.systems or [""])):
            if (a and a == b) or criterion not in given:
                continue
            row = ChoiceRow(
                campaign.name,
                answer.position,
                answer.album,
                answer.source,
                a,
                b,
                one.text,
                other.text,
                str(answer.rater_name),
                criterion,
                {str(first): a or "text_a", str(second): b or "text_b"}.get(given[criterion], given[criterion]),
                order,
                answer.revision,
                answer.seconds,
                answer.submitted.isoformat(),
                answer.kind,
                answer.exclusion,
                bool(campaign.simulation),
                answer.comment or "",
                answer.completion_code or "",
            )
            yield row, answer.given, given[criterion]


def rating_rows(campaign: Campaign) -> Iterator[Row]:
    """The scores, in the order in which they came in, those of an answer by criterion and place. A batch is held.

    Skipped, withdrawn and replaced answers and dry runs are left out. Planned repeats, quality control and raters who
    are left out of the results are there, and marked.
    """
    protocol = protocol_named(campaign.protocol)
    for answer, order, shown in answers_of(campaign):
        yield from score_rows(campaign, answer, order, shown, protocol.scores(answer.given))


def judgement_rows(campaign: Campaign) -> Iterator[JudgementRow]:
    """The judgements, as `rating_rows` are the scores."""
    protocol = protocol_named(campaign.protocol)
    for answer, order, shown in answers_of(campaign):
        sureness = protocol.sureness(answer.given)
        for row in score_rows(campaign, answer, order, shown, protocol.scores(answer.given)):
            rest = row._asdict()
            human, sure = int(rest.pop("score")), sureness[row.criterion][str(row.candidate)]
            yield JudgementRow(**rest, human=human, confidence=int(abs(sure)))


def rewrite_rows(campaign: Campaign) -> Iterator[RewriteRow]:
    """The rewrites, as `rating_rows` are the scores; those of raters who were erased are empty."""
    protocol = protocol_named(campaign.protocol)
    written = Rewrite.objects.filter(candidate__item__campaign=campaign).values_list("rating", "candidate", "text")
    texts = {(rating, candidate): text for rating, candidate, text in written}
    for answer, order, shown in answers_of(campaign):
        edits = protocol.edits(answer.given)
        for row in score_rows(campaign, answer, order, shown, protocol.scores(answer.given)):
            edit = edits[row.criterion][str(row.candidate)]
            yield RewriteRow(
                **row._asdict(),
                rewrite=texts[answer.pk, row.candidate],
                edits=edit["edits"],
                rewrite_words=edit["words"][1],
                pasted=edit.get("pasted"),
                typing_seconds=edit.get("typing_seconds"),
            )


def error_rows(campaign: Campaign) -> Iterator[ErrorRow]:
    """The errors, as `rating_rows` are the scores."""
    protocol = protocol_named(campaign.protocol)
    for answer, order, shown in answers_of(campaign):
        errors = protocol.errors(answer.given)
        for row in score_rows(campaign, answer, order, shown, protocol.scores(answer.given)):
            spans = [
                {
                    "start": each.start,
                    "end": each.end,
                    "category": each.category,
                    "severity": each.severity,
                    "text": row.text[each.start : each.end],
                }
                for each in errors[row.criterion][str(row.candidate)]
            ]
            yield ErrorRow(**row._asdict(), errors=json.dumps(spans, ensure_ascii=False))


def score_rows(
    campaign: Campaign, answer: Answer, order: int, shown: Mapping[int, Shown], given: Mapping[str, Mapping[str, float]]
) -> Iterator[Row]:
    places = {} if campaign.imported_by_id else places_of(answer.candidate_order)
    rater, submitted = str(answer.rater_name), answer.submitted.isoformat()
    for criterion in campaign.criteria:
        scores = {int(candidate): score for candidate, score in given.get(criterion, {}).items()}
        for candidate in sorted(scores, key=lambda candidate: (places.get(candidate, 0), candidate)):
            text, systems = shown[candidate]
            for system in systems or [""]:
                yield Row(
                    campaign.name,
                    answer.position,
                    answer.album,
                    answer.source,
                    system,
                    candidate,
                    text,
                    rater,
                    criterion,
                    float(scores[candidate]),
                    places.get(candidate),
                    order,
                    answer.revision,
                    answer.seconds,
                    submitted,
                    answer.kind,
                    answer.exclusion,
                    bool(campaign.simulation),
                    answer.comment or "",
                    answer.completion_code or "",
                )


def answers_of(campaign: Campaign) -> Iterator[tuple[Answer, int, Mapping[int, Shown]]]:
    """The newest answers (`newest_answers`) in the order in which they came in; each with its place among its
    rater's, from 1, and texts by primary key, its item's among them.

    Which ones is read at once, since answers never change, and they are read a few at a time: whoever downloads slowly
    keeps no transaction open, which would keep SQLite's log growing."""
    newest = Rating.objects.newest_answers(campaign)
    answered: Counter[int] = Counter()
    pks = iter(list(newest.order_by("pk").values_list("pk", flat=True)))
    while wanted := list(islice(pks, ANSWER_BATCH_SIZE)):
        rows = Rating.objects.filter(pk__in=wanted).order_by("pk").values_list(*ANSWER_FIELDS)
        batch = [Answer(*row) for row in rows]
        shown = texts_of(answer.item for answer in batch)
        for answer in batch:
            answered[answer.rater] += 1
            yield answer, answered[answer.rater], shown


def texts_of(items: Iterable[int]) -> dict[int, Shown]:
    """The texts of these items by their primary key; systems by name."""
    found: dict[int, Shown] = {}
    rows = Candidate.objects.filter(item__in=set(items)).values_list("pk", "text", "outputs__decoding__system__name")
    for pk, text, system in rows:
        shown = found.setdefault(pk, Shown(text, []))
        if system is not None:
            shown.systems.append(system)
    for shown in found.values():
        shown.systems.sort()
    return found


def places_of(order: list[tuple[int, str]]) -> dict[int, int]:
    """Each candidate's place on the screen, from 1, by primary key."""
    return {pk: place for place, (pk, _) in enumerate(order, start=1)}
