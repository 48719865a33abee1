"""What learning from feedback may cost: figures before and after, and which of their changes make a model worse."""

from dataclasses import replace
from pathlib import Path

import pytest

from modeling.config import TrainingConfig
from modeling.corpus import read_examples
from modeling.guarding import JUDGE, LENGTH, OF_CHECKPOINT, OF_TEXTS, REWARD, Guarding, Measured, guard
from modeling.metrics.checkpoint import score_checkpoint
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
    assert all(each.before == each.after for each in of.values())
    assert of[REWARD].before == of[LENGTH].before
    assert of["nll"].before == pytest.approx(score_checkpoint(trained.checkpoint, examples)["nll"]["value"])
    assert found.to_dict()["sources"] == len(examples)


def test_without_training_stories_what_needs_them_is_left_out(
    corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult
) -> None:
    found = guard(trained.checkpoint, trained.checkpoint, read_examples(corpus[1]), tiny)
    assert not {"nonword_rate", JUDGE, REWARD} & figures(found).keys()


def test_a_model_that_learned_one_sentence_is_worse_and_the_reasons_are_said(
    corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult, tmp_path: Path
) -> None:
    same = [replace(row, chosen="Fun .", rejected=row.chosen) for row in PREFERENCES]  # type: ignore[call-arg, attr-defined]
    collapsed = train(
        replace(tiny, objective="distillation", init=str(trained.checkpoint), anchor=0.0, max_steps=60),
        train_file=corpus[0], valid_file=None, directory=tmp_path,
        feedback_file=write_feedback(tmp_path / "rows.jsonl", same),
    )  # fmt: skip
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
