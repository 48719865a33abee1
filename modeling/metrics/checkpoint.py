"""Scores of a checkpoint by the metrics that are of one. Needs torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from modeling.checkpoints import load_checkpoint
from modeling.corpus import Example
from modeling.devices import cpu_threads, pick_device
from modeling.metrics import of_kind
from modeling.metrics.checkpoint_metric import CheckpointMetric
from modeling.metrics.metric import Score, without_texts
from modeling.metrics.pairs import Pairs
from modeling.progress import OnProgress, Progress, no_progress


def score_checkpoint(
    checkpoint: Path,
    examples: Sequence[Example],
    *,
    metrics: Iterable[str] | None = None,
    device: str = "auto",
    threads: int = 1,
    resampled: bool = False,
    on_progress: OnProgress = no_progress,
) -> dict[str, Score]:
    """A score by metric, of those named or of all; one that is undefined is left out.

    All are of the weights to decode with, those of the best look at validation pairs, and the signature says which
    these are. With `resampled` each carries its resamples. Raises CheckpointError, and ScoringError where no pair can
    be scored.
    """
    wanted = of_kind(CheckpointMetric, metrics)
    pairs, found = Pairs(load_checkpoint(checkpoint), examples, pick_device(device)), dict[str, Score]()
    with cpu_threads(threads):
        for number, metric in enumerate(wanted):
            on_progress(Progress(number, len(wanted), number / len(wanted), message=metric.name.replace("_", " ")))
            if (score := metric.score(pairs)) is not None:
                found[metric.name] = score
    return found if resampled else {name: without_texts(score) for name, score in found.items()}
