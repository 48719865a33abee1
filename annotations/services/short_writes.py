"""What gives way to raters: writes in the background, short enough that nobody waits for them, and long downloads.

SQLite has one writer at a time. Who waits for it looks again after pauses that grow to tens of milliseconds, so that a
writer who begins anew at once would hardly ever let others in.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from threading import Lock
from typing import TypeVar

from django.conf import settings
from django.db import connection, transaction

from annotations.clock import from_now
from annotations.models import Assignment

ROWS_A_WRITE = 1000  # some ten milliseconds
SHORT_ROWS_A_WRITE, MANY_ROWS_A_WRITE = 2000, 100_000  # of a campaign's items, the first some twenty milliseconds
AT_WORK_SECONDS = 60
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.03, 0.2
ROWS_A_TURN, LONGEST_TURN_SECONDS = 1000, 2.0  # of a download
one_download = Lock()
T = TypeVar("T")


def rows_a_write() -> int:
    """Of a campaign's items: many where writers do not wait for each other."""
    return SHORT_ROWS_A_WRITE if connection.vendor == "sqlite" else MANY_ROWS_A_WRITE


@contextmanager
def short_write() -> Iterator[None]:
    """A transaction of a writer in the background. While raters are at work on SQLite, it is followed by a pause as
    long as it took, in which they write; inside another transaction there is none, since nothing is let go."""
    began, alone = time.perf_counter(), not connection.in_atomic_block
    with transaction.atomic():
        yield
    if alone and connection.vendor == "sqlite" and raters_at_work():
        pause(began, LONGEST_PAUSE_SECONDS)


def giving_way(rows: Iterable[T]) -> Iterator[T]:
    """Rows of a long download, a few at a time. While raters are at work, whom the same process answers, it pauses
    after those as long as they took, and other downloads wait for it."""
    waiting = iter(rows)
    while True:
        with one_download:
            began = time.perf_counter()
            part = list(islice(waiting, ROWS_A_TURN))
            if len(part) == ROWS_A_TURN and raters_at_work():
                pause(began, LONGEST_TURN_SECONDS)
        if not part:
            return
        yield from part


def pause(began: float, longest: float) -> None:
    time.sleep(min(max(time.perf_counter() - began, SHORTEST_PAUSE_SECONDS), longest))


def raters_at_work() -> bool:
    """Whether a screen was handed out, or its lease renewed, within the last minute. Imported ratings are of none."""
    fresh = from_now(settings.ASSIGNMENT_LEASE_SECONDS - AT_WORK_SECONDS)
    return Assignment.objects.filter(state=Assignment.State.OPEN, leased_until__gt=fresh).exists()
