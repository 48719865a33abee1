"""What a file holds once it is read and checked: albums with what belongs to them, as plain values."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import ZipFile

from annotations.errors import InputError
from texts.limits import FREE_INFLATION, MAX_INFLATION, shown
from texts.storable import text_problem

MAX_ID_LENGTH = 200
MAX_KEY_LENGTH = 500
MAX_URL_LENGTH = 500
FILE_BITS = 40


class ImportFileError(InputError):
    """A file that cannot be imported: which file, which place in it, which key, what value, what would be right."""

    def __init__(self, file: Path, place: str, problem: str) -> None:
        super().__init__("", problem, where=f"{file}: {place}" if place else file)


@dataclass(slots=True)
class StoryContent:
    """A story: `sentences` are (photo, text) in order. With `sequence` its photos in order are a source too; without,
    it is a reference on its own. `places` are where the sentences stand in the files, for `PlaceNames`."""

    external_id: str
    sentences: list[tuple[str, str]]
    author: str = ""
    sequence: bool = False
    places: tuple[int, ...] = ()

    @property
    def sequence_key(self) -> str:
        return "-".join(photo for photo, _ in self.sentences)


@dataclass(slots=True)
class AlbumContent:
    """An album by external ids.

    `photos` gives each photo's (url, image); `captions` are (photo, position, text); `photo_sources` are the photos
    that are sources themselves; `outputs` are (system, photo, indexes of the captions, texts by rank), without indexes
    for a photo that is the source. `places` are where the captions stand in the files, for `PlaceNames`; `repeated`
    counts what stood there twice and is taken once.
    """

    external_id: str
    title: str = ""
    photos: dict[str, tuple[str, str]] = field(default_factory=dict)
    captions: list[tuple[str, int, str]] = field(default_factory=list)
    photo_sources: dict[str, None] = field(default_factory=dict)
    stories: list[StoryContent] = field(default_factory=list)
    outputs: list[tuple[str, str, range | None, list[str]]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    repeated: int = 0

    def rows(self) -> int:
        """How many rows it becomes, about."""
        sentences = sum(len(story.sentences) for story in self.stories)
        return 1 + len(self.photos) + len(self.captions) + len(self.stories) + 2 * sentences + len(self.outputs)


@dataclass(frozen=True)
class PlaceNames:
    """Where in the files a text stands, kept as one number each: half a million are held while files are read."""

    files: Sequence[Path]
    pattern: str = "line {}"

    @staticmethod
    def number(file: int, place: int) -> int:
        return file << FILE_BITS | place

    def of(self, number: int | str | None) -> str:
        """`FILE: PLACE` of a number, or of a place that is named; the files where nothing is known of the place."""
        if number is None:
            return ", ".join(map(str, self.files))
        if isinstance(number, str):
            return f"{self.files[0]}: {number}"
        return f"{self.files[number >> FILE_BITS]}: {self.pattern.format(number & ((1 << FILE_BITS) - 1))}"


def unpacked_too_large(archive: ZipFile) -> str:
    """Why a ZIP file is not unpacked: what is in it is so much larger than the file that it can only be made up. Empty
    where that is not so."""
    files = archive.infolist()
    unpacked, packed = sum(row.file_size for row in files), 0
    if archive.fp:  # its own size: what its directory says of its parts is anybody's
        here = archive.fp.tell()
        packed = archive.fp.seek(0, os.SEEK_END)
        archive.fp.seek(here)
    if unpacked <= MAX_INFLATION * packed + FREE_INFLATION:
        return ""
    return f"its {packed:,} bytes unpack to {unpacked:,}; files may unpack to at most {MAX_INFLATION} times their size"


def check_text(file: Path, place: str, key: str, value: str, longest: int | None = None) -> str:
    """The value, if it can be stored: no NUL, no half of a character, not longer than what holds it."""
    if problem := text_problem(value):
        raise ImportFileError(file, place, f"{key}={shown(value)} {problem}")
    if longest and len(value) > longest:
        raise ImportFileError(file, place, f"{key}={shown(value)} is longer than {longest} characters")
    return value


def fingerprint(files: Sequence[Path], options: Iterable[str]) -> str:
    """SHA-256 of the files' bytes and of how they are read. Raises ImportFileError for a file that cannot be read."""
    whole = hashlib.sha256()
    for file in files:
        if problem := text_problem(str(file)):
            raise ImportFileError(file, "", f"its path {problem}; rename it")
        try:
            with file.open("rb") as opened:
                whole.update(hashlib.file_digest(opened, "sha256").digest())
        except OSError as error:
            raise ImportFileError(file, "", f"cannot be read ({error.strerror})") from error
    for option in options:
        whole.update(option.encode() + b"\0")
    return whole.hexdigest()
