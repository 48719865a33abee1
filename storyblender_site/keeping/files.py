"""The files under `VAR_DIR`: which are kept, and copies of them that are whole although a training writes meanwhile."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from annotations.errors import ConflictError, InputError
from storyblender_site.files import BESIDE

# What is made again by itself, or is of this moment or this host alone. The rows are kept in a form of their own.
BACKUPS = "backups"  # the one place under `VAR_DIR` for them: where a volume is all there is
LEFT_OUT = ("*.sqlite3*", "broker", "cache", "static", "address", "*.pid", "*.log", BACKUPS)
STAGING = "restoring"  # of a restore under way
UNFINISHED = (".*", "lock")  # what is being written has a hidden name
MODELS = "models"
TRIES = 50  # to copy a folder in which something is being replaced
BLOCK = 1 << 20


def check_place(backup: Path) -> None:
    """Raises InputError for a backup that would be part of what is backed up, or replaced by what is restored."""
    root = settings.VAR_DIR.resolve()
    if backup.resolve().is_relative_to(root) and not backup.resolve().is_relative_to(root / BACKUPS):
        raise InputError(
            "",
            f"is under VAR_DIR, which is being backed up; under it, backups may only be in {root / BACKUPS}",
            where=backup,
        )


def kept_entries(root: Path, *, models: bool = True) -> list[Path]:
    """What is kept, right under `root`."""
    database = {f"{settings.DATABASES['default']['NAME']}{ending}" for ending in BESIDE}
    patterns = (*LEFT_OUT, STAGING, *UNFINISHED, *(() if models else (MODELS,)))
    return sorted(
        path
        for path in root.iterdir()
        if not any(fnmatch(path.name, pattern) for pattern in patterns)
        and str(path) not in database
        and (path.is_dir() or path.is_file())
    )


def size_below(path: Path) -> int:
    """Bytes of the files that are there at the moment, more or less: some come and go meanwhile."""
    size = path.stat().st_size if path.is_file() else 0
    for folder, _, names in os.walk(path, followlinks=False):
        for name in names:
            with suppress(FileNotFoundError):
                size += os.stat(os.path.join(folder, name)).st_size
    return size


def units(entry: Path) -> Iterator[Path]:
    """The parts of an entry that are copied as they are at one moment: each run's folder, else the whole."""
    if entry.name == "runs":
        yield from sorted(path for path in entry.iterdir() if path.is_dir())
    else:
        yield entry


def files_below(path: Path) -> dict[Path, int]:
    """The files of a folder, those of linked folders too, and their inodes. Raises FileNotFoundError where it changes
    meanwhile."""
    if path.is_file():
        return {path: path.stat().st_ino}
    found: dict[Path, int] = {}
    seen = {path.resolve()}

    def look(folder: Path) -> None:
        for each in sorted(folder.iterdir()):
            if any(fnmatch(each.name, pattern) for pattern in UNFINISHED):
                continue
            if each.is_dir():
                if each.resolve() not in seen:
                    seen.add(each.resolve())
                    look(each)
            elif each.is_file() or not each.is_symlink():  # a link that leads nowhere is no file
                found[each] = each.stat().st_ino

    look(path)
    return found


def unit_copy(unit: Path, root: Path, target: Path, copied: Callable[[int], None]) -> dict[str, tuple[str, int]]:
    """Copy a file or folder of `root` to the same place under `target`: {place: (SHA-256, bytes)}.

    A checkpoint appears and goes by a rename: where one did while it was copied, the copy begins again. Raises
    ConflictError where the folder never stays the same.
    """
    for _ in range(TRIES):
        try:
            before = files_below(unit)
            places = {
                str(path.relative_to(root)): file_copy(path, target / path.relative_to(root), copied) for path in before
            }
            if files_below(unit) == before:
                return places
        except FileNotFoundError:
            if not unit.exists():  # removed as a whole: its rows went before, or go in a backup that says so
                shutil.rmtree(target / unit.relative_to(root), ignore_errors=True)
                return {}
        shutil.rmtree(target / unit.relative_to(root), ignore_errors=True)
    raise ConflictError("", "its files change faster than they can be copied", "try again", where=unit)


def file_copy(source: Path, target: Path, copied: Callable[[int], None]) -> tuple[str, int]:
    """Copy what a file holds, readable by its owner alone: (SHA-256, bytes)."""
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as read, private_file(target) as written:
        while block := read.read(BLOCK):
            digest.update(block)
            written.write(block)
            size += len(block)
            copied(len(block))
    return digest.hexdigest(), size


def private_file(path: Path) -> BinaryIO:
    """A new file to write bytes into, which its owner alone may read, in folders that are theirs alone."""
    make_private(path.parent)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def make_private(folder: Path) -> None:
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def file_digest(path: Path, read: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            read(len(block))
    return digest.hexdigest()
