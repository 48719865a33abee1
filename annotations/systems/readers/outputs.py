"""Outputs of a system: JSON lines, CSV, or a submission in the format of the VIST challenge."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotations.corpora.readers.content import MAX_ID_LENGTH, ImportFileError, check_text, shown
from annotations.corpora.readers.files import encoding_by_mark, ending, json_elements, json_lines
from annotations.corpora.readers.tables.defects import Defects
from annotations.corpora.readers.tables.reading import delimited
from annotations.corpora.readers.vist import text

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
    readers = {".jsonl": from_json_lines, ".csv": from_table, ".tsv": from_table, ".json": from_challenge}
    form = ending(file)
    if form not in readers:
        raise ImportFileError(file, "", f"its name must end with {', '.join(readers)} (VIST challenge: .json)")
    found: list[OutputContent] = []
    seen: dict[tuple[str | None, str, int], str] = {}
    next_rank: Counter[tuple[str | None, str]] = Counter()
    for place, key, album, rank, written in readers[form](file):
        if rank is None:
            rank = next_rank[album, key]
        next_rank[album, key] = rank + 1
        if (album, key, rank) in seen:
            first = seen[album, key, rank]
            raise ImportFileError(file, place, f"id={shown(key)} with rank {rank} is already at {first}")
        seen[album, key, rank] = place
        found.append(OutputContent(place, key, album, rank, written, optional=form == ".json"))
    if not found:
        raise ImportFileError(file, "", "contains no outputs")
    return found


Row = tuple[str, str, str | None, int | None, str]


def checked(file: Path, place: str, row: dict[str, Any]) -> Row:
    if unknown := set(row) - {*COLUMNS, "logprob"}:
        raise ImportFileError(file, place, f"unknown key {sorted(unknown)[0]!r}; valid keys: {', '.join(COLUMNS)}")
    written = row.get("text")
    if not isinstance(written, str):
        raise ImportFileError(file, place, f"text={shown(written)} must be a string")
    check_text(file, place, "text", written)
    album = check_text(file, place, "album", str(row.get("album") or ""), MAX_ID_LENGTH) or None
    if isinstance(row.get("id"), int):
        row = {**row, "id": str(row["id"])}
    return place, text(file, place, row, "id"), album, rank_of(file, place, row.get("rank")), written


def rank_of(file: Path, place: str, value: Any) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 32768:
        raise ImportFileError(file, place, f"rank={shown(value)} must be a whole number of at least 0")
    return value


def from_json_lines(file: Path) -> Iterator[Row]:
    for line, row in json_lines(file):
        yield checked(file, f"line {line}", row)


def from_table(file: Path) -> Iterator[Row]:
    """Cells between commas, semicolons or tabs, below a header. An encoding is not guessed: texts would be spoilt."""
    table = delimited(file, encoding_by_mark(file) or "utf-8", headed=True)
    if twice := sorted(name for name, count in Counter(table.names).items() if count > 1):
        raise ImportFileError(file, table.header, f"the column {shown(twice[0])} appears twice")
    for line, cells in table.rows(Defects(file)):
        yield checked(file, f"line {line}", dict(zip(table.names, cells, strict=True)))


def from_challenge(file: Path) -> Iterator[Row]:
    """`output_stories` of `album_id`, `photo_sequence` and `story_text_normalized`."""
    for number, row in enumerate(json_elements(file, "output_stories")):
        place = f"output_stories[{number}]"
        album = text(file, place, row, "album_id")
        photos, story = row.get("photo_sequence"), row.get("story_text_normalized")
        if not isinstance(photos, list) or not photos or not all(isinstance(one, str) for one in photos):
            raise ImportFileError(file, place, f"photo_sequence={shown(photos)} must be a list of photo ids")
        if not isinstance(story, str):
            raise ImportFileError(file, place, f"story_text_normalized={shown(story)} must be a string")
        key = check_text(file, place, "photo_sequence", "-".join(photos))
        yield place, key, album, None, check_text(file, place, "story_text_normalized", story).strip()
