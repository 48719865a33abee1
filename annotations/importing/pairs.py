"""JSON lines with a source, references and other systems' outputs, in fields of any name.

A field is a dotted path to a string or a list of strings. Without an album field each line is a document of its own;
without a photo field each line is a place of its own, where its source and its references meet.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotations.errors import InputError
from annotations.importing.content import LONGEST_ID, AlbumContent, ImportFileError, StoryContent, check_text, shown
from annotations.importing.files import json_lines
from annotations.names import RULE, check_name, composed, name_problem
from annotations.texts import is_blank

EVERY_KEY = "*"


@dataclass(frozen=True)
class PairFields:
    """Where the parts of a line are. `source` None: `caption` where the first line has it, else the photo itself.

    `systems` are (name, field); the name `*` makes each key of the object in the field a system.
    """

    source: str | None = None
    reference: str = "story"
    album: str | None = None
    photo: str | None = None
    systems: tuple[tuple[str, str], ...] = ()

    def options(self) -> list[str]:
        """All of it, for a fingerprint."""
        parts = [self.source or "", self.reference, self.album or "", self.photo or ""]
        return parts + [f"{name}={field}" for name, field in self.systems]


def parse_systems(given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """`NAME=FIELD` as typed on a command line."""
    parsed: dict[str, str] = {}
    for one in given:
        name, equals, field = one.partition("=")
        if not (name and equals and field):
            raise InputError(f"--system {one}: must be NAME=FIELD, or '*=FIELD' for each key of an object")
        name = name if name == EVERY_KEY else check_name(name, "--system")
        if name in parsed:
            raise InputError(f"--system {one}: '{name}' is given twice")
        parsed[name] = field
    return tuple(parsed.items())


def read_pairs(
    file: Path, fields: PairFields, *, unique_prefix: str, note: Callable[[str], None] = lambda _: None
) -> list[AlbumContent]:
    """The whole file, checked, as albums. `unique_prefix` keeps the made-up ids of different files apart.

    Raises ImportFileError at the first defect, with file, line, key and value.
    """
    note(f"reading {file.name}")
    albums: dict[str, AlbumContent] = {}
    outputs_of_photos: set[tuple[str, str, str]] = set()
    references_of_photos: dict[tuple[str, str], set[str]] = {}
    source_field = fields.source
    for number, (line, row) in enumerate(json_lines(file)):
        place = f"line {line}"
        if number == 0 and source_field is None and "caption" in row:
            source_field = "caption"
        made_up = f"{unique_prefix}-{line}"
        album_id = identifier(file, place, row, fields.album) if fields.album else made_up
        photo = identifier(file, place, row, fields.photo) if fields.photo else made_up
        album = albums.setdefault(album_id, AlbumContent(album_id))
        album.photos.setdefault(photo, ("", ""))
        captions = None
        if source_field:
            first = len(album.captions)
            album.captions.extend((photo, 0, caption) for caption in texts(file, place, row, source_field))
            captions = range(first, len(album.captions))
        else:
            album.photo_sources.setdefault(photo)
        # Lines of one photo may each repeat its references: a reference of an earlier line counts once.
        known = references_of_photos.setdefault((album_id, photo), set())
        references = [text for text in texts(file, place, row, fields.reference) if text not in known]
        known.update(references)
        album.stories.extend(StoryContent(f"{made_up}-{n}", [(photo, text)]) for n, text in enumerate(references))
        named: set[str] = set()
        for system, outputs in outputs_of(file, place, row, fields.systems):
            if problem := name_problem(system):
                raise ImportFileError(file, place, f"system {shown(system)} {problem}; {RULE}")
            if system in named:
                raise ImportFileError(file, place, f"system '{system}' stands there twice")
            named.add(system)
            if captions is None and (system, album_id, photo) in outputs_of_photos:
                raise ImportFileError(file, place, f"system '{system}' has outputs for photo {shown(photo)} already")
            outputs_of_photos.add((system, album_id, photo))
            album.outputs.append((system, photo, captions, outputs))
    if not albums:
        raise ImportFileError(file, "", "holds no lines")
    return list(albums.values())


def outputs_of(
    file: Path, place: str, row: dict[str, Any], systems: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, list[str]]]:
    for name, field in systems:
        if name != EVERY_KEY:
            yield name, texts(file, place, row, field, empty_allowed=True)
            continue
        named = look_up(file, place, row, field)
        if not isinstance(named, dict):
            raise ImportFileError(file, place, f"{field}={shown(named)} must be an object whose keys are systems")
        for key in named:
            yield composed(key), texts(file, place, named, key, empty_allowed=True, whole_key=True)


def look_up(file: Path, place: str, row: dict[str, Any], field: str) -> Any:
    """The value at a dotted path."""
    value: Any = row
    for key in field.split("."):
        if not isinstance(value, dict) or key not in value:
            there = ", ".join(value) if isinstance(value, dict) else shown(value)
            raise ImportFileError(file, place, f"the key '{field}' is missing; there is: {there}")
        value = value[key]
    return value


def texts(
    file: Path, place: str, row: dict[str, Any], field: str, *, empty_allowed: bool = False, whole_key: bool = False
) -> list[str]:
    """The string, or the strings of the list, in a field."""
    value = row[field] if whole_key else look_up(file, place, row, field)
    found = value if isinstance(value, list) else [value]
    for one in found or [None]:
        if not isinstance(one, str) or (is_blank(one) and not empty_allowed):
            raise ImportFileError(file, place, f"{field}={shown(value)} must be a text, or a list of texts, not empty")
    return [check_text(file, place, field, one).strip() for one in found]


def identifier(file: Path, place: str, row: dict[str, Any], field: str) -> str:
    value = look_up(file, place, row, field)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or is_blank(value) or len(value) > LONGEST_ID:
        raise ImportFileError(file, place, f"{field}={shown(value)} must be an id of up to {LONGEST_ID} characters")
    return check_text(file, place, field, value)
