"""Keeps a few processes running: starts them, starts again what dies, and stops them all together."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)

STOP_SECONDS = 10.0
RESTART_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)  # the pause grows while a process keeps dying
STEADY_SECONDS = 30.0  # alive that long, it counts as well again


@dataclass
class Child:
    """One supervised process, in a session of its own so that a terminal's Ctrl-C reaches only the supervisor."""

    name: str
    command: Sequence[str]
    once: bool = False  # ends by itself, and is not started again
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_again_at: float | None = None
    deaths: int = 0

    def start(self) -> None:
        self.started_at, self.start_again_at = time.monotonic(), None
        self.process = subprocess.Popen(list(self.command), start_new_session=True, stdin=subprocess.DEVNULL)

    def look_after(self) -> None:
        """Start the process again where it died, after a pause that grows while it keeps dying."""
        now = time.monotonic()
        if self.start_again_at is not None:
            if now >= self.start_again_at:
                self.start()
        elif self.process and self.process.poll() is not None and not self.once:
            self.deaths = 1 if now - self.started_at > STEADY_SECONDS else self.deaths + 1
            pause = RESTART_SECONDS[min(self.deaths, len(RESTART_SECONDS)) - 1]
            self.start_again_at = now + pause
            log.warning("process ended", name=self.name, status=self.process.returncode, starts_again_in=pause)

    def signal(self, number: int) -> None:
        """Send a signal to the process and to those it started."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):  # all of them ended already
                os.killpg(self.process.pid, number)


def supervise(children: Sequence[Child], stop: threading.Event) -> None:
    """Run the children until `stop` is set, then end them: SIGTERM, and SIGKILL for what is left after ten seconds."""
    try:
        for child in children:
            child.start()
        while not stop.wait(0.2):
            for child in children:
                child.look_after()
    finally:
        for child in children:
            child.signal(signal.SIGTERM)
        last = time.monotonic() + STOP_SECONDS
        for child in children:
            if child.process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.0, last - time.monotonic()))
            child.signal(signal.SIGKILL)
