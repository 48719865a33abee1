"""Metrics of a trained model and pairs of source and reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modeling.metrics.metric import Level, Metric, Need, Score

if TYPE_CHECKING:
    from modeling.metrics.pairs import Pairs  # needs torch


class CheckpointMetric(Metric):
    level = Level.CORPUS
    needs = frozenset({Need.CHECKPOINT, Need.REFERENCES})
    of_campaigns = False

    def score(self, pairs: Pairs) -> Score | None:
        """None where it is undefined."""
        raise NotImplementedError
