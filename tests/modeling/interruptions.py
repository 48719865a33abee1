"""A training that is interrupted."""

from pathlib import Path

import pytest

from modeling.config import TrainingConfig
from modeling.training import Progress, train


class Stop(Exception):
    pass


def train_until(step: int, config: TrainingConfig, *, train_file: Path, valid_file: Path | None, out: Path) -> None:
    """A training that stops as it tells of a step, before it has saved it."""

    def stop(progress: Progress) -> None:
        if progress.step == step:
            raise Stop

    with pytest.raises(Stop):
        train(config, train_file=train_file, valid_file=valid_file, directory=out, on_progress=stop)
