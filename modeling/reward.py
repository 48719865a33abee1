"""A reward model: how good raters would find a text for a source, a linear head on frozen features.

It is a folder of `reward.json`, which says what it was fitted on and how far it agrees with raters, and
`head.safetensors`; loading verifies both (`modeling.sealed`). How it is fitted stands in `modeling.reward_fitting`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from safetensors.torch import save

from modeling.config import RewardConfig
from modeling.errors import CheckpointError, ConfigError
from modeling.reward_features import Features, Floats, Pair, Report, features_of, no_report
from modeling.sealed import read_sealed, sealed, tensors_of, verified, write_folder

FORMAT = 1
MANIFEST, HEAD = "reward.json", "head.safetensors"
TENSORS = ("weights", "mean", "scale")


@dataclass(frozen=True)
class Reward:
    """`about` is what `reward.json` holds. weights, mean and scale (F): a text's features are standardised, and their
    weighted sum is its reward; 0 is the mean of the texts that it was fitted on."""

    features: Features
    weights: Floats
    mean: Floats
    scale: Floats
    about: Mapping[str, Any]

    @classmethod
    def load(cls, folder: Path | str, device: torch.device | None = None, threads: int = 1) -> Self:
        """Raises CheckpointError, naming the file, where the folder holds no reward model, or one that was altered, or
        whose encoder is another one now."""
        folder = Path(folder)
        if not folder.is_dir():
            raise CheckpointError(f"{folder}: no such reward model")
        about = read_sealed(folder / MANIFEST, FORMAT, "a reward model")
        if strange := sorted({path.name for path in folder.iterdir()} - {MANIFEST, HEAD}):
            raise CheckpointError(f"{folder / strange[0]}: not part of this reward model, so all of it is refused")
        try:
            config = RewardConfig.from_dict(about["config"])
            head, wanted = about["files"][HEAD], about["features"]["sha256"]
        except (KeyError, TypeError, ConfigError) as error:
            raise CheckpointError(f"{folder / MANIFEST}: not written by this version ({error})") from error
        tensors = tensors_of(folder / HEAD, verified(folder / HEAD, head))
        features = features_of(config.encoder, config.states, device=device, threads=threads, sha256=wanted)
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        if shapes != dict.fromkeys(TENSORS, (sum(features.blocks),)):
            raise CheckpointError(f"{folder / HEAD}: does not fit its features: {shapes}")
        weights, mean, scale = (np.asarray(tensors[name].double().numpy()) for name in TENSORS)
        return cls(features, weights, mean, scale, about)

    @staticmethod
    def check_free(folder: Path) -> None:
        """Raises CheckpointError where there is something already."""
        if folder.exists():
            raise CheckpointError(f"{folder}: already exists; choose another folder")

    def save(self, folder: Path) -> None:
        """As `folder`, which must not exist."""
        self.check_free(folder)
        files = {HEAD: self.head_sha256}
        about = {"format": FORMAT, **self.about, "features": self.features.identity, "files": files}
        write_folder(folder, {HEAD: self._head(), MANIFEST: sealed(about)})

    def scores(self, pairs: Sequence[Pair], report: Report = no_report) -> Floats:
        """(pairs): of each source, empty where there is none, and text; in standard deviations of one judgement."""
        if not pairs:
            return np.zeros(0)
        return np.asarray((self.features(pairs, report) - self.mean) / self.scale @ self.weights)

    @property
    def identity(self) -> dict[str, object]:
        """What tells it from others in a signature: the first 12 digits of the SHA-256 of its head and of the feedback
        that it learned from."""
        return {"learned": "linear", "head": self.head_sha256[:12], "data": str(self.about["data_sha256"])[:12]}

    @property
    def head_sha256(self) -> str:
        return hashlib.sha256(self._head()).hexdigest()

    def _head(self) -> bytes:
        return save({name: torch.from_numpy(np.ascontiguousarray(getattr(self, name))) for name in TENSORS})
