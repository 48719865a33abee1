"""Loaded before the settings are: tests keep their files in a folder of their own, removed at the end."""

import os
import tempfile

_folder = tempfile.TemporaryDirectory(prefix="storyblender-test-")
os.environ["VAR_DIR"] = _folder.name
