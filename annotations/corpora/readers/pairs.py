"""JSON lines with a source, references and other systems' outputs, in fields of any name.

A field is a dotted path to a string or a list of strings. Without an album field each line is a document of its own;
without a photo field each line is a place of its own, where its source and its references meet.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from annotations.corpora.readers.content import (
    MAX_ID_LENGTH,
    AlbumContent,
    ImportFileError,
    StoryContent,
    check_text,
    shown,
)
from annotations.corpora.readers.files import json_lines
from annotations.corpora.readers.identity import digest, reference_id, row_id, unique
from annotations.errors import InputError
from annotations.names import RULE, check_name, composed, name_problem
from texts.folding import fold
from texts.limits import SHOWN
from texts.storable import is_blank

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
            raise InputError("systems", f"'{one}' must be NAME=FIELD, or '*=FIELD' for each key of an object")
        name = name if name == EVERY_KEY else check_name(name, "systems")
        if name in parsed:
            raise InputError("systems", f"'{one}': '{name}' is given twice")
        parsed[name] = field
    return tuple(parsed.items())


def read_pairs(
    file: Path, fields: PairFields, *, split: str, note: Callable[[str], None] = lambda _: None
) -> list[AlbumContent]:
    """The whole file, checked, as albums. What has no id gets one made of its texts and of the split.

    A line that stands there twice is taken once, and so is a text in a list. Raises ImportFileError at the first
    defect, with file, line, key and value.
    """
    note(f"reading {file.name}")
    rows = PairRows(file)
    source_field = fields.source
    for number, (line, row) in enumerate(json_lines(file)):
        place = f"line {line}"
        if number == 0 and source_field is None and "caption" in row:
            source_field = "caption"
        rows.add(
            place,
            album=identifier(file, place, row, fields.album) if fields.album else None,
            photo=identifier(file, place, row, fields.photo) if fields.photo else None,
            captions=texts(file, place, row, source_field) if source_field else None,
            references=texts(file, place, row, fields.reference),
            outputs=outputs_by_system(file, place, row, fields.systems),
            split=split,
        )
    if not rows.albums:
        raise ImportFileError(file, "", "contains no lines")
    return list(rows.albums.values())


Outputs = dict[str, list[str]]  # texts by rank, by system


@dataclass
class PairRows:
    """The rows of a file on their way into albums."""

    file: Path
    albums: dict[str, AlbumContent] = field(default_factory=dict)
    references: dict[tuple[str, str], set[str]] = field(default_factory=dict)  # texts by album and photo
    outputs_of_photos: set[tuple[str, str, str]] = field(default_factory=set)
    lines: set[str] = field(default_factory=set)  # digests
    captions: dict[str, list[tuple[range, Outputs]]] = field(default_factory=dict)  # by a digest of photo and texts

    def add(
        self,
        place: str,
        *,
        album: str | None,
        photo: str | None,
        captions: list[str] | None,
        references: list[str],
        outputs: Outputs,
        split: str,
    ) -> None:
        made_up = row_id(split, photo or "", captions or (), references)
        line = digest(album or "", photo or "", made_up, *(t for name in outputs for t in (name, *outputs[name])))
        content = self.album_of(album or made_up)
        if line in self.lines:
            content.repeated += 1
            return
        self.lines.add(line)
        if album is None or photo is None:
            made_up, content = self.apart(made_up, album, content)
        photo = photo or made_up
        content.photos.setdefault(photo, ("", ""))
        number = int(place.removeprefix("line "))
        chosen = None if captions is None else self.add_captions(content, photo, captions, outputs, number)
        if captions is None:
            content.photo_sources.setdefault(photo)
        self.add_references(content, photo, references, number)
        for system, written in outputs.items():
            if chosen is None and (system, content.external_id, photo) in self.outputs_of_photos:
                problem = f"system '{system}' already has outputs for photo {shown(photo)}"
                raise ImportFileError(self.file, place, problem)
            self.outputs_of_photos.add((system, content.external_id, photo))
            content.outputs.append((system, photo, chosen, written))

    def album_of(self, external_id: str) -> AlbumContent:
        return self.albums.setdefault(external_id, AlbumContent(external_id))

    def apart(self, made_up: str, album: str | None, content: AlbumContent) -> tuple[str, AlbumContent]:
        """An id of its own for a row whose texts stand in the file already, with other outputs."""
        count, free = 1, made_up
        while free in content.photos if album else self.albums[free].photos:
            count += 1
            free = f"{made_up}-{count}"
            self.album_of(album or free)
        return free, self.album_of(album or free)

    def add_captions(
        self, content: AlbumContent, photo: str, captions: list[str], outputs: Outputs, line: int
    ) -> range:
        """The places of the row's captions among the album's: those of an earlier row with the same captions of the
        photo, unless a system wrote something else for them there."""
        captions_once = unique(captions)
        content.repeated += len(captions) - len(captions_once)
        key = digest(content.external_id, photo, *captions_once)
        for places, written in self.captions.get(key, ()):
            if all(written.get(system, texts) == texts for system, texts in outputs.items()):
                for system in written.keys() & outputs.keys():
                    del outputs[system]
                written |= outputs
                return places
        first = len(content.captions)
        content.captions.extend((photo, 0, caption) for caption in captions_once)
        content.places.extend([line] * len(captions_once))
        places = range(first, len(content.captions))
        self.captions.setdefault(key, []).append((places, dict(outputs)))
        return places

    def add_references(self, content: AlbumContent, photo: str, references: list[str], line: int) -> None:
        """Lines of one photo may each repeat its references: one of an earlier line counts once."""
        once = unique(references)
        content.repeated += len(references) - len(once)
        known = self.references.setdefault((content.external_id, photo), set())
        new = [text for text in once if fold(text) not in known]
        known.update(map(fold, new))
        content.stories.extend(StoryContent(reference_id(photo, text), [(photo, text)], places=(line,)) for text in new)


def outputs_by_system(file: Path, place: str, row: dict[str, Any], systems: Sequence[tuple[str, str]]) -> Outputs:
    outputs: Outputs = {}
    for system, written in outputs_of(file, place, row, systems):
        if problem := name_problem(system):
            raise ImportFileError(file, place, f"system {shown(system)} {problem}; {RULE}")
        if system in outputs:
            raise ImportFileError(file, place, f"system '{system}' appears twice")
        outputs[system] = written
    return outputs


def outputs_of(
    file: Path, place: str, row: dict[str, Any], systems: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, list[str]]]:
    for name, path in systems:
        if name != EVERY_KEY:
            yield name, texts(file, place, row, path, empty_allowed=True)
            continue
        named = look_up(file, place, row, path)
        if not isinstance(named, dict):
            raise ImportFileError(file, place, f"{path}={shown(named)} must be an object with system names as keys")
        for key in named:
            yield composed(key), texts(file, place, named, key, empty_allowed=True, whole_key=True)


def look_up(file: Path, place: str, row: dict[str, Any], field: str) -> Any:
    """The value at a dotted path."""
    value: Any = row
    for key in field.split("."):
        if not isinstance(value, dict) or key not in value:
            there = listed(value) if isinstance(value, dict) else shown(value)
            raise ImportFileError(file, place, f"the key '{field}' is missing; available: {there}")
        value = value[key]
    return value


def listed(keys: Iterable[str]) -> str:
    """The first keys of an object, which may have any number of any length."""
    return ", ".join(key[:SHOWN] for key in islice(keys, 20))


def texts(
    file: Path, place: str, row: dict[str, Any], field: str, *, empty_allowed: bool = False, whole_key: bool = False
) -> list[str]:
    """The string, or the strings of the list, in a field."""
    value = row[field] if whole_key else look_up(file, place, row, field)
    found = value if isinstance(value, list) else [value]
    for one in found or [None]:
        if not isinstance(one, str) or (is_blank(one) and not empty_allowed):
            raise ImportFileError(file, place, f"{field}={shown(value)} must be a non-empty text or a list of them")
    return [check_text(file, place, field, one).strip() for one in found]


def identifier(file: Path, place: str, row: dict[str, Any], field: str) -> str:
    value = look_up(file, place, row, field)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or is_blank(value) or len(value) > MAX_ID_LENGTH:
        raise ImportFileError(file, place, f"{field}={shown(value)} must be an id of up to {MAX_ID_LENGTH} characters")
    return check_text(file, place, field, value)
