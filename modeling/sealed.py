"""Folders of files that are whole or absent, and whose manifest states the SHA-256 of every file and its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from modeling.errors import CheckpointError, DamagedError
from texts.limits import parse_json

SEAL = "sha256"  # of the manifest without this key
TEMPORARY = ".writing-"


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Under a temporary name first, then renamed; `folder` must not exist."""
    temporary = folder.parent / f"{TEMPORARY}{folder.name}"
    if temporary.exists():
        shutil.rmtree(temporary)
    temporary.mkdir(parents=True)
    try:
        for name, content in files.items():
            with (temporary / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:  # a full disk: what lies there half would keep it full
        shutil.rmtree(temporary, ignore_errors=True)
        raise OSError(error.errno, error.strerror, str(folder)) from error
    _sync_folder(temporary)
    temporary.rename(folder)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_sealed(path: Path, format: int, what: str) -> dict[str, Any]:
    """The manifest of `what`. Raises CheckpointError, and DamagedError where it is missing or altered."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{path}: missing, so this is not {what} ({error.strerror})") from error
    manifest = parsed(path, content)
    if manifest.get("format") != format:
        raise CheckpointError(f"{path}: has format {manifest.get('format')}; this version reads format {format}")
    if sealed({key: value for key, value in manifest.items() if key != SEAL}) != content:
        raise DamagedError(f"{path}: altered: its SHA-256 is not the one that it states")
    return manifest


def verified(path: Path, expected: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{path}: missing ({error.strerror})") from error
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise DamagedError(f"{path}: altered: its SHA-256 is {found[:12]}…, but the manifest says {expected[:12]}…")
    return content


def tensors_of(path: Path, content: bytes) -> dict[str, Tensor]:
    try:
        return load(content)
    except SafetensorError as error:
        raise CheckpointError(f"{path}: not a safetensors file ({error})") from error


def plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def as_json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def sealed(manifest: dict[str, Any]) -> bytes:
    return as_json({**manifest, SEAL: hashlib.sha256(as_json(manifest)).hexdigest()})


def parsed(path: Path, content: bytes) -> dict[str, Any]:
    try:
        value = parse_json(content.decode())
    except ValueError as error:
        raise DamagedError(f"{path}: altered: not JSON ({error})") from error
    if not isinstance(value, dict):
        raise DamagedError(f"{path}: altered: not a JSON object")
    return value
