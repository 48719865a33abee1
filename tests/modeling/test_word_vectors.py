"""Word vectors in the three formats they come in, and what is said of a file that is not in one of them."""

import struct
from pathlib import Path

import numpy as np
import pytest

from modeling.errors import WordVectorsError
from modeling.word_vectors import initial_vectors, read_word_vectors

VECTORS = {"the": [0.5, -1.25, 3.0], "dog": [1e-3, 2.0, -0.75], "해변": [7.0, 8.0, 9.0], "boat": [0.0, 0.0, 1.0]}
LINES = [f"{word} {' '.join(map(str, numbers))}" for word, numbers in VECTORS.items()]


def binary(behind: bytes = b"\n") -> bytes:
    """As the word2vec tool writes it: a line feed behind each vector; other tools write none."""
    rows = (word.encode() + b" " + struct.pack("<3f", *numbers) + behind for word, numbers in VECTORS.items())
    return b"4 3\n" + b"".join(rows)


FORMATS = {
    "GloVe": "\n".join(LINES).encode(),
    "word2vec text": "\n".join(["4 3", *(f"{line} " for line in LINES)]).encode() + b"\n",
    "word2vec binary": binary(),
    "word2vec binary without line feeds": binary(b""),
}


def written(folder: Path, content: bytes) -> Path:
    file = folder / "vectors"
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS.keys())
def test_every_format_gives_the_wanted_words(content: bytes, tmp_path: Path) -> None:
    found = read_word_vectors(written(tmp_path, content), ["dog", "해변", "boat", "zebra"])
    assert sorted(found) == ["boat", "dog", "해변"]
    for word, vector in found.items():
        assert vector.dtype == np.float32
        np.testing.assert_allclose(vector, VECTORS[word])


def test_a_wide_binary_file_is_not_taken_for_text(tmp_path: Path) -> None:
    numbers = np.random.default_rng(1).normal(size=(50, 300)).astype("<f4")
    rows = (f"word{n} ".encode() + row.tobytes() + b"\n" for n, row in enumerate(numbers))
    found = read_word_vectors(written(tmp_path, b"50 300\n" + b"".join(rows)), ["word49", "word0"])
    np.testing.assert_array_equal(found["word49"], numbers[49])


def test_an_entry_of_several_words_is_passed_over(tmp_path: Path) -> None:
    """GloVe's largest file has such entries."""
    content = "\n".join([LINES[0], ". . . 1 2 3", "at name@domain.com 4 5 6", LINES[1]])
    assert sorted(read_word_vectors(written(tmp_path, content.encode()), ["dog", "at", "."])) == ["dog"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "vectors: is empty"),
        (b"the 1 2 3\ndog 1 2\n", "vectors:2: 2 numbers after a word; expected 3"),
        (b"the 1 2 3\ndog 1 2 3 4\n", "vectors:2: 4 numbers after a word; expected 3"),
        (b"the 1 2 3\ndog 1 two 3\n", "vectors:2: 'two', number 2, must be a number"),
        (b"the 1 2 3\ndog 1 nan 3\n", "vectors:2: 'nan', number 2, must be a number"),
        (b"the 1 2 3\n\ndog 1 2 3\n", "vectors:2: empty line; expected a word and 3 numbers"),
        (b"the\ndog\n", "vectors:1: a word without numbers"),
        (b"3 3\nthe 1 2 3\ndog 1 2 3\n", "vectors:1: the header announces 3 vectors, but the file has 2"),
        (b"3 0\nthe\n", "vectors:1: the header announces vectors of 0 numbers"),
        (b"the 1 2 3\ncat 1 2 3\n", "vectors: has none of the 1 words needed, such as 'dog'"),
        (binary()[:-9], r"vectors: byte \d+: incomplete vector, number 4 of the 4 announced"),
        (binary() + b"more", r"vectors: byte \d+: the file continues after the 4 vectors"),
        (
            binary().replace(struct.pack("<f", -0.75), struct.pack("<f", np.nan)),
            r"vectors: byte \d+: the vector of 'dog' has a value that is not a number",
        ),
    ],
)
def test_a_bad_file_is_refused_by_name_and_place(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(WordVectorsError, match=message):
        read_word_vectors(written(tmp_path, content), ["dog"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WordVectorsError, match="nowhere: cannot be read"):
        read_word_vectors(tmp_path / "nowhere", ["dog"])


def test_words_without_a_vector_are_drawn_with_the_variance_of_the_others() -> None:
    known = {f"known{n}": row for n, row in enumerate(np.random.default_rng(1).normal(0, 2, (200, 50)))}
    words = [*known, *(f"new{n}" for n in range(400))]
    rows = initial_vectors(words, known, size=7, seed=1)
    np.testing.assert_array_equal(rows[:200], np.stack(list(known.values())).astype(np.float32))
    assert rows[200:].var() == pytest.approx(4, rel=0.05)
    assert np.abs(rows[200:]).max() <= 2 * 3**0.5 * 1.02
    assert initial_vectors(words, {}, size=7, seed=1).shape == (600, 7)
