"""Automatic metrics: of outputs, of the people beside them, and of checkpoints (`source_gain`, which needs torch)."""

from __future__ import annotations

from modeling.metrics.outputs import (
    BY_SEGMENT,
    CHECKPOINT_METRICS,
    LEAVE_ONE_OUT,
    METRICS,
    OF_TEXTS_ALONE,
    Segment,
    score_human,
    score_outputs,
    with_nll,
    with_words,
)

__all__ = [
    "BY_SEGMENT",
    "CHECKPOINT_METRICS",
    "LEAVE_ONE_OUT",
    "METRICS",
    "OF_TEXTS_ALONE",
    "Segment",
    "score_human",
    "score_outputs",
    "with_nll",
    "with_words",
]
