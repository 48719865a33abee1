"""What the files of a model that others made may hold at most, looked at before a library reads them: it would take
memory for whatever a few bytes say.

The header of a GGUF file is described in the ggml project's docs/gguf.md.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Any

from texts.limits import (
    MAX_ENTRIES,
    MAX_HEADER_BYTES,
    MAX_JSON_BYTES,
    MAX_TENSORS,
    MAX_VALUE_LENGTH,
    PART,
    BoundedJson,
    LimitError,
)

GGUF = ".gguf"
BITS = 8  # of a byte: no weight takes less than one
FIXED = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # bytes of a value, by its type
TEXT, LIST = 8, 9
MAX_DIMENSIONS = 8


def check_model_files(path: Path) -> None:
    """Of a GGUF file, or of a folder of the transformers library. Raises LimitError, naming the file; OSError."""
    files = [path] if path.suffix == GGUF else sorted(path.glob("*.json"))
    for file in files:
        try:
            (check_header if file.suffix == GGUF else check_json)(file)
        except LimitError as error:
            where = f" at byte {error.position:,}" if error.position is not None else ""
            raise LimitError(f"{file.name}: {error}{where}") from error


def check_json(file: Path) -> None:
    if file.stat().st_size > MAX_JSON_BYTES:
        raise LimitError(f"is larger than {MAX_JSON_BYTES:,} bytes")
    with file.open("rb") as stream:
        bounded = BoundedJson(stream)
        while bounded.read(PART):
            pass


def check_header(file: Path) -> None:
    """What is no GGUF file at all is left to the library."""
    with file.open("rb") as stream:
        if stream.read(4) != b"GGUF":
            return
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            Header(content).check()


class Header:
    """That of a GGUF file, gone through from its beginning; nothing of it is kept."""

    def __init__(self, content: mmap.mmap) -> None:
        self.content, self.position = content, 8  # behind the magic number and the version

    def check(self) -> None:
        tensors, entries = self.number("<Q"), self.number("<Q")
        if tensors > MAX_TENSORS or entries > MAX_ENTRIES:
            raise LimitError(f"declares {tensors:,} tensors and {entries:,} metadata entries, which is too many")
        for _ in range(entries):
            self.pass_text()
            self.pass_value(self.number("<I"))
        for _ in range(tensors):
            self.pass_text()
            values = 1
            if (dimensions := self.number("<I")) > MAX_DIMENSIONS:
                raise LimitError(f"a tensor has {dimensions:,} dimensions", self.position)
            for _ in range(dimensions):
                values *= self.number("<Q")
            if values > BITS * len(self.content):
                raise LimitError(f"a tensor has {values:,} values, more than the file has bits", self.position)
            self.skip(12)  # its type, and where it begins

    def skip(self, size: int) -> None:
        if self.position + size > min(len(self.content), MAX_HEADER_BYTES):
            raise LimitError(f"the header extends beyond {min(len(self.content), MAX_HEADER_BYTES):,} bytes")
        self.position += size

    def number(self, form: str) -> int:
        start = self.position
        self.skip(struct.calcsize(form))
        (found,) = struct.unpack_from(form, self.content, start)
        return int(found)

    def pass_text(self) -> None:
        length = self.number("<Q")
        if length > MAX_VALUE_LENGTH:
            raise LimitError(f"a text has {length:,} bytes", self.position)
        self.skip(length)

    def pass_value(self, kind: int, within: bool = False) -> None:
        if kind in FIXED:
            self.skip(FIXED[kind])
        elif kind == TEXT:
            self.pass_text()
        elif kind == LIST and not within:
            kind, length = self.number("<I"), self.number("<Q")
            if kind in FIXED:
                self.skip(length * FIXED[kind])
            else:
                for _ in range(length):
                    self.pass_value(kind, within=True)
        else:
            raise LimitError(f"a value is of type {kind}, or a list within a list", self.position)


def check_shape(config: Any, weights: int) -> None:
    """Raises LimitError where a library's configuration is of more values than `weights` bytes hold: those of its
    embeddings, and at least a square matrix a layer."""
    said = [getattr(config, name, 0) for name in ("vocab_size", "hidden_size", "num_hidden_layers")]
    if not all(isinstance(number, int) for number in said):
        raise LimitError(f"vocabulary, size and layers are {said}, but must be whole numbers")
    vocabulary, size, layers = said
    if weights and vocabulary * size + layers * size * size > BITS * weights:
        raise LimitError(
            f"its configuration describes {layers:,} layers of size {size:,} and {vocabulary:,} words, more than its "
            f"{weights:,} bytes of weights can hold"
        )
