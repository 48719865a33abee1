"""By what the weights of a pretrained model are known again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from modeling.bases import GGUF, sha256_of
from modeling.errors import CheckpointError, ConfigError


def weights_sha256(path: Path) -> str:
    """SHA-256 of a GGUF file, or of the safetensors of a folder of the transformers library: where there are several,
    over those of all, in order of their names. Raises ConfigError where there are none."""
    files = [path] if path.suffix == GGUF else sorted(path.glob("*.safetensors"))
    if not files:
        raise ConfigError(f"model_path={path}: needs its weights as model.safetensors, or to be a GGUF file")
    hashes = [sha256_of(file) for file in files]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def check_weights(path: Path, wanted: str) -> None:
    """Raises CheckpointError unless the weights at `path` have the SHA-256 `wanted`."""
    if (found := weights_sha256(path)) != wanted:
        raise CheckpointError(f"{path}: its weights have the SHA-256 {found[:12]}…, and {wanted[:12]}… are wanted")
