"""Whose heartbeat stopped, as seen by one process that looks again and again."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime

from django.conf import settings

from workers.models import Run


class HeartbeatWatch:
    """How long each run has shown the same beat, by this process's own clock alone, which never jumps. No clock has to
    agree with another one: neither those of hosts, nor the database's with what it was before it was set anew.

    Between two looks no more than `longest_gap` seconds are counted. What kept this process from looking (the machine
    was suspended, the database restarted) kept hearts from beating as well.
    """

    def __init__(self, longest_gap: float, now: Callable[[], float] = time.monotonic) -> None:
        self._longest_gap, self._now = longest_gap, now
        self._looked = now()
        self._seen: dict[int, tuple[int, datetime | None, float]] = {}  # attempt, beat, seconds it has not changed for

    def silent(self, runs: Iterable[Run]) -> set[int]:
        """Primary keys of those of the runs in progress whose beat has not changed for `RUN_LOST_AFTER_SECONDS`."""
        now = self._now()
        passed, self._looked = min(now - self._looked, self._longest_gap), now
        before, self._seen = self._seen, {}
        for run in runs:
            attempt, beat, seconds = before.get(run.pk, (None, None, 0.0))
            unchanged = (attempt, beat) == (run.attempt, run.heartbeat_at)
            self._seen[run.pk] = (run.attempt, run.heartbeat_at, seconds + passed if unchanged else 0.0)
        return {pk for pk, (_, _, seconds) in self._seen.items() if seconds >= settings.RUN_LOST_AFTER_SECONDS}
