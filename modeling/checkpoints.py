"""A trained model on disk: safetensors, JSON and the tokenizer's model. Nothing is pickled or unpickled.

A checkpoint is a folder, written under a temporary name, fsynced file by file and then renamed, so that it is either
whole or absent. Its `manifest.json` holds the SHA-256 of every other file and of itself; loading verifies each, and
refuses a folder that holds anything else (`modeling.sealed`).
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
import torch
from safetensors.torch import save
from torch import Tensor

from modeling.architectures import Model, build_for, tokenizer_kind
from modeling.config import TrainingConfig
from modeling.errors import CheckpointError
from modeling.sealed import TEMPORARY, as_json, parsed, plain, read_sealed, sealed, tensors_of, verified, write_folder
from modeling.tokenization import Normalisation, Tokenizer

FORMAT = 4
WEIGHTS, TOKENIZER, CONFIG, MANIFEST = "model.safetensors", "tokenizer.model", "config.json", "manifest.json"
LAST = "last.safetensors"
STATE_TENSORS, STATE_VALUES = "training.safetensors", "training.json"
FINAL, STEP = "final", "step-"


@dataclass(frozen=True)
class Checkpoint:
    """`weights` are those to decode with: the best on the validation pairs; `last` are the training's last, where they
    are others. `tensors` and `values` are the training's state, while it can resume."""

    config: TrainingConfig
    tokenizer: Tokenizer
    weights: dict[str, Tensor]
    step: int
    data_sha256: str
    values: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    last: dict[str, Tensor] | None = None

    def model(self, device: torch.device, weights: str = "best") -> Model:
        """The model with its `best` or its `last` weights, in evaluation mode.

        Raises CheckpointError where they are another model's.
        """
        model = build_for(self.config, self.tokenizer)
        try:
            model.load_state_dict(self.last if weights == "last" and self.last else self.weights)
        except RuntimeError as error:
            raise CheckpointError(f"{WEIGHTS} does not fit its {CONFIG}: {error}") from error
        model.merge()
        return model.eval().to(device)


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> str:
    """Write the checkpoint as `folder`, which must not exist. Returns the SHA-256 of the weights file."""
    files = {
        WEIGHTS: save(plain(checkpoint.weights)),
        **checkpoint.tokenizer.files(),
        CONFIG: as_json(checkpoint.config.to_dict()),
    }
    if checkpoint.last and not checkpoint.tensors:
        files[LAST] = save(plain(checkpoint.last))
    if checkpoint.values:
        files[STATE_VALUES] = as_json(checkpoint.values)
    if checkpoint.tensors:
        files[STATE_TENSORS] = save(plain(checkpoint.tensors))
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files[MANIFEST] = sealed(
        {
            "format": FORMAT,
            "config": checkpoint.config.to_dict(),
            "seed": checkpoint.config.seed,
            "step": checkpoint.step,
            "data_sha256": checkpoint.data_sha256,
            "files": hashes,
            "threads": torch.get_num_threads(),
            "git_commit": git_commit(),
            "versions": {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "numpy": np.__version__,
                "sentencepiece": sentencepiece.__version__,
            },
        }
    )
    write_folder(folder, files)
    return hashes[WEIGHTS]


def load_checkpoint(folder: Path, *, resumable: bool = False) -> Checkpoint:
    """Read and verify. With `resumable` the training's state is read too.

    Raises CheckpointError, naming folder and file, where a file is missing, altered, of another training, or no part of
    a checkpoint.
    """
    manifest = read_manifest(folder)
    try:
        hashes, step, data_sha256 = dict(manifest["files"]), manifest["step"], manifest["data_sha256"]
        config = TrainingConfig.from_dict(manifest["config"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder / MANIFEST}: not written by this version ({error})") from error
    kind = tokenizer_kind(config)
    wanted = {WEIGHTS, CONFIG, *kind.FILES} | ({STATE_TENSORS, STATE_VALUES} if resumable else set())
    if missing := sorted(wanted - set(hashes)):
        raise CheckpointError(f"{folder}: this checkpoint was saved without {', '.join(missing)}")
    if strange := sorted({path.name for path in folder.iterdir()} - {MANIFEST, *hashes}):
        raise CheckpointError(f"{folder / strange[0]}: not part of this checkpoint, so the whole checkpoint is refused")
    contents = {name: verified(folder / name, expected) for name, expected in hashes.items()}
    if parsed(folder / CONFIG, contents[CONFIG]) != manifest["config"]:
        raise CheckpointError(f"{folder / CONFIG}: differs from the configuration in {MANIFEST}")
    try:
        tokenizer = kind.from_files(contents, Normalisation.of(config))
    except RuntimeError as error:
        raise CheckpointError(f"{folder / kind.FILES[0]}: not a sentencepiece model") from error
    tensors = {name: tensors_of(folder / name, contents[name]) for name in hashes if name.endswith(".safetensors")}
    state = tensors.get(STATE_TENSORS, {})
    return Checkpoint(
        config,
        tokenizer,
        tensors[WEIGHTS],
        step,
        data_sha256,
        parsed(folder / STATE_VALUES, contents.get(STATE_VALUES, b"{}")),
        state if resumable else {},
        tensors.get(LAST) or below("model.", state) or None,
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    """What the checkpoint says of itself, without its tensors. Raises CheckpointError."""
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: no such checkpoint folder")
    return read_sealed(folder / MANIFEST, FORMAT, "a checkpoint")


@cache
def git_commit() -> str | None:
    """The commit of the checkout that this code runs from, `+` behind it where files differ; None outside of one."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+"]
    env = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return subprocess.run(git, env=env, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def step_folder(directory: Path, step: int) -> Path:
    return directory / f"{STEP}{step:09d}"


def latest(directory: Path) -> Path | None:
    """The checkpoint a training in `directory` goes on from: the finished one, else that of the highest step."""
    if (directory / FINAL).is_dir():
        return directory / FINAL
    return max(directory.glob(f"{STEP}*"), default=None)


def adopt_latest(directory: Path, others: Iterable[Path]) -> None:
    """Copy into `directory` the checkpoint of `others` that is further than its own, if there is one. Another process
    may be at work there: what goes away meanwhile is left."""
    own, best = latest(directory), max(filter(None, map(latest, others)), key=_how_far, default=None)
    if best is None or (own is not None and _how_far(own) >= _how_far(best)):
        return
    temporary = directory / f"{TEMPORARY}{best.name}"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        shutil.copytree(best, temporary)
        temporary.rename(directory / best.name)
    except OSError:  # copytree's own error is one
        shutil.rmtree(temporary, ignore_errors=True)


def _how_far(checkpoint: Path) -> tuple[bool, str]:
    return checkpoint.name == FINAL, checkpoint.name


def steps_of(directory: Path) -> list[Path]:
    """The step checkpoints in the directory, the newest first."""
    return sorted(directory.glob(f"{STEP}*"), reverse=True)


def prune(directory: Path, keep: int) -> None:
    """Delete all step checkpoints but the newest `keep`, and what a killed save left."""
    for old in steps_of(directory)[keep:]:
        discard(old)
    for left in directory.glob(f"{TEMPORARY}*"):
        shutil.rmtree(left)


def discard(checkpoint: Path) -> None:
    """Delete a checkpoint. Renamed first, so it is never half there."""
    doomed = checkpoint.with_name(f"{TEMPORARY}{checkpoint.name}")
    shutil.rmtree(doomed, ignore_errors=True)
    checkpoint.rename(doomed)
    shutil.rmtree(doomed)


def below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin so, under the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
