"""Files that nobody but the site's own account can read."""

import os
from contextlib import suppress
from pathlib import Path

BESIDE = ("", "-wal", "-shm", "-journal")  # what SQLite writes, with the permissions of the database's own file
IN_MEMORY = (":memory:", "file:")


def database_private(name: str) -> None:
    """Make SQLite's file, or take it from everybody but its owner. Where that cannot be done, opening it says why."""
    if name.startswith(IN_MEMORY):
        return
    with suppress(OSError):
        os.close(os.open(name, os.O_RDWR | os.O_CREAT, 0o600))
    for ending in BESIDE:
        file = Path(f"{name}{ending}")
        with suppress(OSError):
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)
