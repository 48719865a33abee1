"""Several processes train as one does on as many batches per step; one that fails ends all, and a message says why."""

import json
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from modeling import gradients, material, objectives, training
from modeling.__main__ import main
from modeling.batching import Batch, make_batch
from modeling.checkpoints import Checkpoint, save_checkpoint
from modeling.corpus import EncodedPair
from modeling.errors import CorpusError
from tests.modeling.corpora import write_examples
from tests.site import ROOT

SETTINGS = ["vocabulary_size=60", "max_steps=20", "dropout=0", "validate_every=5", "save_every=0", "device=cpu"]


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """A training of two processes, its folder left out."""
    files = write_examples(tmp_path / "train.jsonl", 80), write_examples(tmp_path / "valid.jsonl", 10, seed=2)
    data = ["--train", str(files[0]), "--valid", str(files[1])]
    return ["train", *data, "--preset", "tiny", "--json", "--set", *SETTINGS]


@pytest.fixture
def alone(command: list[str], tmp_path: Path) -> Path:
    """The weights that one process comes to."""
    assert main([*command, "accumulation=2", "--out", str(tmp_path / "alone")]) == 0
    return tmp_path / "alone" / "final" / "model.safetensors"


def assert_same(found: Path, expected: Path) -> None:
    for (name, one), other in zip(load_file(found).items(), load_file(expected).values(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=2e-5, msg=f"{name}: {(one - other).abs().max()} apart")


def two(function: Callable[[int], int], log: Path) -> tuple[list[int | None], list[str]]:
    """Exit codes of two processes that run the function with their rank, and the lines they wrote to stderr."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(rank: int) -> None:
        os.environ.update(RANK=f"{rank}", WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=f"{port}")
        with log.open("a") as sys.stderr:
            status = function(rank)
        os._exit(status)

    processes = [multiprocessing.get_context("fork").Process(target=run, args=(rank,)) for rank in range(2)]
    for each in processes:
        each.start()
    for each in processes:
        each.join(60)
    hung = [each for each in processes if each.is_alive()]
    for each in hung:
        each.kill()
    assert not hung
    return [each.exitcode for each in processes], log.read_text().splitlines()


def test_two_processes_equal_one_and_torchrun_resumes_them(command: list[str], alone: Path, tmp_path: Path) -> None:
    """The first of them dies without a word after its third save, which the other tells."""
    out = tmp_path / "two"

    def dies(rank: int) -> int:
        def save(checkpoint: Checkpoint, folder: Path) -> str:
            sha256 = save_checkpoint(checkpoint, folder)
            if checkpoint.step == 3:
                os._exit(9)
            return sha256

        training.save_checkpoint = save
        return main([*command, "--out", str(out)])

    codes, told = two(dies, tmp_path / "log")
    assert codes == [9, 1]
    (error,) = (line for line in told if line.startswith("error: "))
    assert error.startswith("error: process 1: another process ended without an error message (")
    assert (out / "step-000000003").exists()
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    full = [*torchrun, "-m", "modeling", *command, "--out", str(out)]
    done = subprocess.run(full, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["steps"] for line in done.stdout.splitlines()] == [20], "the first process speaks for all"
    assert [folder.name for folder in out.iterdir()] == ["final"]
    assert_same(out / "final" / "model.safetensors", alone)


def test_one_that_lacks_memory_makes_both_halve_their_batches(command: list[str], alone: Path, tmp_path: Path) -> None:
    def short(rank: int) -> int:
        def make(pairs: list[EncodedPair], device: torch.device) -> Batch:
            if rank == 1 and gradients.padded_tokens(pairs) > 200:
                raise torch.OutOfMemoryError
            return make_batch(pairs, device)

        objectives.make_batch = make
        return main([*command, "--out", str(tmp_path / "two")])

    assert two(short, tmp_path / "log")[0] == [0, 0]
    final = tmp_path / "two" / "final"
    assert json.loads((final / "training.json").read_text())["parts"] == 2
    assert_same(final / "model.safetensors", alone)


@pytest.mark.parametrize("where", ["reading", "step", "memory", "save"])
def test_the_failure_of_one_ends_both_with_one_message(where: str, command: list[str], tmp_path: Path) -> None:
    def failing(*_: object, **__: object) -> None:
        raise CorpusError(f"fails at {where}")

    def short(*_: object) -> None:
        raise torch.OutOfMemoryError

    def one_fails(rank: int) -> int:
        if where == "save":
            training.save_checkpoint = failing  # type: ignore[assignment]
        elif rank == 1 and where == "memory":
            objectives.make_batch = short  # type: ignore[assignment]
        elif rank == 1:
            module, name = {"reading": (material, "read_examples"), "step": (objectives, "make_batch")}[where]
            setattr(module, name, failing)
        return main([*command, "--out", str(tmp_path / "two")])

    codes, told = two(one_fails, tmp_path / "log")
    assert codes == [1, 1]
    (line,) = [line for line in told if "error" in line.lower()]
    assert line.startswith("error: " + ("step 0: out of memory" if where == "memory" else f"fails at {where}"))


def test_a_loss_that_is_no_number_is_told_once(command: list[str], tmp_path: Path) -> None:
    data = Path(command[2])
    data.write_text(data.read_text().replace('"album"', '"weight": 1e38, "album"'))
    codes, told = two(lambda rank: main([*command, "--out", str(tmp_path / "two")]), tmp_path / "log")
    assert codes == [1, 1]
    assert [line[:30] for line in told if "error" in line.lower()] == ["error: step 0: the loss is nan"]


def test_processes_without_torchrun_are_refused(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main([*command, "--out", str(tmp_path / "two")]) == 1
    assert "error: WORLD_SIZE=2: is only for processes started by torchrun" in capsys.readouterr().err
