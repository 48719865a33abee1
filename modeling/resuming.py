"""What a training needs to go on after an interruption, how often it is saved, and what it may begin from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from modeling.checkpoints import Checkpoint, discard, load_checkpoint, steps_of
from modeling.config import AUTO, TrainingConfig
from modeling.errors import CheckpointError, DamagedError
from modeling.planning import SAVE_SHARE
from modeling.progress import OnProgress, Progress

KEPT = 2  # step checkpoints of a training: the newest, and the one before in case that is damaged


@dataclass
class State:
    """What changes while training, besides weights and optimizer. Saved as JSON with every checkpoint.

    The stage's next batch is at `position` in `epoch`, that of judged pairs at `judged_position` in `judged_epoch`;
    `pairs_from` is the step at which the pairs' stage began.
    `ended_by` is plan, budget or patience. `init_sha256` is of the weights that the training began from, if any.
    """

    total_steps: int = 0
    step: int = 0
    epoch: int = 0
    position: int = 0
    judged_epoch: int = 0
    judged_position: int = 0
    pairs_from: int | None = None
    seconds: float = 0.0
    loss: float | None = None
    tokens: int = 0
    words: int = 0
    best_nll: float | None = None
    looks_since_best: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    ended_by: str | None = None
    init_sha256: str | None = None
    device: str = ""
    samples: dict[str, Any] = field(default_factory=dict)


class Pace:
    """When to save: not before `every` seconds, nor before saves take less than `SAVE_SHARE` of the time.

    With `every` 0 there is no such bound.
    """

    def __init__(self, every: float, now: Callable[[], float] = time.monotonic) -> None:
        self._every, self._now = every, now
        self._next = now() + every

    def due(self) -> bool:
        return self._now() >= self._next

    @contextmanager
    def saving(self) -> Iterator[None]:
        start = self._now()
        yield
        end = self._now()
        self._next = end + (max(self._every, (end - start) / SAVE_SHARE) if self._every else 0.0)


def saved_checkpoint(folder: Path, config: TrainingConfig, data_sha256: str, *, resumable: bool) -> Checkpoint:
    """The checkpoint to go on from. Raises CheckpointError where it is of another config or of other data."""
    saved = load_checkpoint(folder, resumable=resumable)
    if saved.data_sha256 != data_sha256:
        raise CheckpointError(f"{folder}: was trained on other data; choose another directory")
    before, now = saved.config.to_dict(), settled(config, saved.config).to_dict()
    if differing := [f"{key}={before[key]} before, {now[key]} now" for key in now if before[key] != now[key]]:
        raise CheckpointError(f"{folder}: was trained with other settings ({'; '.join(differing)})")
    return saved


def newest_whole(
    directory: Path, config: TrainingConfig, data_sha256: str
) -> tuple[Checkpoint | None, list[tuple[Path, DamagedError]]]:
    """The newest step checkpoint that is whole, and the newer ones with what is wrong with each.

    None where there is no whole one. Raises CheckpointError as `saved_checkpoint` does.
    """
    damaged: list[tuple[Path, DamagedError]] = []
    for folder in steps_of(directory):
        try:
            return saved_checkpoint(folder, config, data_sha256, resumable=True), damaged
        except DamagedError as error:
            damaged.append((folder, error))
    return None, damaged


def discard_damaged(
    damaged: Sequence[tuple[Path, DamagedError]], saved: Checkpoint | None, on_progress: OnProgress
) -> None:
    """Delete what is damaged, so that its steps can be saved again, and say what the training goes on from."""
    state = saved.values.get("state", {}) if saved else {}
    step, total = (saved.step if saved else 0), state.get("total_steps") or 0
    goes_on = f"resumes from step {step:,}" if saved else "starts from the beginning"
    for folder, error in damaged:
        message = f"{folder.name} is damaged and skipped; the training {goes_on} ({error})"
        on_progress(Progress(step, total or None, step / total if total else 0.0, message=message))
        discard(folder)


def settled(config: TrainingConfig, saved: TrainingConfig) -> TrainingConfig:
    """The config with what was found out when the training that was `saved` began: the precision of `auto`, how many
    pairs a look has time for in the budget, and where the pretrained model was, which may be gone."""
    precision = saved.precision if config.precision == AUTO else config.precision
    moved = bool(config.model_path) and str(Path(config.model_path).resolve()) == saved.model_path
    pairs = min(config.valid_pairs, saved.valid_pairs) if config.budget else config.valid_pairs
    path = saved.model_path if moved else config.model_path
    return replace(config, precision=precision, valid_pairs=pairs, model_path=path)


def initial_checkpoint(config: TrainingConfig) -> Checkpoint:
    """What `init` names. Raises CheckpointError where its model is of another shape than the config says."""
    folder = Path(config.init)
    initial = load_checkpoint(folder)
    if differing := config.another_shape(initial.config):
        raise CheckpointError(f"init={folder}: was built with different settings; match them ({'; '.join(differing)})")
    return initial
