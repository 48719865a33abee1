"""Automatic metrics. Those of texts alone need no torch; `source_gain` scores a checkpoint and does."""

from __future__ import annotations

from modeling.metrics.outputs import METRICS, Segment, score_outputs

__all__ = ["METRICS", "Segment", "score_outputs"]
