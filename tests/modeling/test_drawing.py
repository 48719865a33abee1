"""Preferences between texts that a model draws for itself: which are accepted, and what a training makes of them."""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modeling import drawing as drawing_module
from modeling import planning
from modeling.checkpoints import WEIGHTS
from modeling.config import TrainingConfig
from modeling.corpus import Example, read_examples
from modeling.drawing import FILE, MANIFEST, TEMPERATURE, accepted, draw, drawn_sources
from modeling.errors import TrainingError
from modeling.progress import Progress, no_progress
from modeling.reward import Reward
from modeling.training import TrainingResult, train
from tests.modeling.interruptions import Stop


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


@dataclass
class Trainings:
    """Trainings by a clock that drawing moves by 100 seconds; `draws` has the sources of every time that they drew."""

    train: Callable[..., TrainingResult]
    draws: list[int]
    folder: Path


@pytest.fixture
def trainings(
    corpus: tuple[Path, Path],
    tiny: TrainingConfig,
    trained: TrainingResult,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Trainings:
    class Judge:
        scores = staticmethod(by_length)

    draws: list[int] = []
    spent, draw_texts = time.process_time, drawing_module.draw

    def drawing(config: TrainingConfig, *more: Any) -> Any:
        draws.append(config.draw_sources)
        return draw_texts(config, *more)

    monkeypatch.setattr(planning, "TIMED", 3)
    monkeypatch.setattr(Reward, "load", lambda *_: Judge)
    monkeypatch.setattr(drawing_module, "draw", drawing)
    monkeypatch.setattr(time, "process_time", lambda: spent() + 100 * len(draws))
    learns = {"objective": "dpo", "init": str(trained.checkpoint), "draws": 4, "reward": "r", "draw_sources": 6}
    config = replace(tiny, **learns, max_steps=4, save_every=0, device="cpu")  # type: ignore[arg-type]

    def training(*, stop_at: str = "", **settings: Any) -> TrainingResult:
        def report(progress: Progress) -> None:
            if stop_at and progress.message.startswith(stop_at):
                raise Stop

        files: dict[str, Any] = {"train_file": corpus[0], "valid_file": corpus[1], "directory": tmp_path / "out"}
        return train(replace(config, **settings), **files, on_progress=report)

    return Trainings(training, draws, tmp_path / "out")


def test_what_drawing_left_no_budget_for_is_refused_however_often_it_is_tried(trainings: Trainings) -> None:
    refusals = []
    for _ in range(3):
        with pytest.raises(TrainingError) as refused:
            trainings.train(budget=120)
        refusals.append(str(refused.value))
    assert refusals[0].startswith("drawing texts and judging them took 10")
    assert refusals[0].endswith(" of the budget's 120 seconds; set draw_sources below 6, or a larger budget")
    assert set(refusals) == {refusals[0]}
    assert trainings.draws == [6], "and reads what it drew"


@pytest.mark.parametrize("stop_at", ["timing", "step 2"])
def test_a_killed_training_goes_on_with_what_was_drawn_and_its_seconds_count_once(
    trainings: Trainings, stop_at: str
) -> None:
    with pytest.raises(Stop):
        trainings.train(budget=200, stop_at=stop_at)
    resumed = trainings.train(budget=200)
    assert trainings.draws == [6]
    assert 100 < resumed.seconds < 150
    assert resumed.steps == 4


def test_a_killed_training_has_the_weights_of_an_undisturbed_one(trainings: Trainings, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        trainings.train(stop_at="step 2")
    resumed = (trainings.train().checkpoint / WEIGHTS).read_bytes()
    trainings.folder.rename(tmp_path / "other")
    assert (trainings.train().checkpoint / WEIGHTS).read_bytes() == resumed


@pytest.mark.parametrize("change", ["settings", "rows", "manifest", "no manifest"])
def test_what_was_drawn_by_other_settings_or_is_not_whole_is_drawn_again(trainings: Trainings, change: str) -> None:
    with pytest.raises(Stop):
        trainings.train(stop_at="reading")
    rows, manifest = (trainings.folder / name for name in (FILE, MANIFEST))
    whole = rows.read_bytes()
    if change == "rows":
        rows.write_bytes(whole[:-20])
    elif change == "manifest":
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"seconds": 0}))
    elif change == "no manifest":
        manifest.unlink()
    with pytest.raises(Stop):
        trainings.train(stop_at="reading", draw_sources=3 if change == "settings" else 6)
    assert trainings.draws == ([6, 3] if change == "settings" else [6, 6])
    assert (rows.read_bytes() == whole) is (change != "settings")
