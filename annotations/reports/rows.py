"""The numbers of a campaign, one row a rating, criterion and system: what reports and exports are made from."""

from collections.abc import Iterator
from typing import NamedTuple

from annotations.models import Assignment, Campaign, CandidateOutput, Rating
from annotations.protocols import protocol_named


class Row(NamedTuple):
    """A score that counts. A text that several systems wrote makes a row for each of them."""

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
    place: int  # of the candidate on the screen, from 1
    order: int  # of the screen among this rater's answers, from 1
    revision: int
    seconds: float | None
    submitted: str  # ISO 8601


def rating_rows(campaign: Campaign) -> Iterator[Row]:
    """In the order in which they came in; skipped, withdrawn and replaced answers and control items are left out."""
    protocol = protocol_named(campaign.protocol)
    shown = CandidateOutput.objects.filter(candidate__item__campaign=campaign).order_by(
        "output__decoding__system__name"
    )
    systems: dict[int, list[str]] = {}
    texts: dict[int, str] = {}
    for pk, system, text in shown.values_list("candidate_id", "output__decoding__system__name", "candidate__text"):
        systems.setdefault(pk, []).append(system)
        texts[pk] = text
    counting = Rating.objects.counting(campaign).order_by("pk")
    ratings = counting.select_related("assignment__rater", "assignment__item__source__album")
    answered: dict[int, int] = {}
    for rating in ratings.iterator(chunk_size=2000):
        assignment = rating.assignment
        order = answered[assignment.rater_id] = answered.get(assignment.rater_id, 0) + 1
        places = places_of(assignment)
        source, rater, submitted = (
            assignment.item.source,
            str(assignment.rater.public_id),
            rating.created_at.isoformat(),
        )
        for criterion, scores in protocol.scores(rating.answers).items():
            for candidate, score in scores.items():
                for system in systems[int(candidate)]:
                    yield Row(
                        campaign=campaign.name,
                        item=assignment.item.position,
                        album=source.album.external_id,
                        source=source.key,
                        system=system,
                        candidate=int(candidate),
                        text=texts[int(candidate)],
                        rater=rater,
                        criterion=criterion,
                        score=float(score),
                        place=places[int(candidate)],
                        order=order,
                        revision=rating.revision,
                        seconds=rating.seconds,
                        submitted=submitted,
                    )


def places_of(assignment: Assignment) -> dict[int, int]:
    return {pk: place for place, (pk, _) in enumerate(assignment.candidate_order, start=1)}
