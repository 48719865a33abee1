"""Word vectors from files: word2vec, text and binary, and GloVe's text. Only the wanted words are kept in memory."""

from __future__ import annotations

import codecs
import mmap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from modeling.errors import WordVectorsError

Vector = NDArray[np.float32]
_FLOAT = np.dtype("<f4")
_SAMPLE = 1024  # bytes that tell text from binary
_LONGEST_WORD = 4096  # bytes; what goes on for longer without a space is no word


def read_word_vectors(path: Path, wanted: Iterable[str]) -> dict[str, Vector]:
    """The vectors (D) of those of the wanted words that the file has, a word's first vector counting.

    The format is found from the content: a first line of two whole numbers, count and D, is word2vec's, text or binary;
    GloVe's files have none. Raises WordVectorsError, naming file and line or byte, and where no wanted word is there.
    """
    words = {word.encode(): word for word in wanted}
    found: dict[str, Vector] = {}
    try:
        if not path.stat().st_size:
            raise WordVectorsError(
                f"{path}: is empty; expected a word and its numbers on each line, or word2vec's binary format"
            )
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            for name, vector in _vectors(path, content, words):
                found.setdefault(words[name], vector)
    except OSError as error:
        raise WordVectorsError(f"{path}: cannot be read ({error.strerror})") from error
    if not found:
        example = next(iter(words.values()), "")
        raise WordVectorsError(f"{path}: has none of the {len(words)} words needed, such as {example!r}")
    return found


def initial_vectors(words: Sequence[str], found: dict[str, Vector], *, size: int, seed: int) -> Vector:
    """A row per word (W, D): its vector where one was found, else drawn.

    Drawn uniformly from [-a, a], where a gives the variance of the vectors found (Kim 2014, section 4.3); without any,
    D is `size` and a is 0.25.
    """
    known = np.stack(list(found.values())) if found else None
    width, bound = (size, 0.25) if known is None else (known.shape[1], float(np.sqrt(3 * known.var())))
    drawn = np.random.default_rng(seed).uniform(-bound, bound, (len(words), width)).astype(np.float32)
    for row, word in zip(drawn, words, strict=True):
        if word in found:
            row[:] = found[word]
    return drawn


def _vectors(path: Path, content: mmap.mmap, words: dict[bytes, str]) -> Iterator[tuple[bytes, Vector]]:
    header = content.readline().split()
    if len(header) != 2 or not all(part.isdigit() and len(part) < 19 for part in header):
        content.seek(0)
        yield from _text(path, content, words, len(header) - 1, None)
        return
    count, size = map(int, header)
    start = content.tell()
    if not size:
        raise WordVectorsError(f"{path}:1: the header announces vectors of 0 numbers; at least 1 is expected")
    if _is_text(content[start : start + _SAMPLE]):
        yield from _text(path, content, words, size, count)
    else:
        yield from _binary(path, content, words, size, count, start)


def _is_text(sample: bytes) -> bool:
    """Whether bytes are text, which has no control characters: numbers in four bytes each soon have one."""
    try:
        shown = codecs.getincrementaldecoder("utf-8")().decode(sample)  # a last character may be cut
    except UnicodeDecodeError:
        return False
    return all(sign.isprintable() or sign in "\t\r\n" for sign in shown)


def _text(
    path: Path, content: mmap.mmap, words: dict[bytes, str], size: int, count: int | None
) -> Iterator[tuple[bytes, Vector]]:
    first, read = (1 if count is None else 2), 0
    if size < 1:
        raise WordVectorsError(
            f"{path}:1: a word without numbers; expected a word and its numbers, separated by a space"
        )
    for number, line in enumerate(iter(content.readline, b""), start=first):
        name, _, numbers = line.rstrip().partition(b" ")
        if not name:
            raise WordVectorsError(f"{path}:{number}: empty line; expected a word and {size} numbers")
        read += 1
        if numbers.count(b" ") != size - 1 and not _is_phrase(numbers, size):
            raise WordVectorsError(f"{path}:{number}: {len(numbers.split())} numbers after a word; expected {size}")
        if name in words and numbers.count(b" ") == size - 1:
            yield name, _parsed(numbers, f"{path}:{number}")
    if count is not None and read != count:
        raise WordVectorsError(f"{path}:1: the header announces {count} vectors, but the file has {read}")


def _is_phrase(numbers: bytes, size: int) -> bool:
    """Whether what is too many are further words: a few entries of GloVe's files have spaces in them (". . .")."""
    further = numbers.split(b" ")[:-size]
    return bool(further) and not any(map(_is_number, further))


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parsed(numbers: bytes, place: str) -> Vector:
    parts = numbers.split(b" ")
    for position, part in enumerate(parts, start=1):
        if not _is_number(part) or not np.isfinite(float(part)):
            raise WordVectorsError(f"{place}: {part.decode(errors='replace')!r}, number {position}, must be a number")
    return np.array(parts, dtype=np.float64).astype(np.float32)


def _binary(
    path: Path, content: mmap.mmap, words: dict[bytes, str], size: int, count: int, start: int
) -> Iterator[tuple[bytes, Vector]]:
    """`count` times a word, a space, and D little-endian floats of four bytes, with or without a line feed behind."""
    length = size * _FLOAT.itemsize
    for number in range(1, count + 1):
        space = content.find(b" ", start, start + _LONGEST_WORD)
        end = space + 1 + length
        if space < 0 or end > len(content):
            raise WordVectorsError(f"{path}: byte {start}: incomplete vector, number {number} of the {count} announced")
        name = content[start:space].lstrip(b"\n")
        if name in words:
            vector = np.frombuffer(content[space + 1 : end], dtype=_FLOAT).astype(np.float32)
            if not np.isfinite(vector).all():
                shown = words[name]
                raise WordVectorsError(
                    f"{path}: byte {start}: the vector of {shown!r} has a value that is not a number"
                )
            yield name, vector
        start = end
    if content[start:].strip(b"\n"):
        raise WordVectorsError(
            f"{path}: byte {start}: the file continues after the {count} vectors that its header announces"
        )
