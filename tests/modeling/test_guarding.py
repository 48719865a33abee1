"""What learning from feedback may cost: figures before and after, and which of their changes make a model worse."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from scipy import stats

from modeling.checkpoints import load_checkpoint
from modeling.config import TrainingConfig
from modeling.corpus import read_examples
from modeling.devices import pick_device
from modeling.guarding import JUDGE, LENGTH, OF_CHECKPOINT, OF_TEXTS, REWARD, Guarding, Measured, guard
from modeling.metrics.checkpoint import score_checkpoint
from modeling.metrics.pairs import Pairs
from modeling.training import TrainingResult, train
from tests.modeling.corpora import write_examples
from tests.modeling.test_feedback import PREFERENCES, write_feedback


def figures(guarding: Guarding) -> dict[str, Measured]:
    return {each.name: each for each in guarding.figures}


def test_a_model_beside_itself_is_not_worse(
    corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult
) -> None:
    examples = read_examples(corpus[1])
    stories = [text for each in read_examples(corpus[0]) for text in each.references]
    found = guard(
        trained.checkpoint, trained.checkpoint, examples, tiny,
        training_stories=stories, reward=lambda texts: [len(text.split()) for _, text in texts],
    )  # fmt: skip
    assert found.worse == []
    of = figures(found)
    assert of.keys() >= {*OF_CHECKPOINT, *OF_TEXTS, LENGTH, REWARD}
    assert all(each.before == each.after and each.before_ci == each.after_ci for each in of.values())
    assert all(each.difference_ci in (None, (0.0, 0.0)) for each in of.values())
    assert of[REWARD].before == of[LENGTH].before
    assert of["nll"].before == pytest.approx(score_checkpoint(trained.checkpoint, examples)["nll"]["value"])
    assert found.to_dict()["sources"] == len(examples)


def test_without_training_stories_what_needs_them_is_left_out(
    corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult
) -> None:
    found = guard(trained.checkpoint, trained.checkpoint, read_examples(corpus[1]), tiny)
    assert not {"nonword_rate", JUDGE, REWARD} & figures(found).keys()


@pytest.fixture(scope="module")
def collapsed(
    corpus: tuple[Path, Path],
    tiny: TrainingConfig,
    trained: TrainingResult,
    tmp_path_factory: pytest.TempPathFactory,
) -> TrainingResult:
    folder = tmp_path_factory.mktemp("collapsed")
    same = [replace(row, chosen="Fun .", rejected=row.chosen) for row in PREFERENCES]  # type: ignore[call-arg, attr-defined]
    return train(
        replace(tiny, objective="distillation", init=str(trained.checkpoint), anchor=0.0, max_steps=60),
        train_file=corpus[0], valid_file=None, directory=folder,
        feedback_file=write_feedback(folder / "rows.jsonl", same),
    )  # fmt: skip


def test_a_model_that_learned_one_sentence_is_worse_and_the_reasons_are_said(
    corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult, collapsed: TrainingResult
) -> None:
    found = guard(trained.checkpoint, collapsed.checkpoint, read_examples(corpus[1]), tiny)
    said = " ".join(found.worse)
    assert "to less than half" in said
    assert "the NLL of human texts rose by" in said
    assert "texts went from" in said
    generous = replace(tiny, max_nll_rise=100.0, max_length_change=100.0, max_gain_fall=100.0)
    left = guard(trained.checkpoint, collapsed.checkpoint, read_examples(corpus[1]), generous)
    assert [why.split(" fell")[0] for why in left.worse] == ["different texts"], "which no limit permits"


def test_examples_without_references_have_no_part(
    corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult, tmp_path: Path
) -> None:
    examples = read_examples(write_examples(tmp_path / "e.jsonl", 12))
    bare = [replace(each, references=()) if place % 2 else each for place, each in enumerate(examples)]
    assert guard(trained.checkpoint, trained.checkpoint, bare, tiny).sources == 6


def test_a_mean_has_the_textbooks_intervals_its_difference_that_of_paired_sources(
    corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult, collapsed: TrainingResult
) -> None:
    """Each source an album of its own: Student's intervals of both means, and of the mean of the differences."""
    rewards: list[list[float]] = []

    def reward(texts: Sequence[tuple[str, str]]) -> list[float]:
        rewards.append([len(source) + len(text) for source, text in texts])
        return rewards[-1]

    alone = [replace(each, album=None) for each in read_examples(corpus[1])]
    measured = figures(guard(trained.checkpoint, collapsed.checkpoint, alone, tiny, reward=reward))[REWARD]
    before, after = map(np.array, rewards)
    assert (measured.before, measured.after) == (fmean(before), fmean(after))
    assert measured.difference == pytest.approx(stats.ttest_rel(after, before).statistic * stats.sem(after - before))
    expected = {
        measured.before_ci: stats.ttest_1samp(before, 0).confidence_interval(),
        measured.after_ci: stats.ttest_1samp(after, 0).confidence_interval(),
        measured.difference_ci: stats.ttest_rel(after, before).confidence_interval(),
    }
    for ours, students in expected.items():
        assert ours == pytest.approx(tuple(students), abs=0.15 * (students.high - students.low))


def test_the_difference_of_an_nll_is_that_of_both_models_on_the_albums_drawn(
    corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult, collapsed: TrainingResult
) -> None:
    examples = read_examples(corpus[1])
    found = guard(trained.checkpoint, collapsed.checkpoint, examples, tiny)
    measured = figures(found)["nll"]
    generator, albums = (
        np.random.default_rng(12345),
        sorted({each.album for each in examples}, key=lambda a: int(a[1:])),
    )  # type: ignore[index]
    drawn = [generator.integers(len(albums), size=len(albums)) for _ in range(1000)]
    nlls = []
    for result in (trained, collapsed):
        pairs = Pairs(load_checkpoint(result.checkpoint), examples, pick_device("cpu"))
        of_album = np.array([albums.index(examples[pair.example].album) for pair in pairs.pairs])
        nats, words = (np.bincount(of_album, each) for each in (pairs.true, pairs.words))
        nlls.append(np.array([nats[places].sum() / words[places].sum() for places in drawn]))
    assert measured.before_ci == pytest.approx(tuple(np.quantile(nlls[0], [0.025, 0.975])))
    assert measured.after_ci == pytest.approx(tuple(np.quantile(nlls[1], [0.025, 0.975])))
    assert measured.difference_ci == pytest.approx(tuple(np.quantile(nlls[1] - nlls[0], [0.025, 0.975])))
    again = guard(trained.checkpoint, collapsed.checkpoint, examples, tiny)
    assert again == found, "by a seed"


def test_where_a_resample_estimates_nothing_there_is_no_interval(
    corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult, collapsed: TrainingResult
) -> None:
    """Fewer texts are different among texts drawn with replacement; and one album says nothing of others."""
    examples = read_examples(corpus[1])
    found = guard(trained.checkpoint, collapsed.checkpoint, examples, tiny).to_dict()["figures"]
    keys = {"name", "label", "before", "after", "before_ci", "after_ci", "difference", "difference_ci", "problem"}
    assert all(each.keys() == keys for each in found)
    without = {each["name"] for each in found if each["difference_ci"] is None}
    assert without == {each["name"] for each in found if each["before_ci"] is None} == {"unique"}
    assert json.loads(json.dumps(found))[0]["difference_ci"] == list(found[0]["difference_ci"])
    together = [replace(each, album="one") for each in examples]
    of_one = guard(trained.checkpoint, collapsed.checkpoint, together, tiny)
    assert {(each.before_ci, each.after_ci, each.difference_ci) for each in of_one.figures} == {(None, None, None)}
