"""The learning rate is a function of the share of the training that is done."""

from pathlib import Path

import pytest

from modeling.config import TrainingConfig
from modeling.schedule import learning_rate
from modeling.training import Progress, train
from tests.modeling.corpora import write_examples


@pytest.mark.parametrize(("fraction", "share"), [(0.05, 0.5), (0.1, 1), (0.325, 0.853553), (0.55, 0.5), (1, 0)])
def test_it_rises_in_a_line_and_falls_as_half_a_cosine(fraction: float, share: float) -> None:
    """Within the fall cos(π/4) = 0.707107 after a quarter of it and cos(π/2) = 0 after half."""
    config = TrainingConfig(budget=60, warmup=0.1, learning_rate=0.01)
    assert learning_rate(fraction, 0, config, None) == pytest.approx(0.01 * share, abs=1e-8)


def test_without_decay_it_stays_and_without_warmup_it_begins_at_its_peak() -> None:
    level = TrainingConfig(budget=60, warmup=0.5, decay="none", learning_rate=0.01)
    assert [learning_rate(share, 0, level, None) for share in (0.25, 0.5, 0.9, 1)] == [0.005, 0.01, 0.01, 0.01]
    assert learning_rate(0, 0, TrainingConfig(budget=60, warmup=0, learning_rate=0.01), None) == 0.01


def test_a_training_by_steps_takes_it_from_its_steps(tmp_path: Path) -> None:
    """Nine steps are tenths: the rise takes five of them. The step reported last has a tenth still to fall."""
    config = TrainingConfig(
        max_steps=9, warmup=0.5, learning_rate=0.01, decay="none", vocabulary_size=60, embedding_size=8, hidden_size=8
    )
    reports: list[Progress] = []
    file = write_examples(tmp_path / "train.jsonl", 20)
    train(config, train_file=file, valid_file=None, directory=tmp_path / "out", on_progress=reports.append)
    rates = [each.learning_rate for each in reports if each.step]
    assert rates == pytest.approx([0.002, 0.004, 0.006, 0.008, 0.01, 0.01, 0.01, 0.01, 0.01])
