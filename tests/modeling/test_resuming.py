"""A killed training goes on as if nothing had been, wherever it was hit; `benchmarks.resuming` shows it at length."""

import random
from pathlib import Path

import pytest

from benchmarks.resuming import FAMILIES, Training, kill_at_steps, kill_in_saves

TRANSFORMER = [family for family in FAMILIES if "architecture=transformer" in family.settings]


def test_killed_at_random_steps_it_ends_with_the_same_weights(tmp_path: Path) -> None:
    tally = kill_at_steps(tmp_path, TRANSFORMER, 4, 60, random.Random(3), Training.forked)
    assert tally.identical == tally.kills == 4
    assert len(set(tally.steps)) > 1


def test_killed_during_a_save_it_leaves_only_whole_checkpoints(tmp_path: Path) -> None:
    """How many kills leave a save unfinished depends on how busy the machine is: a round may have none."""
    torn = 0
    for seed in range(5):
        tally = kill_in_saves(tmp_path / str(seed), TRANSFORMER, 12, random.Random(seed), steps=40)
        assert tally.unreadable == []
        assert tally.identical == tally.kills == 12
        assert tally.read > 0
        torn += tally.torn
        if torn:
            return
    pytest.fail("no kill of five rounds left a save unfinished")
