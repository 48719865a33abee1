"""Cold start of `manage.py up` on an empty `VAR_DIR`: seconds until `/healthz` answers, and to stop again."""

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from benchmarks.common import ROOT, print_result, print_table


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    times = [start_and_stop() for _ in range(options.parse_args().rounds)]
    up, down = (statistics.median(part) for part in zip(*times, strict=True))
    print_table([["", "seconds", "figure"], ["up to /healthz", up, "≤ 6"], ["Ctrl-C to stopped", down, ""]])
    print_result(up_s=up, stop_s=down)


def start_and_stop() -> tuple[float, float]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        env = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL")}
        env |= {"VAR_DIR": folder, "PORT": str(port)}
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, "manage.py", "up"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
        while not healthy(port):
            if process.poll() is not None or time.perf_counter() - start > 60:
                sys.exit("manage.py up did not come up")
            time.sleep(0.02)
        up = time.perf_counter() - start
        time.sleep(3)  # let the worker and the sweeper come up as well
        start = time.perf_counter()
        process.send_signal(signal.SIGINT)
        if process.wait(30):
            sys.exit(f"manage.py up ended with status {process.returncode}")
        return up, time.perf_counter() - start


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    main()
