"""Outputs of a system: JSON lines, CSV, or a submission in the format of the VIST challenge."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ijson

from annotations.importing.content import ImportFileError, not_json, shown
from annotations.importing.pairs import json_lines
from annotations.importing.vist import text

COLUMNS = ("id", "text", "rank", "album")


@dataclass(frozen=True, slots=True)
class OutputContent:
    """A text for the source with that key; `album` (external id) where it is needed to tell sources apart.

    A challenge submission covers a whole test set: of it, what the dataset does not hold is `optional`.
    """

    place: str
    key: str
    album: str | None
    rank: int
    text: str
    optional: bool = False


def read_outputs(file: Path) -> list[OutputContent]:
    """The whole file, checked. A text without a rank gets the next one of its source.

    Raises ImportFileError at the first defect, with file, place, key and value.
    """
    readers = {".jsonl": from_json_lines, ".csv": from_csv, ".json": from_challenge}
    if file.suffix not in readers:
        raise ImportFileError(file, "", f"its name must end with {', '.join(readers)} (VIST challenge: .json)")
    found: list[OutputContent] = []
    seen: dict[tuple[str | None, str, int], str] = {}
    next_rank: Counter[tuple[str | None, str]] = Counter()
    for place, key, album, rank, written in readers[file.suffix](file):
        if rank is None:
            rank = next_rank[album, key]
        next_rank[album, key] = rank + 1
        if (album, key, rank) in seen:
            first = seen[album, key, rank]
            raise ImportFileError(file, place, f"id={shown(key)} with rank {rank} stands at {first} already")
        seen[album, key, rank] = place
        found.append(OutputContent(place, key, album, rank, written, optional=file.suffix == ".json"))
    if not found:
        raise ImportFileError(file, "", "holds no outputs")
    return found


Row = tuple[str, str, str | None, int | None, str]


def checked(file: Path, place: str, row: dict[str, Any]) -> Row:
    if unknown := set(row) - {*COLUMNS, "logprob"}:
        raise ImportFileError(file, place, f"unknown key {sorted(unknown)[0]!r}; there may be: {', '.join(COLUMNS)}")
    written = row.get("text")
    if not isinstance(written, str) or "\0" in written:
        raise ImportFileError(file, place, f"text={shown(written)} must be a string")
    album = row.get("album") or None
    if isinstance(row.get("id"), int):
        row = {**row, "id": str(row["id"])}
    return place, text(file, place, row, "id"), album and str(album), rank_of(file, place, row.get("rank")), written


def rank_of(file: Path, place: str, value: Any) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 32768:
        raise ImportFileError(file, place, f"rank={shown(value)} must be a whole number from 0")
    return value


def from_json_lines(file: Path) -> Iterator[Row]:
    for place, row in json_lines(file):
        yield checked(file, place, row)


def from_csv(file: Path) -> Iterator[Row]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            for row in reader:
                if None in row or None in row.values():
                    raise ImportFileError(file, f"line {reader.line_num}", "has not as many cells as the header")
                yield checked(file, f"line {reader.line_num}", row)
    except UnicodeDecodeError as error:
        raise ImportFileError(file, "", f"not UTF-8: {error.reason} at byte {error.start}") from error
    except (OSError, csv.Error) as error:
        raise ImportFileError(file, "", f"cannot be read ({error})") from error


def from_challenge(file: Path) -> Iterator[Row]:
    """`output_stories` of `album_id`, `photo_sequence` and `story_text_normalized`."""
    try:
        with file.open("rb") as stream:
            for number, row in enumerate(ijson.items(stream, "output_stories.item")):
                place = f"output_stories[{number}]"
                album = text(file, place, row, "album_id")
                photos, story = row.get("photo_sequence"), row.get("story_text_normalized")
                if not isinstance(photos, list) or not photos or not all(isinstance(one, str) for one in photos):
                    raise ImportFileError(file, place, f"photo_sequence={shown(photos)} must be a list of photo ids")
                if not isinstance(story, str):
                    raise ImportFileError(file, place, f"story_text_normalized={shown(story)} must be a string")
                yield place, "-".join(photos), album, None, story.strip()
    except ijson.JSONError as error:
        raise not_json(file, error) from error
    except OSError as error:
        raise ImportFileError(file, "", f"cannot be read ({error.strerror})") from error
