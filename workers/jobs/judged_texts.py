"""A training run that learns from feedback: what it reads of a set, and what it has cost the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from annotations.errors import InputError
from annotations.models import FeedbackSet
from annotations.plurals import counted
from modeling.config import LEARNS_FROM, TrainingConfig
from workers.erasing import FEEDBACK_FILE, files_remove
from workers.jobs import corpus
from workers.jobs.reward import reward_named
from workers.lookup import check_valid
from workers.models import Run

if TYPE_CHECKING:
    from modeling.progress import OnProgress

SAID = 8  # of the sources for which a model is given nothing


def judged_set(training: TrainingConfig, feedback_set: FeedbackSet | None) -> FeedbackSet | None:
    """The set that a training learns from: the one it is given, or that of the reward model which judges what it draws.

    Raises InputError where the objective learns from feedback and there is none of the kind it needs, NotFoundError for
    a reward model that there is not.
    """
    if training.draws:
        if feedback_set:
            raise InputError("feedback", "drawn texts are judged by the reward model", "leave out the set, or draws=0")
        return reward_named(training.reward).feedback_set
    if not training.learns_from_feedback:
        return feedback_set
    name, kinds = training.objective, LEARNS_FROM[training.objective]
    if feedback_set is None:
        raise InputError(
            "feedback", f"missing: objective={name} learns from a feedback set", "name one with --feedback"
        )
    if not feedback_set.examples.filter(kind__in=kinds).exists():
        there = ", ".join(feedback_set.counts["kinds"]) or "nothing"
        raise InputError(
            "feedback",
            f"objective={name} learns from examples of kind {' or '.join(kinds)}; '{feedback_set.name}' has {there}",
        )
    return feedback_set


def write_feedback(feedback_set: FeedbackSet, folder: Path, training: TrainingConfig, *, source: str) -> Path:
    """The file of judged texts in a run's folder, written once."""
    file = folder / FEEDBACK_FILE
    if not file.exists():
        rows = corpus.feedback_rows(feedback_set, source=source, seed=training.seed)
        if training.album_context:
            rows = corpus.beside_albums(rows, feedback_set.dataset, "feedback", source=source)
        corpus.write_records(rows, file)
    return file


@dataclass(frozen=True)
class Unread:
    """The examples of a set that a model cannot learn from, as it is given nothing for their source: how many there are
    by source, and what the sources lack."""

    sources: Mapping[str, int]
    lack: str

    @classmethod
    def of(cls, feedback_set: FeedbackSet, *, source: str) -> Self:
        """Raises InputError where that is all of the set."""
        by = "any system" if source == corpus.ANY_SYSTEM else f"system '{source}'"
        lack = "caption" if source == corpus.CAPTION else f"text of {by}"
        found = cls(corpus.feedback_left_out(feedback_set, source=source), lack)
        if found.count and found.count == feedback_set.examples.count():
            raise InputError(
                "feedback",
                f"no source in feedback set '{feedback_set.name}' has a {lack}, so a model has nothing to learn from",
                "set source to a system with outputs for them, or name another set",
            )
        return found

    @property
    def count(self) -> int:
        return sum(self.sources.values())

    @property
    def in_words(self) -> str:
        return f"{counted(self.count, 'examples')} of the feedback set left out, whose source has no {self.lack}"

    @property
    def why_left_out(self) -> list[str]:
        """Of the first few sources."""
        first = list(self.sources.items())[:SAID]
        return [f"{counted(count, 'examples')} of '{source}': it has no {self.lack}" for source, count in first]


def check_still_valid(run: Run, folder: Path) -> None:
    """Raises InputError, and removes what was written of the set, where a rater whose words it held was erased
    meanwhile."""
    if run.feedback_set_id is None:
        return
    try:
        check_valid(FeedbackSet.objects.get(pk=run.feedback_set_id))
    except InputError:
        files_remove(folder)
        raise


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
    from modeling.guarding import guard, reward_of
    from modeling.metrics.texts import with_words

    examples = read_examples(valid_file) if valid_file.stat().st_size else []
    if not any(with_words(each.references) for each in examples):
        return None
    return guard(
        Path(training.init),
        checkpoint,
        examples,
        training,
        training_stories=training_stories,
        reward=reward_of(training),
        on_progress=on_progress,
    ).to_dict()
