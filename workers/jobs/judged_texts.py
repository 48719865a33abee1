"""A training run that learns from feedback: what it reads of a set, and what it has cost the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotations.errors import InputError
from annotations.models import FeedbackSet
from modeling.config import LEARNS_FROM, TrainingConfig
from workers.jobs import corpus

if TYPE_CHECKING:
    from modeling.progress import OnProgress

FILE = "feedback.jsonl"


def check_feedback(training: TrainingConfig, feedback_set: FeedbackSet | None) -> None:
    """Raises InputError where the objective learns from feedback and there is none of the kind it needs."""
    if not training.learns_from_feedback:
        return
    name = training.objective
    if training.draws:
        if feedback_set:
            raise InputError("feedback", "drawn texts are judged by the reward model", "leave out the set, or draws=0")
        return
    kinds = LEARNS_FROM[name]
    if feedback_set is None:
        raise InputError(
            "feedback", f"missing: objective={name} learns from a feedback set", "choose one with --feedback"
        )
    if not feedback_set.examples.filter(kind__in=kinds).exists():
        there = ", ".join(feedback_set.counts["kinds"]) or "nothing"
        raise InputError(
            "feedback",
            f"objective={name} learns from examples of kind {' or '.join(kinds)}; '{feedback_set.name}' has {there}",
        )


def write_feedback(feedback_set: FeedbackSet, folder: Path, training: TrainingConfig, *, source: str) -> Path:
    """The file of judged texts in a run's folder, written once."""
    file = folder / FILE
    if not file.exists():
        rows = corpus.feedback_rows(feedback_set, source=source, seed=training.seed)
        if training.album_context:
            rows = corpus.beside_albums(rows, feedback_set.dataset, "feedback", source=source)
        corpus.write_records(rows, file)
    return file


def guarded(
    training: TrainingConfig,
    checkpoint: Path,
    valid_file: Path,
    training_stories: Sequence[str],
    on_progress: OnProgress,
) -> dict[str, Any] | None:
    """Figures of the model before and after, as `modeling.guarding` has them; None where no validation source has a
    reference."""
    from modeling.corpus import read_examples
    from modeling.guarding import guard

    if not valid_file.stat().st_size:
        return None
    examples = read_examples(valid_file)
    before = Path(training.init)
    measured = guard(before, checkpoint, examples, training, training_stories=training_stories, on_progress=on_progress)
    return measured.to_dict()
