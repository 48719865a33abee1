"""Files of models that others made say little and mean much: they are refused before a library takes memory for it."""

import struct
from pathlib import Path
from types import SimpleNamespace

import pytest

from modeling import bases
from modeling.model_files import check_model_files, check_shape
from texts.limits import LimitError

TEXT, LIST, WHOLE = 8, 9, 4
HUGE = 1 << 60


def text(words: bytes) -> bytes:
    return struct.pack("<Q", len(words)) + words


def gguf(*entries: bytes, tensors: bytes = b"", counts: tuple[int, int] | None = None) -> bytes:
    head = struct.pack("<QQ", *(counts or (bool(tensors), len(entries))))
    return b"GGUF" + struct.pack("<I", 3) + head + b"".join(entries) + tensors


def entry(kind: int, value: bytes) -> bytes:
    return text(b"a.key") + struct.pack("<I", kind) + value


def tensor(*shape: int) -> bytes:
    return text(b"a.weight") + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, 0)


def test_a_header_as_it_should_be_is_let_through(tmp_path: Path) -> None:
    words = struct.pack("<IQ", TEXT, 2) + text(b"one") + text(b"two")
    numbers = struct.pack("<IQ3I", WHOLE, 3, 1, 2, 3)
    entries = entry(TEXT, text(b"llama")), entry(LIST, words), entry(LIST, numbers), entry(7, b"\1")
    file = tmp_path / "a.gguf"
    file.write_bytes(gguf(*entries, tensors=tensor(2, 3)))
    check_model_files(file)
    file.write_bytes(b"no such file")
    check_model_files(file)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (gguf(counts=(HUGE, 0)), "declares 1,152,921,504,606,846,976 tensors"),
        (gguf(counts=(0, HUGE)), "and 1,152,921,504,606,846,976 metadata entries"),
        (gguf(counts=(0, 9)), "the header extends beyond 24 bytes"),
        (gguf(struct.pack("<Q", HUGE)), "a text has 1,152,921,504,606,846,976 bytes"),
        (gguf(entry(LIST, struct.pack("<IQ", WHOLE, HUGE))), "the header extends beyond"),
        (gguf(entry(LIST, struct.pack("<IQ", TEXT, HUGE))), "the header extends beyond"),
        (gguf(entry(LIST, struct.pack("<IQ", LIST, 1) * 100_000)), "a list within a list"),
        (gguf(entry(99, b"")), "a value is of type 99"),
        (gguf(tensors=tensor(1 << 30, 1 << 30)), "a tensor has 1,152,921,504,606,846,976 values, more than the file"),
        (gguf(tensors=tensor(*[1] * 99)), "a tensor has 99 dimensions"),
    ],
)
def test_a_header_of_absurd_size_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(content)
    with pytest.raises(LimitError, match=rf"^a\.gguf: .*{why}"):
        check_model_files(tmp_path / "a.gguf")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_json_too_deep_or_too_large_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / name
    file.write_text("[" * 1_000_000)
    with pytest.raises(LimitError, match=rf"^{name}: lists and objects are nested more than 64 deep at byte 64"):
        check_model_files(tmp_path)
    monkeypatch.setattr(bases, "MAX_WHOLE_BYTES", 5)
    with pytest.raises(LimitError, match=f"{name}: is larger than 5 bytes"):
        bases.read_json(file)
    monkeypatch.setattr("modeling.model_files.MAX_JSON_BYTES", 5)
    with pytest.raises(LimitError, match=f"^{name}: is larger than 5 bytes"):
        check_model_files(tmp_path)


def test_a_configuration_of_more_than_there_are_weights_is_refused() -> None:
    config = SimpleNamespace(vocab_size=1000, hidden_size=64, num_hidden_layers=2)
    check_shape(config, weights=4 * (1000 * 64 + 2 * 64 * 64))
    for name in vars(config):
        with pytest.raises(LimitError, match=r"more than its 100,000 bytes of weights can hold"):
            check_shape(SimpleNamespace(**vars(config) | {name: 10**9}), weights=100_000)
    with pytest.raises(LimitError, match=r"must be whole numbers"):
        check_shape(SimpleNamespace(vocab_size="many"), weights=1)
