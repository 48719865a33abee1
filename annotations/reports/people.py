"""What people said of systems and of single texts, in campaigns that are closed: of an open one nothing is read."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from django.db.models import Count, Max, Q

from annotations.campaigns.models import Campaign, CandidateOutput, Item, Rater, Rating
from annotations.corpora.models import Dataset
from annotations.errors import ConflictError
from annotations.protocols import protocol_named
from annotations.reports.keeping import results_of
from annotations.reports.measures import measure_of
from annotations.reports.models import Report
from annotations.reports.querysets import campaign_revision
from annotations.reports.scales import places_of
from annotations.reports.schema.results import SystemResult
from annotations.reports.words import spaced
from annotations.systems.models import Decoding, Score

HUMAN_LIKENESS = "human_likeness"
REPORTS = 6  # the newest, that are looked through for one that can be read


class Reading(NamedTuple):
    """What a kept report says of each system by one criterion, best first; `decodings` are those it was shown with, and
    `scale` is that of their means."""

    campaign: Campaign
    criterion: str
    axis: str
    scale: tuple[float, float]
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


Means = dict[tuple[int, int], Rated]  # by source and decoding


def criterion_of(criteria: Sequence[str]) -> str:
    """The one that is shown where there is room for one."""
    return HUMAN_LIKENESS if HUMAN_LIKENESS in criteria else next(iter(criteria), "")


def closed() -> Any:
    return Campaign.objects.current().filter(state=Campaign.State.CLOSED)


def last_reading(dataset: Dataset | None = None, split: str = "") -> Reading | None:
    """Of the last evaluation campaign, there or anywhere, that is closed and whose report was kept as it stands now."""
    theirs = closed().filter(purpose=Campaign.Purpose.EVALUATION)
    theirs = theirs.filter(dataset=dataset, split=split) if dataset else theirs
    rows = Report.objects.filter(campaign__in=theirs).select_related("campaign__dataset").defer("content")
    for kept in rows.order_by("-campaign__closed_at", "-pk")[:REPORTS]:
        if kept.revision != campaign_revision(kept.campaign):
            continue
        with suppress(ConflictError):  # kept in a layout that is not read any more
            results = results_of(kept)
            criterion = criterion_of(list(results.criteria))
            if results.campaign.interim or not criterion or not results.criteria[criterion].systems:
                continue
            return Reading(
                kept.campaign,
                spaced(criterion),
                measure_of(results.campaign).mean_axis(results.campaign),
                measure_of(results.campaign).scale(results.campaign),
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


def asked_of_texts(campaign: Campaign) -> str:
    """The criterion by which raters gave single texts numbers, of which more is better; empty where they gave none, and
    of a campaign that is not closed."""
    if campaign.state != Campaign.State.CLOSED:
        return ""
    criterion = criterion_of(campaign.criteria)
    some = Rating.objects.counting(campaign).order_by().values_list("answers", flat=True)[:1]  # to sort them takes long
    first = next(iter(some), None)
    return criterion if first and protocol_named(campaign.protocol).goodness(first).get(criterion) else ""


def text_means(campaign: Campaign, criterion: str, sources: Sequence[int] | None = None) -> Means:
    """The mean of each text's ratings, of all texts or of those for some sources; nothing of a campaign that is not
    closed."""
    if campaign.state != Campaign.State.CLOSED:
        return {}
    protocol, sums = protocol_named(campaign.protocol), dict[int, tuple[float, int]]()
    ratings = Rating.objects.counting(campaign)
    shown = CandidateOutput.objects.filter(candidate__item__campaign=campaign, candidate__item__kind=Item.Kind.REGULAR)
    if sources is not None:
        ratings = ratings.filter(assignment__item__source__in=sources)
        shown = shown.filter(candidate__item__source__in=sources)
    for stored in ratings.values_list("answers", flat=True).iterator(chunk_size=2000):
        for candidate, number in protocol.goodness(stored).get(criterion, {}).items():
            total, count = sums.get(int(candidate), (0.0, 0))
            sums[int(candidate)] = total + number, count + 1
    rows = shown.values_list("candidate", "output__source", "output__decoding").iterator(chunk_size=5000)
    return {
        (source, decoding): Rated(sums[pk][0] / sums[pk][1], sums[pk][1]) for pk, source, decoding in rows if pk in sums
    }


def standing_of(campaign: Campaign) -> str:
    """Changes where other raters' answers count, or other scores were made."""
    raters = Rater.objects.filter(campaign=campaign).order_by("pk")
    scores = Score.objects.filter(campaign=campaign).aggregate(Count("pk"), Max("pk"))
    parts = [campaign.closed_at, *scores.values(), *raters.values_list("pk", "excluded_at", "ended_by", "trial")]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]
