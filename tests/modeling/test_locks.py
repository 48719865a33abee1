"""Waiting for another process has an end, and looks meanwhile at whether it should go on."""

import fcntl
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from modeling import bases, fetching, llama, locks
from modeling.errors import FetchError
from modeling.fetching import fetch
from modeling.locks import file_lock
from modeling.progress import Progress


class Cancelled(Exception):
    pass


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LOOK_SECONDS", 0.01)


def held(file: Path) -> IO[str]:
    """As a process holds it that was stopped: an open file of its own."""
    lock = file.open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[Path]:
    with held(tmp_path / "lock"):
        yield tmp_path / "lock"


def test_a_wait_has_an_end(lock: Path) -> None:
    with pytest.raises(TimeoutError, match="makes no progress") as caught, file_lock(lock, seconds=0.1):
        pytest.fail("the lock is another's")
    assert caught.value.filename == str(lock)


def test_a_wait_lasts_while_the_other_goes_on(lock: Path) -> None:
    steps = itertools.chain(range(30), itertools.repeat(30))
    began = time.monotonic()
    with pytest.raises(TimeoutError), file_lock(lock, seconds=0.1, look=lambda: next(steps)):
        pytest.fail("the lock is another's")
    assert time.monotonic() - began > 0.3
    assert next(steps) == 30


def test_a_wait_is_left_when_what_is_looked_at_says_so(lock: Path) -> None:
    def look() -> None:
        raise Cancelled

    with pytest.raises(Cancelled), file_lock(lock, seconds=3600, look=look):
        pytest.fail("the lock is another's")


def test_one_after_the_other(tmp_path: Path) -> None:
    with file_lock(tmp_path / "lock", seconds=0):
        pass
    with (
        file_lock(tmp_path / "lock", seconds=0),
        pytest.raises(TimeoutError),
        file_lock(tmp_path / "lock", seconds=0),
    ):
        pytest.fail("the lock is another's")


def test_a_fetch_beside_one_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bases, "MODELS", tmp_path)
    monkeypatch.setattr(fetching, "STUCK_SECONDS", 0.1)
    said: list[str] = []
    with held(tmp_path / ".fetching-smollm2.lock"):
        with pytest.raises(
            FetchError, match="smollm2: another process is downloading it but has received nothing for 0 sec"
        ):
            fetch("smollm2", on_progress=lambda progress: said.append(progress.message))
        assert set(said) == {"waiting: another process is downloading smollm2"}

        def cancel(progress: Progress) -> None:
            raise Cancelled

        with pytest.raises(Cancelled):
            fetch("smollm2", on_progress=cancel)


def test_a_model_is_read_as_it_is_where_its_conversion_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama, "CONVERSION_SECONDS", 0.05)
    model = tmp_path / "model" / "model.gguf"
    model.parent.mkdir()
    model.write_bytes(b"GGUF")
    (model.parent / bases.SOURCE).write_text('{"name": "model", "licence": "x", "from": "file:x", "files": {}}')
    with held(model.parent / f".{llama.CONVERTED}.lock"):
        assert llama.readable(model) == model
