"""Uploaded files, put where the workers read them: under `VAR_DIR/uploads`, a folder for each run."""

import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

UPLOADS = "uploads"  # under VAR_DIR
MAX_STEM_LENGTH = 200  # bytes of a file's name

Config = Mapping[str, Any]


@contextmanager
def uploaded(given: Mapping[str, UploadedFile | list[UploadedFile]]) -> Iterator[dict[str, list[str]]]:
    """Uploaded files by role as paths in a folder of their own, which goes if the block fails."""
    folder = settings.VAR_DIR / UPLOADS / secrets.token_hex(8)
    folder.mkdir(parents=True)
    try:
        yield {role: keep(files, folder, role) for role, files in given.items()}
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def keep(given: UploadedFile | list[UploadedFile], folder: Path, role: str) -> list[str]:
    """Store uploaded files under their own names, and say where; a name that is taken gets the role before it."""
    uploads = given if isinstance(given, list) else [given]
    paths = []
    for upload in uploads:
        path = folder / stored_name(Path(str(upload.name)))
        while path.exists():
            path = folder / f"{role}-{path.name}"
        with path.open("xb") as out:
            for chunk in upload.chunks():
                out.write(chunk)
        paths.append(str(path))
    return paths


def stored_name(file: Path) -> str:
    """The file's name, its beginning cut to what a folder can hold; the ending stays, which says what it is."""
    suffix = file.suffix if len(file.suffix) <= 10 else ""
    stem = file.name.removesuffix(suffix).encode(errors="replace")[:MAX_STEM_LENGTH].decode(errors="ignore")
    return f"{stem}{suffix}"


def uploads_folder(config: Config) -> set[Path]:
    """The folders under `VAR_DIR/uploads` that hold the run's files."""
    uploads = settings.VAR_DIR / UPLOADS
    folders = {Path(file).parent for files in config["files"].values() for file in files}
    return {folder for folder in folders if folder.parent == uploads}


def uploads_remove(config: Config) -> None:
    for folder in uploads_folder(config):
        shutil.rmtree(folder, ignore_errors=True)


def without_folders(message: str, config: Config) -> str:
    """The message with files called as the person who uploaded them knows them."""
    for folder in uploads_folder(config):
        message = message.replace(f"{folder}/", "")
    return message
