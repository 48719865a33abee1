"""Preferences between texts that a model draws for itself: which are accepted, and what a training makes of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modeling.config import TrainingConfig
from modeling.corpus import Example, read_examples
from modeling.drawing import TEMPERATURE, accepted, draw, drawn_sources
from modeling.progress import no_progress
from modeling.training import TrainingResult


def by_length(texts: Sequence[tuple[str, str]]) -> np.ndarray:
    return np.array([float(len(text)) for _, text in texts])


@pytest.fixture
def drawing(corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult) -> Any:
    examples = read_examples(corpus[0])

    def drawing(objective: str, **more: Any) -> list[dict[str, Any]]:
        config = replace(
            tiny, objective=objective, init=str(trained.checkpoint), draws=8, reward="r", **{"draw_sources": 12} | more
        )
        return list(draw(config, examples, by_length, no_progress))

    return drawing


@pytest.mark.parametrize("objective", ["dpo", "ipo", "simpo"])
def test_of_two_accepted_texts_the_better_rewarded_is_chosen(objective: str, drawing: Any) -> None:
    rows = drawing(objective)
    assert {row["kind"] for row in rows} == {"preference"}
    assert {row["origin"] for row in rows} == {"reward"}
    assert all(len(row["chosen"]) > len(row["rejected"]) for row in rows)
    assert len({row["id"] for row in rows}) == len(rows)
    assert 1 <= max(Counter(row["source"] for row in rows).values()) <= 2, "of four accepted texts two pairs"


def test_the_best_text_is_what_distillation_learns_from(drawing: Any) -> None:
    rows, compared = drawing("distillation"), drawing("dpo")
    assert all(row["kind"] == "label" and row["desirable"] for row in rows)
    longest = {row["source"]: len(row["text"]) for row in rows}
    assert all(len(row["chosen"]) <= longest[row["source"]] for row in compared)
    assert any(len(row["chosen"]) == longest[row["source"]] for row in compared)


def test_scores_are_in_standard_deviations_around_a_sources_mean(drawing: Any) -> None:
    rows = drawing("kto")
    scores: dict[str, list[float]] = {}
    for row in rows:
        assert row["kind"] == "score"
        scores.setdefault(row["source"], []).append(row["score"])
    for of_source in scores.values():
        assert np.mean(of_source) == pytest.approx(0, abs=1e-9)
        assert np.std(of_source) == pytest.approx(1)


def test_the_same_seed_draws_the_same_and_each_source_is_drawn_for_once(drawing: Any) -> None:
    rows = drawing("dpo")
    assert drawing("dpo") == rows
    assert drawing("dpo", seed=9) != rows
    different = drawing("distillation", draw_sources=10**6)
    assert len({row["source"] for row in different}) == len(different) > 20, "of 32 nouns and places"


def test_who_is_drawn_for_follows_from_the_seed_alone() -> None:
    examples = [Example(str(n), f"source {n // 2}") for n in range(40)]
    one, other = (drawn_sources(examples, 5, np.random.default_rng(3)) for _ in range(2))
    assert one == other
    assert len({each.source for each in one}) == 5


def test_texts_are_accepted_as_often_as_the_algorithm_says() -> None:
    """Of two texts the first one accepted is drawn in turns of a random order, each time with a probability of its own:
    with q that of the worse one, it is 1 - q / 2 for the better one in a round that accepts, which the worse one
    begins in one half of the cases (Liu et al. 2024, algorithm 1)."""
    apart = 0.4
    q = np.exp(-apart / TEMPERATURE)
    first = Counter(accepted(np.array([0.0, apart]), 1, np.random.default_rng(seed))[0] for seed in range(4000))
    assert first[1] / 4000 == pytest.approx(1 - q / 2, abs=0.035)
    taken = accepted(np.array([0.3, 0.1, 2.0, -1.0]), 4, np.random.default_rng(1))
    assert sorted(taken) == [0, 1, 2, 3]
