"""Writes of what automatic metrics gave: of a split's decodings, and of a campaign's."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.db import transaction

from annotations.campaigns.models import Campaign
from annotations.systems.models import Decoding, Metric, Score, ScoreDifference


class DifferenceRow(NamedTuple):
    """The first decoding's metric less the second's."""

    one: Decoding
    other: Decoding
    value: float
    interval: tuple[float, float] | None
    p: float | None
    p_sacrebleu: float | None


@transaction.atomic
def metrics_write(*, metrics: Iterable[Metric]) -> None:
    """Keep what these metrics are, in place of what was known of them."""
    facts = [field.name for field in Metric._meta.fields if not field.primary_key]
    Metric.objects.bulk_create(metrics, update_conflicts=True, unique_fields=["name"], update_fields=facts)


@transaction.atomic
def scores_write(
    *, decoding: Decoding, scores: Mapping[str, Mapping[str, Any]], campaign: Campaign | None = None
) -> None:
    """Write a decoding's scores by known metrics, `{metric: {"value", "ci", "signature", "sources"}}`, in place of
    those of the same signature, and as the newest. `sources`, of how many of how many it is, is there where that is a
    part. A decoding's score of another part of its split goes too: the split has grown since.

    On a campaign a score may have `by_item`, the value of each text by its item's position, and `by_item_signature`
    where that of those values is another.
    """
    for metric, score in scores.items():
        low, high = score.get("ci") or (None, None)
        sources, of_sources = score.get("sources") or (None, None)
        same = Score.objects.filter(decoding=decoding, campaign=campaign, metric=metric, signature=score["signature"])
        (same.filter(sources=sources) if campaign else same).delete()
        Score.objects.create(
            decoding=decoding,
            campaign=campaign,
            metric_id=metric,
            signature=score["signature"],
            sources=sources,
            of_sources=of_sources,
            value=score["value"],
            ci_low=low,
            ci_high=high,
            by_item=score.get("by_item"),
            by_item_signature=score.get("by_item_signature", ""),
        )


@transaction.atomic
def score_differences_write(
    *,
    campaign: Campaign,
    metric: str,
    signature: str,
    differences: Iterable[DifferenceRow],
    sources: tuple[int, int] | None = None,
) -> None:
    """Write by how much a campaign's systems differ in a known metric, in place of all older differences in it. Without
    any the older ones go. `sources` as in `scores_write`."""
    part, whole = sources or (None, None)
    ScoreDifference.objects.filter(campaign=campaign, metric=metric).delete()
    ScoreDifference.objects.bulk_create(
        ScoreDifference(
            campaign=campaign,
            metric_id=metric,
            signature=signature,
            sources=part,
            of_sources=whole,
            one=row.one,
            other=row.other,
            value=row.value,
            ci_low=row.interval and row.interval[0],
            ci_high=row.interval and row.interval[1],
            p=row.p,
            p_sacrebleu=row.p_sacrebleu,
        )
        for row in differences
    )
