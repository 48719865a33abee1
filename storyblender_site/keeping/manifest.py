"""What a backup says of itself: `manifest.json`, with the SHA-256 of every other file."""

import json
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

from annotations.errors import InputError

MANIFEST, TABLES, FILES = "manifest.json", "tables", "files"
FORMAT = 1


@dataclass(frozen=True)
class Kept:
    """One file of a backup. `rows` are those of a table."""

    sha256: str
    bytes: int
    rows: int | None = None


@dataclass(frozen=True)
class Manifest:
    id: str
    made_at: str  # ISO 8601, when the rows were as they are in it
    version: str  # of Story Blender
    database: str  # sqlite or postgresql
    migrations: list[str]
    key: str  # tells one SECRET_KEY from another, and not which it is
    without_models: bool
    counts: dict[str, int]  # of what a person would count
    lost: list[str]  # checkpoints and reward models that rows name and whose files were not there, or altered
    files: dict[str, Kept] = field(default_factory=dict)  # by place in the backup

    @property
    def size(self) -> int:
        return sum(each.bytes for each in self.files.values())

    def as_json(self) -> bytes:
        return (json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False, indent=1) + "\n").encode()


def manifest_read(folder: Path) -> Manifest:
    """Raises InputError for a folder that is no backup, or one of another format."""
    path = folder / MANIFEST
    try:
        read: dict[str, Any] = json.loads(path.read_bytes())
        if (form := read.pop("format")) != FORMAT:
            raise InputError("", f"has format {form}; this version reads format {FORMAT}", where=path)
        files = {place: Kept(**each) for place, each in read.pop("files").items()}
        manifest = Manifest(**read, files=files)
    except FileNotFoundError as error:
        raise InputError("", f"is not a backup: it has no {MANIFEST}", where=folder) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("", f"is not the manifest of a backup ({error})", where=path) from error
    for place in files:
        if not (folder / place).resolve().is_relative_to(folder.resolve()):
            raise InputError("", f"names '{place}', which is outside the backup", where=path)
    return manifest


def key_mark() -> str:
    return salted_hmac("storyblender.keeping", "key", algorithm="sha256").hexdigest()[:16]


def version() -> str:
    project: str = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]["version"]
    return project
