"""How what generations wrote was scored, beside people's own texts."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from annotations.models import Score
from modeling.metrics.indistinguishable import HUMAN
from workers.models import Generation, Run

Step = Generation.Step


class Scores(NamedTuple):
    """Of what a generation's two models wrote, and of people's own texts for the same sources, by metric."""

    before: Mapping[str, Score]
    new: Mapping[str, Score]
    people: Mapping[str, Mapping[str, Any]]


def scores_of(generations: Iterable[Generation]) -> dict[int, Scores]:
    """By primary key of those that have scored what they wrote; in three queries, however many there are."""
    done = Run.objects.filter(generation__in=generations, state=Run.State.DONE)
    people = dict(done.filter(step=Step.SCORE).values_list("generation_id", f"result__scores__{HUMAN}"))
    decoded = done.filter(step__in=[Step.DECODE_BEFORE, Step.DECODE])
    decodings = {
        (pk, step): decoding for pk, step, decoding in decoded.values_list("generation_id", "step", "result__decoding")
    }
    rows = Score.objects.filter(decoding__in=decodings.values(), campaign=None).select_related("metric")
    scores: dict[int, dict[str, Score]] = {}
    for row in rows.order_by("metric__order", "pk"):
        scores.setdefault(row.decoding_id, {})[row.metric_id] = row

    def of(pk: int, step: str) -> Mapping[str, Score]:
        return scores.get(decodings[pk, step], {})

    return {pk: Scores(of(pk, Step.DECODE_BEFORE), of(pk, Step.DECODE), theirs or {}) for pk, theirs in people.items()}
