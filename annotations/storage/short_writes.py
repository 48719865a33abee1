"""What gives way to raters: writes in the background, short enough that nobody waits for them, and long downloads.

SQLite has one writer at a time. Who waits for it looks again after pauses that grow to tens of milliseconds, so that a
writer who begins anew at once would hardly ever let others in.
"""

import fcntl
import gc
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache
from itertools import islice
from threading import Lock
from typing import IO, TypeVar

import structlog
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction

from annotations.storage.clock import from_now

WRITE_BATCH_SIZE = 1000  # some ten milliseconds
SHORT_WRITE_BATCH_SIZE, LONG_WRITE_BATCH_SIZE = (
    2000,
    100_000,
)  # of a campaign's items, the first some twenty milliseconds
AT_WORK_SECONDS = 60
MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.03, 0.2
TURN = ".writers_turn"  # a file under VAR_DIR, locked by whose turn it is
MAX_WRITERS_TURN_SECONDS, LOOK_SECONDS = 1.0, 0.005
TURN_BATCH_SIZE, MAX_TURN_SECONDS = 1000, 2.0  # of a download
one_download = Lock()
log = structlog.get_logger(__name__)
T = TypeVar("T")


def rows_a_write() -> int:
    """Of a campaign's items: many where writers do not wait for each other."""
    return SHORT_WRITE_BATCH_SIZE if connection.vendor == "sqlite" else LONG_WRITE_BATCH_SIZE


@contextmanager
def short_write() -> Iterator[None]:
    """A transaction of a writer in the background. On SQLite such writers take turns, and while raters are at work a
    turn ends with a pause as long as the write, in which they write; inside another transaction there is neither, since
    nothing is let go."""
    alone = connection.vendor == "sqlite" and not connection.in_atomic_block
    with writers_turn() if alone else nullcontext():
        began = time.perf_counter()
        with uncollected(), transaction.atomic():
            yield
        if alone and raters_at_work():
            pause(began, MAX_PAUSE_SECONDS)


@contextmanager
def writers_turn() -> Iterator[None]:
    """Held by one writer in the background at a time, of any process: two would fill each other's pauses. One that was
    stopped in its turn is waited for no longer than a turn takes; where files cannot be locked there are no turns."""
    with ExitStack() as turn:
        try:
            lock = turn.enter_context((settings.VAR_DIR / TURN).open("a"))
            turn_wait(lock)
        except OSError as error:
            turns_missing(str(error))
        yield


def turn_wait(lock: IO[str]) -> None:
    last = time.monotonic() + MAX_WRITERS_TURN_SECONDS
    while time.monotonic() < last:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(LOOK_SECONDS)


@cache
def turns_missing(reason: str) -> None:
    """Say so once."""
    log.warning("background writers cannot take turns: a file under VAR_DIR cannot be locked", reason=reason)


@contextmanager
def uncollected() -> Iterator[None]:
    """Python looks for garbage later: among what a large import holds, that takes longer than a write."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def giving_way(rows: Iterable[T]) -> Iterator[T]:
    """Rows of a long download, a few at a time. While raters are at work, whom the same process answers, it pauses
    after those as long as they took, and other downloads wait for it."""
    waiting = iter(rows)
    while True:
        with one_download:
            began = time.perf_counter()
            part = list(islice(waiting, TURN_BATCH_SIZE))
            if len(part) == TURN_BATCH_SIZE and raters_at_work():
                pause(began, MAX_TURN_SECONDS)
        if not part:
            return
        yield from part


def pause(began: float, longest: float) -> None:
    time.sleep(min(max(time.perf_counter() - began, MIN_PAUSE_SECONDS), longest))


def raters_at_work() -> bool:
    """Whether a screen was handed out, or its lease renewed, within the last minute. Imported ratings are of none."""
    fresh = from_now(settings.ASSIGNMENT_LEASE_SECONDS - AT_WORK_SECONDS)
    assignments = apps.get_model("annotations", "Assignment")  # of a room above
    return assignments.objects.filter(state="open", leased_until__gt=fresh).exists()
