"""A checkpoint is whole and of this training, or it is refused by the name of what is wrong; nothing is unpickled."""

import hashlib
import json
import os
import pickle
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from modeling import checkpoints
from modeling.checkpoints import MANIFEST, git_commit, latest, load_checkpoint, read_manifest, steps_of
from modeling.config import DecodingConfig, TrainingConfig, load_preset
from modeling.corpus import Example, fingerprint
from modeling.decoding import decode
from modeling.errors import CheckpointError
from modeling.sealed import sealed
from modeling.training import TrainingResult, train
from tests.modeling.corpora import write_examples
from tests.modeling.interruptions import train_until

FILES = [
    "config.json",
    "manifest.json",
    "model.safetensors",
    "tokenizer.model",
    "training.json",
    "training.safetensors",
]
CONFIG = load_preset(
    "tiny", ["vocabulary_size=60", "max_steps=6", "validate_every=2", "save_every=0", "seed=7", "device=cpu"]
)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data and, in `out`, a training stopped after its fourth step."""
    folder = tmp_path_factory.mktemp("interrupted")
    files = write_examples(folder / "train.jsonl", 40), write_examples(folder / "valid.jsonl", 10, seed=2)
    train_until(5, CONFIG, train_file=files[0], valid_file=files[1], out=folder / "out")
    return folder


@pytest.fixture
def folder(interrupted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(interrupted, tmp_path / "copy"))


def resume(folder: Path, config: TrainingConfig = CONFIG) -> TrainingResult:
    return train(config, train_file=folder / "train.jsonl", valid_file=folder / "valid.jsonl", directory=folder / "out")


def step(folder: Path) -> Path:
    found = latest(folder / "out")
    assert found is not None
    return found


def reseal(checkpoint: Path) -> None:
    """Make the manifest agree with its files, as whoever means harm would."""
    manifest = json.loads((checkpoint / MANIFEST).read_text())
    for name in manifest["files"]:
        manifest["files"][name] = hashlib.sha256((checkpoint / name).read_bytes()).hexdigest()
    del manifest["sha256"]
    (checkpoint / MANIFEST).write_bytes(sealed(manifest))


def test_it_holds_these_files(folder: Path) -> None:
    assert sorted(path.name for path in step(folder).iterdir()) == FILES


@pytest.mark.parametrize("name", FILES)
def test_any_flipped_bit_is_refused(name: str, folder: Path) -> None:
    file, draw = step(folder) / name, np.random.default_rng(1)
    content = file.read_bytes()
    for place in {0, len(content) - 1, *draw.integers(len(content), size=40)}:
        flipped = bytearray(content)
        flipped[place] ^= 1 << int(draw.integers(8))
        file.write_bytes(flipped)
        with pytest.raises(CheckpointError, match=name):
            load_checkpoint(file.parent, resumable=True)
    with pytest.raises(CheckpointError, match=f"{name}: altered|{name}: has format"):
        load_checkpoint(file.parent, resumable=True)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(name: str, folder: Path) -> None:
    (step(folder) / name).unlink()
    with pytest.raises(CheckpointError, match=f"{name}: missing"):
        load_checkpoint(step(folder), resumable=True)


class Malicious:
    """What runs a command when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("resealed", [False, True])
@pytest.mark.parametrize("name", [*FILES, "added.pkl", "added.pt", "pytorch_model.bin", "unpickled/added.pkl"])
def test_a_pickle_is_refused_and_never_run(name: str, resealed: bool, folder: Path, tmp_path: Path) -> None:
    file = step(folder) / name
    file.parent.mkdir(exist_ok=True)
    trace = tmp_path / "it ran"
    file.write_bytes(pickle.dumps(Malicious(trace)))
    if resealed and name != MANIFEST:
        reseal(step(folder))
    with pytest.raises(CheckpointError, match=Path(name).parts[0]):
        load_checkpoint(step(folder), resumable=True)
    with pytest.raises(CheckpointError, match=Path(name).parts[0]):
        list(decode(step(folder), [Example("a", "a dog")], DecodingConfig(device="cpu")))
    assert not trace.exists()


def test_a_zipped_pickle_of_torch_is_refused(folder: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, step(folder) / "model.safetensors")
    reseal(step(folder))
    with pytest.raises(CheckpointError, match=r"model\.safetensors: not a safetensors file"):
        load_checkpoint(step(folder))


def test_another_config_is_refused(folder: Path) -> None:
    with pytest.raises(CheckpointError, match=r"other settings \(learning_rate=0\.01 before, 0\.5 now"):
        resume(folder, replace(CONFIG, learning_rate=0.5))
    file = step(folder) / "config.json"
    file.write_text(file.read_text().replace('"hidden_size": 32', '"hidden_size": 64'))
    reseal(step(folder))
    with pytest.raises(CheckpointError, match=r"config\.json: differs from the configuration in manifest\.json"):
        load_checkpoint(step(folder))
    manifest = json.loads((step(folder) / MANIFEST).read_text())
    manifest["config"]["hidden_size"] = 64
    (step(folder) / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match=r"manifest\.json: altered"):
        load_checkpoint(step(folder))
    (step(folder) / MANIFEST).write_bytes(sealed({k: v for k, v in manifest.items() if k != "sha256"}))
    with pytest.raises(CheckpointError, match=r"model\.safetensors does not fit its config\.json"):
        load_checkpoint(step(folder)).model(torch.device("cpu"))


def test_other_data_are_refused(folder: Path) -> None:
    write_examples(folder / "valid.jsonl", 11, seed=2)
    with pytest.raises(CheckpointError, match="was trained on other data"):
        resume(folder)


def test_an_older_format_is_refused_with_the_one_that_is_read(folder: Path) -> None:
    (step(folder) / MANIFEST).write_text('{"format": 1, "files": {}}')
    with pytest.raises(CheckpointError, match=r"manifest\.json: has format 1; this version reads format 4"):
        resume(folder)


def test_the_manifest_says_where_the_weights_come_from(folder: Path) -> None:
    result = resume(folder)
    manifest = read_manifest(result.checkpoint)
    assert manifest["config"] == CONFIG.to_dict()
    assert (manifest["seed"], manifest["step"], manifest["threads"]) == (7, 6, 1)
    assert manifest["data_sha256"] == fingerprint(folder / "train.jsonl", folder / "valid.jsonl")
    tokenizer = (result.checkpoint / "tokenizer.model").read_bytes()
    assert manifest["files"]["tokenizer.model"] == hashlib.sha256(tokenizer).hexdigest()
    assert manifest["versions"]["torch"] == torch.__version__
    assert set(manifest["versions"]) == {"python", "torch", "numpy", "sentencepiece"}
    assert "git_commit" in manifest
    assert set(manifest["files"]) | {MANIFEST} == {path.name for path in result.checkpoint.iterdir()}


def test_the_commit_is_that_of_the_checkout_and_none_without_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    monkeypatch.setattr(checkpoints, "__file__", str(tmp_path / "checkpoints.py"))
    assert git_commit.__wrapped__() is None
    git("init")
    (tmp_path / "a").write_text("a")
    git("add", "a")
    git("commit", "--message", "a")
    assert git_commit.__wrapped__() == git("rev-parse", "HEAD")
    (tmp_path / "a").write_text("b")
    assert git_commit.__wrapped__() == git("rev-parse", "HEAD") + "+"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_commit.__wrapped__() is None


def overfitted(folder: Path, **changes: object) -> TrainingResult:
    """A training whose last look is not its best: it learns by heart, far too fast."""
    settings = {"max_steps": 40, "learning_rate": 0.5, "decay": "none", "save_every": 1000, **changes}
    return resume(folder, replace(CONFIG, **settings))


def written(checkpoint: Path, weights: str) -> list[float]:
    config = DecodingConfig(method="greedy", weights=weights, max_length=10, device="cpu")
    return [each.logprob for each in decode(checkpoint, [Example("a", "a dog is at the beach")], config)]


def test_best_and_last_weights_can_both_be_decoded_with(folder: Path) -> None:
    shutil.rmtree(folder / "out")
    result = overfitted(folder)
    final = load_checkpoint(result.checkpoint)
    assert result.history[-1]["valid_nll"] > min(look["valid_nll"] for look in result.history)
    assert final.last is not None
    assert (result.checkpoint / "last.safetensors").exists()
    assert written(result.checkpoint, "best") != written(result.checkpoint, "last")
    assert not torch.equal(final.weights["combine.weight"], final.last["combine.weight"])
    damaged = result.checkpoint / "last.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    with pytest.raises(CheckpointError, match=r"last\.safetensors: altered"):
        written(result.checkpoint, "best")


def test_where_the_last_weights_are_the_best_they_are_saved_once(folder: Path) -> None:
    shutil.rmtree(folder / "out")
    result = overfitted(folder, max_steps=2)
    assert not (result.checkpoint / "last.safetensors").exists()
    assert written(result.checkpoint, "best") == written(result.checkpoint, "last")


def test_a_checkpoint_of_a_training_under_way_has_both_as_well(folder: Path) -> None:
    loaded = load_checkpoint(step(folder))
    state = load_checkpoint(step(folder), resumable=True).tensors
    assert loaded.last is not None
    assert all(torch.equal(tensor, state[f"model.{name}"]) for name, tensor in loaded.last.items())


def test_what_a_kill_after_the_last_save_left_is_removed(folder: Path) -> None:
    before = step(folder)
    kept = shutil.copytree(before, folder / before.name)
    result = resume(folder)
    shutil.move(kept, folder / "out")
    (folder / "out" / ".writing-step-000000001").mkdir()
    assert resume(folder) == result
    assert [path.name for path in (folder / "out").iterdir()] == ["final"]


@pytest.mark.parametrize("damaged", [1, 2])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(folder: Path, tmp_path: Path, damaged: int) -> None:
    """With both of them damaged, to the beginning; the weights are those of an undisturbed training."""
    whole = Path(shutil.copytree(folder, tmp_path / "whole"))
    steps = steps_of(folder / "out")
    assert [path.name for path in steps] == ["step-000000004", "step-000000003"]
    for path in steps[:damaged]:
        file = path / "training.safetensors"
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    said: list[str] = []
    files = folder / "train.jsonl", folder / "valid.jsonl"
    result = train(
        CONFIG,
        train_file=files[0],
        valid_file=files[1],
        directory=folder / "out",
        on_progress=lambda progress: said.append(progress.message),
    )
    assert result.sha256 == resume(whole).sha256
    goes_on = "the training resumes from step 3" if damaged == 1 else "the training starts from the beginning"
    assert said[0].startswith(f"step-000000004 is damaged and skipped; {goes_on} (")
    assert "training.safetensors: altered" in said[0]
    assert [path.name for path in (folder / "out").iterdir()] == ["final"]


def test_two_step_checkpoints_are_kept_and_no_more(interrupted: Path) -> None:
    assert len(steps_of(interrupted / "out")) == 2
