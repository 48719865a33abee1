"""Cold start on an empty `VAR_DIR`: seconds until `/healthz` answers, and to stop again; and of what `make run` does,
until the first page is there and until a screen of the sample campaign can be rated."""

import argparse
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.common import ROOT, print_result, print_table

PATIENCE = 300


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    times = [start_and_stop() for _ in range(options.parse_args().rounds)]
    up, down = (statistics.median(part) for part in zip(*times, strict=True))
    page, rate = first_start()
    rows = [
        ["", "seconds", "figure"],
        ["up to /healthz", up, "≤ 6"],
        ["Ctrl-C to stopped", down, ""],
        ["first start to a page", page, "≤ 10"],
        ["first start to something to rate", rate, "≤ 120"],
    ]
    print_table(rows)
    print_result(up_s=up, stop_s=down, first_page_s=page, first_rating_s=rate)


@contextmanager
def site(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str, Path]]:
    """`manage.py up` on an empty folder: the process, its address and what it prints."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        env = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL")}
        env |= {"VAR_DIR": folder, "PORT": str(port), "PYTHONUNBUFFERED": "1"}
        log = Path(folder) / "log"
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


def start_and_stop() -> tuple[float, float]:
    with site() as (process, address, log):
        up = wait(process, lambda: answers(f"{address}/healthz"), log)
        time.sleep(3)  # let the worker and the sweeper come up as well
        stop = time.perf_counter()
        process.send_signal(signal.SIGINT)
        process.wait(30)
        return up, time.perf_counter() - stop


def first_start() -> tuple[float, float]:
    with site("--samples") as (process, address, log):
        start = time.perf_counter()
        wait(process, lambda: answers(f"{address}/admin/login/"), log)
        page = time.perf_counter() - start

        def can_rate() -> bool:
            found = re.search(r"Rate +http\S+?(/rate/\S+)", log.read_text())
            return found is not None and answers(address + found[1])

        wait(process, can_rate, log)
        return page, time.perf_counter() - start


if __name__ == "__main__":
    main()
