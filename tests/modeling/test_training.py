"""A training learns, goes on after any interruption as if there had been none, and says what is wrong."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from modeling import devices, planning, sampling, training
from modeling.checkpoints import load_checkpoint
from modeling.config import ConfigError, TrainingConfig, load_preset
from modeling.corpus import Example
from modeling.errors import CheckpointError, CorpusError, TrainingError
from modeling.training import Progress, TrainingResult, train
from tests.modeling.interruptions import Stop, train_until


def test_it_learns(trained: TrainingResult) -> None:
    first, last = trained.history[0]["valid_nll"], trained.history[-1]["valid_nll"]
    assert last < 0.75 * first
    assert trained.valid_nll == min(look["valid_nll"] for look in trained.history)
    assert trained.steps == 240


def test_interruptions_change_nothing(
    corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult, tmp_path: Path
) -> None:
    eager = replace(tiny, save_every=0.01)
    draw, stops = random.Random(5), 0
    reports: list[Progress] = []

    def report(progress: Progress) -> None:
        reports.append(progress)
        if stops < 6 and progress.step and draw.random() < 0.04:
            raise Stop

    while True:
        try:
            result = train(eager, train_file=corpus[0], valid_file=corpus[1], directory=tmp_path, on_progress=report)
            break
        except Stop:
            stops += 1
    assert stops == 6
    assert result.sha256 == trained.sha256
    assert [look["valid_nll"] for look in result.history] == [look["valid_nll"] for look in trained.history]
    assert reports[-1].step == reports[-1].total_steps == 240
    assert [folder.name for folder in tmp_path.iterdir()] == ["final"]


def test_a_finished_training_returns_at_once(
    corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult
) -> None:
    reports: list[Progress] = []
    again = train(
        tiny,
        train_file=corpus[0],
        valid_file=corpus[1],
        directory=trained.checkpoint.parent,
        on_progress=reports.append,
    )
    assert again == trained
    assert reports == []


def test_another_config_or_other_data_is_refused(
    corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult
) -> None:
    folder = trained.checkpoint.parent
    with pytest.raises(CheckpointError, match="seed=3 before, 2 now"):
        train(replace(tiny, seed=2), train_file=corpus[0], valid_file=corpus[1], directory=folder)
    with pytest.raises(CheckpointError, match="other data"):
        train(tiny, train_file=corpus[1], valid_file=corpus[1], directory=folder)


def test_a_loss_that_is_no_number_stops_with_step_and_batch(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    rows = [{"id": f"x{n}", "source": "a dog", "references": ["we saw a dog"], "weight": 1e38} for n in range(8)]
    file.write_text("\n".join(map(json.dumps, rows)))
    config = load_preset("tiny", ["vocabulary_size=30", "max_steps=3"])
    with pytest.raises(TrainingError, match=r"step 0: the loss is nan .* x0, x1"):
        train(config, train_file=file, valid_file=None, directory=tmp_path / "out")


def test_pairs_that_are_empty_or_too_long_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [{"id": f"x{n}", "source": "a dog ran", "references": ["we saw a dog"]} for n in range(20)]
    rows.append({"id": "long", "source": "a " * 500, "references": ["we saw a dog"]})
    file = tmp_path / "train.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    config = load_preset("tiny", ["vocabulary_size=30", "max_steps=2"])
    assert train(config, train_file=file, valid_file=None, directory=tmp_path / "out").left_out == 1
    file.write_text(json.dumps(rows[-1]))
    with pytest.raises(CorpusError, match=r"no pair is left to train on.*source of 'long' has \d+ tokens"):
        train(config, train_file=file, valid_file=None, directory=tmp_path / "none")


def test_patience_ends_a_training_early(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    config = load_preset(
        "tiny", ["vocabulary_size=60", "max_steps=4000", "validate_every=10", "patience=3", "learning_rate=0.05"]
    )
    result = train(config, train_file=corpus[0], valid_file=corpus[1], directory=tmp_path)
    assert result.steps < result.planned_steps == 4000
    assert result.ended_by == "patience"
    worse = [look["valid_nll"] for look in result.history[-3:]]
    assert result.valid_nll is not None
    assert min(worse) > result.valid_nll


def test_a_limit_replaces_those_of_the_preset() -> None:
    """Else a training meant to end after so many steps would end by the clock, and never twice alike."""
    assert load_preset("gru-luong").budget == 600
    limited = load_preset("gru-luong", ["max_steps=50"])
    assert (limited.budget, limited.max_steps, limited.epochs) == (0, 50, 0)
    assert load_preset("gru-luong", ["seed=2"]).budget == 600


SHORT = ["vocabulary_size=60", "dropout=0.2", "denoising=0.2", "source_dropout=0.2", "validate_every=10", "patience=0"]


@pytest.mark.parametrize("look_share", [10.0, 1e-6])
def test_a_budget_is_planned_in_steps_and_so_repeated(
    look_share: float, corpus: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timing leaves no trace in the weights; an interruption keeps the plan, and the pairs that looks have time
    for."""
    monkeypatch.setattr(planning, "LOOK_SHARE", look_share)
    files: dict[str, Any] = {"train_file": corpus[0], "valid_file": corpus[1]}
    config, plans = load_preset("tiny", [*SHORT, "budget=0.7", "save_every=0.001"]), set[int | None]()

    def stop_once(progress: Progress) -> None:
        if progress.step:
            plans.add(progress.total_steps)
            if progress.step == 3 and len(list((tmp_path / "budget").glob("step-*"))) and not stopped:
                stopped.append(True)
                raise Stop

    stopped: list[bool] = []
    train(replace(config, budget=0, max_steps=2), **files, directory=tmp_path / "before")  # what is loaded once
    with pytest.raises(Stop):
        train(config, **files, directory=tmp_path / "budget", on_progress=stop_once)
    result = train(config, **files, directory=tmp_path / "budget", on_progress=stop_once)
    assert plans == {result.planned_steps}
    assert result.ended_by == "plan" or result.seconds >= 0.7
    assert (result.valid_pairs == planning.MIN_PAIRS) == (look_share < 1)
    counted = replace(config, budget=0, max_steps=result.planned_steps, valid_pairs=result.valid_pairs)
    again = train(counted, **files, directory=tmp_path / "steps")
    assert (again.steps, again.ended_by) == (result.planned_steps, "plan")
    if result.ended_by == "plan":
        assert again.sha256 == result.sha256


def test_the_precision_of_the_first_start_is_kept(
    corpus: tuple[Path, Path], tiny: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever CPU the training goes on with."""
    config = replace(tiny, precision="auto", max_steps=3, save_every=0)
    files: dict[str, Any] = {"train_file": corpus[1], "valid_file": None}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    monkeypatch.setattr(devices, "product_seconds", {torch.float32: 2.0, torch.bfloat16: 1.0}.__getitem__)
    train_until(2, config, **files, out=tmp_path)
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert train(config, **files, directory=tmp_path).precision == "bf16"
    with pytest.raises(CheckpointError, match="precision=bf16 before, fp32 now"):
        train(replace(config, precision="fp32"), **files, directory=tmp_path)


def test_a_training_that_is_slower_than_planned_ends_by_the_clock(
    corpus: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "planned_steps", lambda *_, **__: 10**6)
    config = load_preset("tiny", [*SHORT, "budget=0.5", "denoising=0"])
    result = train(config, train_file=corpus[0], valid_file=None, directory=tmp_path)
    assert (result.ended_by, result.planned_steps) == ("budget", 10**6)
    assert result.seconds < 2


def test_it_begins_from_a_checkpoint(
    corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult, tmp_path: Path
) -> None:
    """Its first loss is that of the checkpoint's weights, and the result says from which it began."""
    config = replace(tiny, init=str(trained.checkpoint), max_steps=1, learning_rate=0.0, seed=9)
    files: dict[str, Any] = {"train_file": corpus[1], "valid_file": corpus[1]}
    result = train(config, **files, directory=tmp_path / "again")
    assert result.valid_nll == pytest.approx(trained.valid_nll, rel=1e-6)
    assert load_checkpoint(result.checkpoint).values["state"]["init_sha256"] == trained.sha256
    with pytest.raises(
        CheckpointError, match=r"built with different settings; .*hidden_size=64 in the checkpoint, 32 here"
    ):
        train(replace(config, hidden_size=32), **files, directory=tmp_path / "other")


def test_a_look_reads_so_many_pairs(corpus: tuple[Path, Path], tiny: TrainingConfig, tmp_path: Path) -> None:
    """The loss is then another one, and none of it depends on how many more pairs there are."""
    looks = [
        train(
            replace(tiny, max_steps=1, valid_pairs=count),
            train_file=corpus[0],
            valid_file=corpus[1],
            directory=tmp_path / str(count),
        ).valid_nll
        for count in (5, 10**6)
    ]
    assert looks[0] != looks[1]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("hidden=3", "unknown setting 'hidden'; valid settings: .*hidden_size"),
        ("dropout=2", "dropout=2: must be a number from 0 to 0.95"),
        ("max_steps=0", "needs a limit"),
        ("architecture=lstn", "must be lstm or bilstm or gru-attention or gru-luong or transformer"),
        ("seed", "does not have the form key=value"),
    ],
)
def test_a_wrong_setting_says_what_is_right(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_preset("tiny", [override])


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.model", "config.json"])
def test_a_damaged_checkpoint_is_refused(
    file: str, corpus: tuple[Path, Path], tiny: TrainingConfig, tmp_path: Path
) -> None:
    short = replace(tiny, max_steps=2)
    result = train(short, train_file=corpus[0], valid_file=None, directory=tmp_path)
    damaged = result.checkpoint / file
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"{file}: altered"):
        train(short, train_file=corpus[0], valid_file=None, directory=tmp_path)
    damaged.unlink()
    with pytest.raises(CheckpointError, match=f"{file}: missing"):
        train(short, train_file=corpus[0], valid_file=None, directory=tmp_path)


def test_samples_are_of_the_same_sources_and_change_nothing(
    corpus: tuple[Path, Path], tiny: TrainingConfig, trained: TrainingResult, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    sources, looks = trained.samples["sources"], trained.samples["looks"]
    written = {json.loads(line)["source"] for line in corpus[1].read_text().splitlines()}
    assert len(sources) == 3
    assert set(sources) <= written
    steps = [look["step"] for look in looks]
    assert steps[0] == 25, "the first look"
    assert steps[-1] == 240, "the last step"
    assert steps == sorted(set(steps))
    assert all(len(look["texts"]) == 3 for look in looks)
    assert looks[0]["texts"] != looks[-1]["texts"], "it has learned something since"
    assert trained.device == "CPU"
    assert trained.words > trained.steps
    monkeypatch.setattr(training.Sampler, "look", lambda self, model, step, before, device: before)
    dropping = replace(tiny, dropout=0.2, max_steps=60)
    without = train(dropping, train_file=corpus[0], valid_file=corpus[1], directory=tmp_path / "without")
    monkeypatch.undo()
    having = train(dropping, train_file=corpus[0], valid_file=corpus[1], directory=tmp_path / "with")
    assert (without.samples, len(having.samples["looks"]) > 0) == ({}, True)
    assert having.sha256 == without.sha256
    assert having.history == without.history


def test_the_first_and_the_newest_samples_are_kept(trained: TrainingResult) -> None:
    checkpoint = load_checkpoint(trained.checkpoint)
    model = checkpoint.model(torch.device("cpu"))
    examples = [Example(id=str(n), source=source, references=()) for n, source in enumerate(trained.samples["sources"])]
    sampler = sampling.Sampler(examples, checkpoint.tokenizer, checkpoint.config)
    state, samples = torch.get_rng_state(), dict[str, Any]()
    for step in range(30):
        samples = sampler.look(model, step, samples, torch.device("cpu"))
    assert [look["step"] for look in samples["looks"]] == [0, *range(11, 30)]
    assert torch.equal(torch.get_rng_state(), state)
    blank = [Example(id="blank", source="\u200b", references=())]
    assert (
        sampling.Sampler(blank, checkpoint.tokenizer, checkpoint.config).look(model, 1, {}, torch.device("cpu")) == {}
    )
