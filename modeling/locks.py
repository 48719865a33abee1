"""Files that one process at a time works with. No wait for the others is without an end."""

from __future__ import annotations

import errno
import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK_SECONDS = 0.2


def nothing_to_look_at() -> object:
    return None


@contextmanager
def file_lock(file: Path, *, seconds: float, look: Callable[[], object] = nothing_to_look_at) -> Iterator[None]:
    """Hold the lock that `file` stands for.

    While another process holds it, `look` is called a few times a second: it may raise, and the wait begins anew
    whenever it returns something else than before. Raises TimeoutError (an OSError) after `seconds` of the same.
    """
    with file.open("w") as lock:
        seen, since = None, time.monotonic()
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                pass
            if (found := look()) != seen:
                seen, since = found, time.monotonic()
            if time.monotonic() - since >= seconds:
                raise TimeoutError(errno.ETIMEDOUT, "another process holds the lock and makes no progress", str(file))
            time.sleep(LOOK_SECONDS)
        yield
