"""The learning rate follows from the step among those planned, which are as many as the budget is enough for."""

from itertools import pairwise
from pathlib import Path

import pytest

from modeling.config import TrainingConfig
from modeling.planning import look_pairs, mean_seconds, planned_steps
from modeling.resuming import Pace
from modeling.schedule import learning_rate
from modeling.training import Progress, train
from tests.modeling.corpora import write_examples


@pytest.mark.parametrize(("fraction", "share"), [(0.05, 0.5), (0.1, 1), (0.325, 0.853553), (0.55, 0.5), (1, 0)])
def test_it_rises_in_a_line_and_falls_as_half_a_cosine(fraction: float, share: float) -> None:
    """Within the fall cos(π/4) = 0.707107 after a quarter of it and cos(π/2) = 0 after half."""
    config = TrainingConfig(budget=60, warmup=0.1, learning_rate=0.01)
    assert learning_rate(round(fraction * 1000) - 1, 999, config) == pytest.approx(0.01 * share, abs=1e-8)


def test_without_decay_it_stays_and_without_warmup_it_begins_at_its_peak() -> None:
    level = TrainingConfig(budget=60, warmup=0.5, decay="none", learning_rate=0.01)
    assert [learning_rate(step, 999, level) for step in (249, 499, 899, 999)] == [0.005, 0.01, 0.01, 0.01]
    assert learning_rate(0, 99999, TrainingConfig(budget=60, warmup=0, learning_rate=0.01)) == pytest.approx(0.01)


class Clock:
    """Time that passes by work alone."""

    def __init__(self) -> None:
        self.time, self.done = 100.0, 0

    def now(self) -> float:
        return self.time

    def work(self) -> None:
        """Ten seconds to warm up, then 1 and 3 in turns."""
        self.time += 10 if not self.done else 1 + 2 * (self.done % 2)
        self.done += 1


@pytest.mark.parametrize(("limit", "seconds", "done"), [(5, 10, 1), (13, 3, 2), (19, 7 / 3, 6), (1e9, 2, 60)])
def test_a_mean_is_of_what_the_time_has_room_for(limit: float, seconds: float, done: int) -> None:
    clock = Clock()
    assert mean_seconds(clock.work, clock.now, limit) == pytest.approx(seconds)
    assert clock.done == done


def test_a_look_takes_a_tenth_of_the_budget_at_most() -> None:
    """As it was: 200 pairs that take 50 seconds of a budget of 60 leave time for a single step."""
    config = TrainingConfig(budget=60, validate_every=50)
    assert look_pairs(config, pairs=200, look_seconds=6) == 200
    assert look_pairs(config, pairs=200, look_seconds=50) == 24
    assert look_pairs(config, pairs=200, look_seconds=5000) == 20
    assert look_pairs(config, pairs=7, look_seconds=5000) == 7


def test_looks_and_saves_have_their_part_of_the_budget() -> None:
    """By hand: 950 s of 1000 s are planned with, of which 40 are gone and a last look takes 10. A step of 0.98 s and
    its part in the saves are 1 s; a tenth of a look is another."""
    config = TrainingConfig(budget=1000, validate_every=10)
    assert planned_steps(config, used=40, step_seconds=0.98, look_seconds=10) == 450
    assert planned_steps(config, used=2000, step_seconds=1, look_seconds=0) == 1


def test_a_save_that_takes_long_is_not_followed_soon_by_another() -> None:
    time = 0.0
    pace = Pace(30, now=lambda: time)
    saves = []
    while time < 1000:
        time += 1
        if pace.due():
            saves.append(time)
            with pace.saving():
                time += 0.5 if time < 200 else 4
    waits = [after - before for before, after in pairwise(saves)]
    assert waits[0] == pytest.approx(30, abs=2)
    assert min(waits[-3:]) >= 4 + 4 * 50
    eager = Pace(0, now=lambda: time)
    with eager.saving():
        time += 9
    assert eager.due()


def test_a_training_by_steps_takes_it_from_its_steps(tmp_path: Path) -> None:
    """Nine steps are tenths: the rise takes five of them. The step reported last has a tenth still to fall."""
    config = TrainingConfig(
        max_steps=9,
        warmup=0.5,
        learning_rate=0.01,
        decay="none",
        precision="fp32",
        vocabulary_size=60,
        embedding_size=8,
        hidden_size=8,
    )
    reports: list[Progress] = []
    file = write_examples(tmp_path / "train.jsonl", 20)
    train(config, train_file=file, valid_file=None, directory=tmp_path / "out", on_progress=reports.append)
    rates = [each.learning_rate for each in reports if each.step]
    assert rates == pytest.approx([0.002, 0.004, 0.006, 0.008, 0.01, 0.01, 0.01, 0.01, 0.01])
