"""Keeps a few processes running: starts them, starts again what dies, and stops them all together.

It lives as long as the site does, so it is a small process of its own that loads the standard library alone. Whoever
has prepared everything turns into it by `become_supervisor`, and stays the same process to whoever started that.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NoReturn

STOP_SECONDS = 10.0
RESTART_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)  # the pause grows while a process keeps dying
STEADY_SECONDS = 30.0  # alive that long, it counts as well again


@dataclass(frozen=True)
class Command:
    """What a supervised process runs."""

    name: str
    command: Sequence[str]
    once: bool = False  # ends by itself, and is not started again
    after: float = 0.0  # seconds in which those before it have the processors to themselves


@dataclass
class Child:
    """One supervised process, in a session of its own so that a terminal's Ctrl-C reaches only the supervisor."""

    of: Command
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float | None = None
    deaths: int = 0

    def start(self) -> None:
        self.started_at, self.start_at = time.monotonic(), None
        self.process = subprocess.Popen(list(self.of.command), start_new_session=True, stdin=subprocess.DEVNULL)

    def look_after(self) -> None:
        """Start the process when it is time: again where it died, after a pause that grows while it keeps dying."""
        now = time.monotonic()
        if self.start_at is not None:
            if now >= self.start_at:
                self.start()
        elif self.process and self.process.poll() is not None and not self.of.once:
            self.deaths = 1 if now - self.started_at > STEADY_SECONDS else self.deaths + 1
            pause = RESTART_SECONDS[min(self.deaths, len(RESTART_SECONDS)) - 1]
            self.start_at = now + pause
            status = self.process.returncode
            print(f"{self.of.name} ended with status {status}; restarting in {pause} s", file=sys.stderr, flush=True)

    def signal(self, number: int) -> None:
        """Send a signal to the process and to those it started."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):  # all of them ended already
                os.killpg(self.process.pid, number)


def supervise(commands: Sequence[Command], stop: threading.Event) -> None:
    """Run the commands until `stop` is set, then end them: SIGTERM, and SIGKILL for what is left after ten seconds."""
    begun = time.monotonic()
    children = [Child(command, start_at=begun + command.after) for command in commands]
    try:
        while True:
            for child in children:
                child.look_after()
            if stop.wait(0.2):
                return
    finally:
        for child in children:
            child.signal(signal.SIGTERM)
        last = time.monotonic() + STOP_SECONDS
        for child in children:
            if child.process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.0, last - time.monotonic()))
            child.signal(signal.SIGKILL)


def become_supervisor(commands: Sequence[Command]) -> NoReturn:
    """Replace this process, and all that it has loaded, by one that supervises the commands."""
    sys.stdout.flush()
    sys.stderr.flush()
    given = json.dumps([asdict(command) for command in commands])
    os.execv(sys.executable, [sys.executable, "-I", "-S", __file__, given])


def main() -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    supervise([Command(**command) for command in json.loads(sys.argv[1])], stop)
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
