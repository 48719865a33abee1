from __future__ import annotations

from typing import TYPE_CHECKING

from modeling.metrics.checkpoint_metric import CheckpointMetric
from modeling.metrics.metric import Score

if TYPE_CHECKING:
    from modeling.metrics.pairs import Pairs

NO_LOOK = (
    "trained without validation pairs, so nll and source gain are those of its last weights, which may be overfitted"
)


class Nll(CheckpointMetric):
    """Where there was no look at validation pairs, the score has the key "note", which says so in words."""

    name = "nll"
    description = "negative log-likelihood of the references in nats per word, for models of the same data"
    less_is_better = True
    leading = True

    def score(self, pairs: Pairs) -> Score:
        score = pairs.score("nll|unit:nats_per_word", range(len(pairs.pairs)), pairs.true, pairs.words)
        return score if pairs.looks else score | {"note": NO_LOOK}
