"""A campaign's systems in one metric: their values by item, and by how much they differ on the same items."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from annotations.models import Campaign, Item
from annotations.services.outputs import DifferenceRow, score_differences_write, scores_write
from annotations.statistics.metric_differences import (
    CORPUS_METRICS,
    Comparison,
    corpus_differences,
    mean_differences,
    why_not_compared,
)
from annotations.statistics.resampling import RESAMPLES, SEED
from modeling.metrics import Segment
from modeling.text import normalize
from texts.folding import SIGNATURE
from workers.jobs.coverage import Scored, signed_coverage

DECIMALS = 6  # of a metric's values by item


def compare(metric: str, scored: Sequence[Scored]) -> Comparison:
    """By how much the systems that have the metric differ in it: those of a campaign, on the same items in order."""
    theirs = {each.decoding.system.name: each for each in scored if metric in each.scores}
    sources = {name: [segment.id for segment in each.segments] for name, each in theirs.items()}
    if why := why_not_compared(sources):
        return Comparison({}, {}, None, why)
    first = next(iter(theirs.values()))
    albums = np.unique([segment.album or f"\0{segment.id}" for segment in first.segments], return_inverse=True)[1]
    if metric in CORPUS_METRICS:
        outputs = {name: [normalize(segment.output) for segment in each.segments] for name, each in theirs.items()}
        references = [[normalize(text) for text in segment.references] for segment in first.segments]
        found = corpus_differences(outputs, references, albums, metric=metric)
        part = signed_coverage(first.segments, first.of)
        return found._replace(signature=found.signature and f"{found.signature}|{SIGNATURE}{part}")
    values = {name: np.array(each.scores[metric]["by_segment"], np.float64) for name, each in theirs.items()}
    found = mean_differences(values, albums)
    return found._replace(signature=f"{first.scores[metric]['signature']}|bs:{RESAMPLES}|seed:{SEED}")


def campaign_write(
    campaign: Campaign, scored: Sequence[Scored], shared: Sequence[Scored], comparisons: Mapping[str, Comparison]
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
                of_items = by_item(segments, score["by_segment"])
                apart = score.get("segment_signature")
                written[metric] = {**score, "by_item": of_items, "by_item_signature": apart}
        scores_write(decoding=decoding, campaign=campaign, scores=written)
    for each in shared:
        if each not in scored:
            scores_write(decoding=each.decoding, campaign=campaign, scores=without_segments(defined(each.scores)))
    decodings = {each.decoding.system.name: each.decoding for each in scored}
    for metric, comparison in comparisons.items():
        rows = [
            DifferenceRow(decodings[one], decodings[other], *difference)
            for (one, other), difference in comparison.differences.items()
        ]
        score_differences_write(
            campaign=campaign, metric=metric, signature=comparison.signature or "", differences=rows
        )


def defined(scores: Mapping[str, Any]) -> dict[str, Any]:
    return {metric: score for metric, score in scores.items() if score["value"] is not None}


def without_segments(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        metric: {key: value for key, value in score.items() if key != "by_segment"} for metric, score in scores.items()
    }
