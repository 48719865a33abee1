"""Loaded before the settings are: tests keep their files in a folder of their own, removed at the end.

Each of several processes of pytest has a Redis database of its own, counted down from the given one.
Torch and what stands below it have one thread: with two on a busy machine they wait for each other, many times as long.
"""

import os
import tempfile

_folder = tempfile.TemporaryDirectory(prefix="storyblender-test-")
os.environ["VAR_DIR"] = _folder.name
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("JOINS_PER_ADDRESS", "0")  # all raters of a test have the same one
os.environ.setdefault("WORKER_NICENESS", "0")  # a test that waits for a worker is not to wait for the other tests too

_process = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if _process and "REDIS_URL" in os.environ:
    _server, _, _database = os.environ["REDIS_URL"].rpartition("/")
    os.environ["REDIS_URL"] = f"{_server}/{int(_database) - int(_process)}"
