"""What people said of systems and of single texts, in campaigns that are closed: of an open one nothing is read."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db.models import Count, Q

from annotations.campaigns.models import Campaign, CandidateOutput, Item, Rater, Rating
from annotations.corpora.models import Dataset
from annotations.errors import ConflictError
from annotations.protocols import protocol_named
from annotations.reports.keeping import results_of
from annotations.reports.measures import measure_of
from annotations.reports.models import Report
from annotations.reports.scales import places_of
from annotations.reports.schema.results import SystemResult
from annotations.reports.words import spaced
from annotations.systems.models import Decoding

HUMAN_LIKENESS = "human_likeness"
REPORTS = 6  # the newest, that are looked through for one that can be read
KEPT_SECONDS = 30 * 24 * 3600


class Reading(NamedTuple):
    """What a kept report says of each system by one criterion, best first; `decodings` are those it was shown with."""

    campaign: Campaign
    criterion: str
    axis: str
    places: int
    simulated: bool
    systems: list[SystemResult]
    decodings: dict[str, int]

    @property
    def more_is_better(self) -> bool:
        return len(self.systems) < 2 or self.systems[0].mean >= self.systems[-1].mean


class Rated(NamedTuple):
    """The mean of a text's ratings, and of how many."""

    mean: float
    ratings: int


class TextRatings(NamedTuple):
    """Of a closed campaign by one criterion: `rated` by source and decoding, more being better."""

    campaign: Campaign
    criterion: str
    rated: dict[tuple[int, int], Rated]


def criterion_of(criteria: Sequence[str]) -> str:
    """The one that is shown where there is room for one."""
    return HUMAN_LIKENESS if HUMAN_LIKENESS in criteria else next(iter(criteria), "")


def closed() -> Any:
    return Campaign.objects.current().filter(state=Campaign.State.CLOSED)


def last_reading(dataset: Dataset, split: str) -> Reading | None:
    """Of the last evaluation campaign there that is closed and whose report was kept since."""
    theirs = closed().filter(dataset=dataset, split=split, purpose=Campaign.Purpose.EVALUATION)
    rows = Report.objects.filter(campaign__in=theirs).select_related("campaign")
    for kept in rows.order_by("-campaign__closed_at", "-pk")[:REPORTS]:
        with suppress(ConflictError):  # kept in a layout that is not read any more
            results = results_of(kept)
            criterion = criterion_of(list(results.criteria))
            if results.campaign.interim or not criterion or not results.criteria[criterion].systems:
                continue
            return Reading(
                kept.campaign,
                spaced(criterion),
                measure_of(results.campaign).mean_axis(results.campaign),
                places_of(results),
                bool(results.campaign.simulation),
                results.criteria[criterion].systems,
                dict(kept.campaign.entries.values_list("system__name", "decoding")),
            )
    return None


def campaign_of_texts(decodings: Sequence[Decoding]) -> Campaign | None:
    """The closed campaign that showed most of these decodings of one split, of several the last."""
    shown = Count("entries", filter=Q(entries__decoding__in=decodings))
    rows = closed().filter(dataset=decodings[0].dataset_id, split=decodings[0].split).annotate(shown=shown)
    found: Campaign | None = rows.filter(shown__gt=0).order_by("-shown", "-closed_at", "-pk").first()
    return found


def ratings_of_texts(campaign: Campaign) -> TextRatings | None:
    """None of one that is not closed, and where raters gave no text a number. The ratings are read once, and again
    where other raters are left out since."""
    if campaign.state != Campaign.State.CLOSED or not campaign.criteria:
        return None
    criterion = criterion_of(campaign.criteria)
    key = f"text-ratings-{campaign.pk}-{standing_of(campaign)}"
    rows = cache.get(key)
    if rows is None:
        rows = text_means(campaign, criterion)
        cache.set(key, rows, KEPT_SECONDS)
    rated = {(source, decoding): Rated(mean, count) for source, decoding, mean, count in rows}
    return TextRatings(campaign, spaced(criterion), rated) if rated else None


def standing_of(campaign: Campaign) -> str:
    """Changes where another rater's answers count."""
    raters = Rater.objects.filter(campaign=campaign).order_by("pk")
    parts = [campaign.closed_at, *raters.values_list("pk", "excluded_at", "ended_by", "trial")]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]


def text_means(campaign: Campaign, criterion: str) -> list[tuple[int, int, float, int]]:
    """Source, decoding, mean and number of the ratings of each text that has any."""
    protocol = protocol_named(campaign.protocol)
    sums: dict[str, tuple[float, int]] = {}
    for stored in Rating.objects.counting(campaign).values_list("answers", flat=True).iterator(chunk_size=2000):
        for candidate, number in protocol.goodness(stored).get(criterion, {}).items():
            total, count = sums.get(candidate, (0.0, 0))
            sums[candidate] = total + number, count + 1
    shown = CandidateOutput.objects.filter(
        candidate__item__campaign=campaign, candidate__item__kind=Item.Kind.REGULAR
    ).values_list("candidate", "output__source", "output__decoding")
    return [
        (source, decoding, sums[str(pk)][0] / sums[str(pk)][1], sums[str(pk)][1])
        for pk, source, decoding in shown.iterator(chunk_size=5000)
        if str(pk) in sums
    ]
