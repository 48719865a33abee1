"""A campaign's systems in one metric: their values by item, and by how much they differ on the same items."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from annotations.campaigns.services.scores import DifferenceRow, score_differences_write, scores_write
from annotations.models import Campaign, Item
from annotations.reasons import Reason
from annotations.statistics.metric_differences import MetricDifference, paired_differences, why_not_compared
from annotations.statistics.resampling import RESAMPLES, SEED
from modeling.metrics.texts import Segment, Statistics
from workers.jobs.coverage import Scored

DECIMALS = 6  # of a metric's values by item


class Compared(NamedTuple):
    """A metric's differences, with the signature of how they were computed and the part of the sources they are of."""

    differences: dict[tuple[str, str], MetricDifference]
    undefined: Reason | None
    signature: str = ""
    sources: tuple[int, int] | None = None


def compare(metric: str, scored: Sequence[Scored]) -> Compared:
    """By how much the systems that have the metric differ in it: those of a campaign, on the same items in order."""
    theirs = {each.decoding.system.name: each for each in scored if metric in each.scores}
    sources = {name: [segment.id for segment in each.segments] for name, each in theirs.items()}
    if why := why_not_compared(sources):
        return Compared({}, why)
    first = next(iter(theirs.values()))
    albums = np.unique([segment.album or f"\0{segment.id}" for segment in first.segments], return_inverse=True)[1]
    statistics: dict[str, Statistics] = {name: each.scores[metric]["statistics"] for name, each in theirs.items()}
    basis = first.scores[metric]["statistics"]
    found = paired_differences({name: each.counts for name, each in statistics.items()}, basis.metric, albums)
    return Compared(*found, basis.signature(RESAMPLES, SEED), first.scores[metric].get("sources"))


def campaign_write(
    campaign: Campaign, scored: Sequence[Scored], shared: Sequence[Scored], comparisons: Mapping[str, Compared]
) -> None:
    """Each decoding's scores, with their values by item, then those on the items that all `shared` wrote for, as the
    newest, and the differences: all of one run, or none."""
    items = campaign.items.filter(kind=Item.Kind.REGULAR).values_list("source_id", "position")
    positions, count = {str(source): position for source, position in items}, campaign.items.count()

    def by_item(segments: Sequence[Segment], values: Sequence[float | None]) -> list[float | None]:
        found: list[float | None] = [None] * count
        for segment, value in zip(segments, values, strict=True):
            found[positions[segment.id]] = None if value is None else round(value, DECIMALS)
        return found

    for decoding, segments, scores, _ in scored:
        written = defined(scores)
        for metric, score in written.items():
            if "by_segment" in score:
                of_items, signature = by_item(segments, score["by_segment"]), score.get("segment_signature", "")
                written[metric] = {**score, "by_item": of_items, "by_item_signature": signature}
        scores_write(decoding=decoding, campaign=campaign, scores=written)
    for each in shared:
        if each not in scored:
            scores_write(decoding=each.decoding, campaign=campaign, scores=defined(each.scores))
    decodings = {each.decoding.system.name: each.decoding for each in scored}
    for metric, comparison in comparisons.items():
        rows = [
            DifferenceRow(decodings[one], decodings[other], *difference)
            for (one, other), difference in comparison.differences.items()
        ]
        score_differences_write(
            campaign=campaign,
            metric=metric,
            signature=comparison.signature,
            sources=comparison.sources,
            differences=rows,
        )


def defined(scores: Mapping[str, Any]) -> dict[str, Any]:
    return {metric: score for metric, score in scores.items() if score["value"] is not None}
