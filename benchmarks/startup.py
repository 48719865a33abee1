"""A start of the site: seconds until `/healthz` answers, on an empty `VAR_DIR` and again, with the CPU seconds that all
its processes took until then; what they hold when idle; seconds to stop. And of what `make run` does, until the first
page is there and until a screen of the sample campaign can be rated."""

import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.common import ROOT, print_result, print_table
from tests.site import free_port

PATIENCE = 300
IDLE_SECONDS = 5.0  # of no CPU time worth speaking of, before memory is read
TICKS = os.sysconf("SC_CLK_TCK")


class Start(NamedTuple):
    """Wall and CPU seconds to `/healthz`, MB (PSS) when idle, seconds to stop."""

    wall: float
    cpu: float
    memory: float
    stop: float


class Row(NamedTuple):
    what: str
    measured: float
    allowed: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--short", action="store_true", help="leave out the sample campaign")
    chosen = options.parse_args()
    rows = starts(chosen.rounds)
    if not chosen.short:
        page, rate = first_start()
        rows += [Row("first start to a page, s", page, 10), Row("first start to something to rate, s", rate, 120)]
    print_table([["", "measured", "figure"], *([row.what, row.measured, f"≤ {row.allowed:g}"] for row in rows)])
    print_result(**{row.what: round(row.measured, 3) for row in rows})


def starts(rounds: int = 5) -> list[Row]:
    """Medians over so many rounds; each starts a site on an empty folder, and again."""
    first: list[Start] = []
    again: list[Start] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            first.append(start_and_stop(Path(folder)))
            again.append(start_and_stop(Path(folder)))
    empty, warm = (Start(*map(statistics.median, zip(*each, strict=True))) for each in (first, again))
    return [
        Row("empty VAR_DIR to /healthz, s", empty.wall, 4.0),
        Row("CPU seconds of that", empty.cpu, 4.0),
        Row("again to /healthz, s", warm.wall, 2.5),
        Row("CPU seconds of that, again", warm.cpu, 2.5),
        Row("idle, all processes, MB (PSS)", max(empty.memory, warm.memory), 250.0),
        Row("Ctrl-C to stopped, s", max(empty.stop, warm.stop), 5.0),
    ]


@contextmanager
def site(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str, Path]]:
    """`manage.py up` on that folder: the process, its address and what it prints."""
    port = free_port()
    env = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL")}
    env |= {"VAR_DIR": str(folder), "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    log = folder / "log"
    with log.open("wb") as out:
        command = [sys.executable, "manage.py", "up", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
    try:
        yield process, f"http://127.0.0.1:{port}", log
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def wait(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> float:
    """Seconds until it is ready."""
    start = time.perf_counter()
    while not ready():
        if process.poll() is not None or time.perf_counter() - start > PATIENCE:
            sys.exit(f"manage.py up did not get there:\n{log.read_text()}")
        time.sleep(0.02)
    return time.perf_counter() - start


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def processes_of(pid: int) -> list[int]:
    """The process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += processes_of(int(child))
    return found


def cpu_seconds(pids: list[int]) -> float:
    """What the processes took so far, with their ended children."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(ticks) for each in fields for ticks in each[11:15]) / TICKS


def memory_mb(pids: list[int]) -> float:
    """Proportional set size: what processes share counts once."""
    rows = [row for pid in pids for row in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
    return sum(int(row.split()[1]) for row in rows if row.startswith("Pss:")) / 1000


def wait_idle(pid: int) -> list[int]:
    """The processes, once the worker and the sweeper have come up as well."""
    while True:
        pids = processes_of(pid)
        before = cpu_seconds(pids)
        time.sleep(IDLE_SECONDS)
        if processes_of(pid) == pids and cpu_seconds(pids) - before < 0.1 * IDLE_SECONDS:
            return pids


def start_and_stop(folder: Path) -> Start:
    with site(folder) as (process, address, log):
        wall = wait(process, lambda: answers(f"{address}/healthz"), log)
        cpu = cpu_seconds(processes_of(process.pid))
        memory = memory_mb(wait_idle(process.pid))
        begun = time.perf_counter()
        process.send_signal(signal.SIGINT)
        process.wait(30)
        return Start(wall, cpu, memory, time.perf_counter() - begun)


def first_start() -> tuple[float, float]:
    """Seconds to a first page, and to something to rate."""
    with tempfile.TemporaryDirectory() as folder, site(Path(folder), "--samples") as (process, address, log):
        start = time.perf_counter()
        wait(process, lambda: answers(f"{address}/login/"), log)
        page = time.perf_counter() - start

        def can_rate() -> bool:
            found = re.search(r"Rate +http\S+?(/rate/\S+)", log.read_text())
            return found is not None and answers(address + found[1])

        wait(process, can_rate, log)
        return page, time.perf_counter() - start


if __name__ == "__main__":
    main()
