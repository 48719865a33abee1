"""Loaded before the settings are: tests keep their files in a folder of their own, removed at the end.

Torch and what stands below it have one thread: with two on a busy machine they wait for each other, many times as long.
"""

import os
import tempfile

_folder = tempfile.TemporaryDirectory(prefix="storyblender-test-")
os.environ["VAR_DIR"] = _folder.name
os.environ.setdefault("OMP_NUM_THREADS", "1")
