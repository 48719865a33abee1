"""Files as they come: in UTF-8, or in what the mark at their start says, with marks inside where parts were joined, and
with endings in capitals."""

import codecs
import json
import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import ijson

from annotations.corpora.readers.content import ImportFileError, shown
from texts.limits import MAX_LINE_LENGTH, MAX_WHOLE_BYTES, BoundedJson, LimitError, lines_within, parse_json

MARK = "\ufeff"
# The mark of UTF-16 begins that of UTF-32, which is looked for first.
ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
BYTES_LOOKED_AT, CHARACTERS_OF_A_START = 1 << 20, 256
SURROGATE = re.compile(rb"\\u[dD]")  # what the escape of one begins with
# Every escape of JSON: a pair of surrogates, half of one (the group), or any other.
ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


def ending(file: Path) -> str:
    """Such as `.csv`, however it is written."""
    return file.suffix.lower()


def unreadable(file: Path, error: OSError) -> ImportFileError:
    return ImportFileError(file, "", f"cannot be read ({error.strerror})")


def encoding_by_mark(file: Path) -> str:
    """Empty where the file begins with no mark."""
    try:
        with file.open("rb") as opened:
            start = opened.read(4)
    except OSError as error:
        raise unreadable(file, error) from error
    return next((name for mark, name in ENCODINGS.items() if start.startswith(mark)), "")


def lines_of(file: Path, encoding: str = "", newline: str | None = None) -> Iterator[str]:
    """The lines as text, in UTF-8 unless the file's mark or `encoding` says otherwise. Raises ImportFileError."""
    encoding = encoding or encoding_by_mark(file) or "utf-8"
    number = 1
    try:
        with file.open(encoding=encoding, newline=newline) as opened:
            for line in lines_within(opened):
                yield line.removeprefix(MARK)
                number += 1
    except UnicodeDecodeError as error:
        raise not_decoded(file, encoding, error) from error
    except LimitError as error:
        raise ImportFileError(file, f"line {number}", str(error)) from error
    except OSError as error:
        raise unreadable(file, error) from error


def first_lines(file: Path, count: int) -> list[str]:
    """The first lines that are not blank, among so many, each cut where a line may be no longer."""
    try:
        with file.open(encoding=encoding_by_mark(file) or "utf-8", errors="replace") as opened:
            lines = islice(iter(lambda: opened.readline(MAX_LINE_LENGTH), ""), count)
            return [line.removeprefix(MARK) for line in lines if line.strip()]
    except OSError as error:
        raise unreadable(file, error) from error


def start_of(file: Path) -> str:
    """The first characters behind white space."""
    try:
        with file.open(encoding=encoding_by_mark(file) or "utf-8", errors="replace") as opened:
            return opened.read(CHARACTERS_OF_A_START).removeprefix(MARK).lstrip()
    except OSError as error:
        raise unreadable(file, error) from error


def text_of(file: Path, largest: int = MAX_WHOLE_BYTES) -> str:
    """The whole text. Raises ImportFileError, for a file of more bytes than `largest` too."""
    check_size(file, largest)
    return "".join(lines_of(file, newline=""))


def check_size(file: Path, largest: int) -> None:
    try:
        size = file.stat().st_size
    except OSError as error:
        raise unreadable(file, error) from error
    if size > largest:
        raise ImportFileError(file, "", f"has {size:,} bytes; the limit is {largest:,}")


def not_decoded(file: Path, encoding: str, error: UnicodeDecodeError) -> ImportFileError:
    """Where a file stops being in an encoding; reads it whole to say so, since a stream tells its own places."""
    name = "UTF-8" if encoding.startswith("utf-8") else encoding
    if file.stat().st_size > MAX_WHOLE_BYTES:
        return ImportFileError(file, "", f"not {name}: {error.object[error.start : error.end]!r}")
    content = file.read_bytes()
    try:
        content.decode(encoding)
    except UnicodeDecodeError as wrong:
        error = wrong
    line = content.count(b"\n", 0, error.start) + 1
    around = content[max(0, error.start - 20) : error.end + 5]
    return ImportFileError(file, f"line {line}", f"not {name}: byte {error.start} in {around!r}")


# ---- JSON


def json_lines(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, object) of each line that is not blank. Raises ImportFileError for what is no object of JSON."""
    for number, line in enumerate(lines_of(file), start=1):
        if not line.strip():
            continue
        try:
            row = parse_json(line)
        except LimitError as error:
            raise ImportFileError(file, f"line {number}", str(error)) from error
        except ValueError as error:
            raise ImportFileError(file, f"line {number}", f"not JSON: {error}") from error
        if not isinstance(row, dict):
            raise ImportFileError(file, f"line {number}", f"{shown(row)} must be an object")
        yield number, row


def json_value(file: Path) -> Any:
    """The whole file. Raises ImportFileError."""
    text = text_of(file)
    try:
        return parse_json(text)
    except json.JSONDecodeError as error:
        near = error.doc[max(0, error.pos - 30) : error.pos + 10]
        place = f"line {error.lineno}, column {error.colno}"
        raise ImportFileError(file, place, f"not JSON: {error.msg} at {near!r}") from error
    except LimitError as error:
        raise beyond_limit(file, error) from error


def json_elements(file: Path, key: str = "") -> Iterator[Any]:
    """The elements of the list under a key of the outermost object, or of the outermost list, one at a time."""
    if not streams(file):
        whole = json_value(file)
        found = whole.get(key) if key and isinstance(whole, dict) else None if key else whole
        yield from found if isinstance(found, list) else ()
        return
    with json_stream(file) as stream:
        yield from ijson.items(stream, f"{key}.item" if key else "item", use_float=True)


def json_members(file: Path) -> Iterator[tuple[str, Any]]:
    """The keys and values of the outermost object, one at a time."""
    if not streams(file):
        whole = json_value(file)
        yield from whole.items() if isinstance(whole, dict) else ()
        return
    with json_stream(file) as stream:
        yield from ijson.kvitems(stream, "", use_float=True)


def json_kinds(file: Path) -> dict[str, type]:
    """What each value of the outermost object is, by its key: `dict`, `list` or `object` for anything else; of what is
    no object that, under no key."""
    if not streams(file):
        whole = json_value(file)
        values = whole if isinstance(whole, dict) else {"": whole}
        return {key: type(each) if isinstance(each, dict | list) else object for key, each in values.items()}
    begins = {"start_map": dict, "start_array": list}
    kinds: dict[str, type] = {}
    depth, key = 0, ""
    with json_stream(file) as stream:
        for event, value in ijson.basic_parse(stream, use_float=True):
            if depth == 0 and event != "start_map":
                return {"": begins.get(event, object)}
            if depth == 1 and event == "map_key":
                key = value
            elif depth == 1 and event != "end_map":
                kinds[key] = begins.get(event, object)
            depth += event in begins
            depth -= event in ("end_map", "end_array")
    return kinds


@contextmanager
def json_stream(file: Path) -> Iterator[BoundedJson]:
    """The file's bytes behind a mark of UTF-8, within the limits. Raises ImportFileError, also for what the parser
    finds in the block."""
    marked = encoding_by_mark(file)
    try:
        with file.open("rb") as stream:
            stream.seek(len(codecs.BOM_UTF8) if marked else 0)
            yield BoundedJson(stream)
    except LimitError as error:
        raise beyond_limit(file, error) from error
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise not_json(file, error) from error
    except OSError as error:
        raise unreadable(file, error) from error


def beyond_limit(file: Path, error: LimitError) -> ImportFileError:
    return ImportFileError(file, "" if error.position is None else f"byte {error.position}", str(error))


def streams(file: Path) -> bool:
    """Whether the streaming parser reads the file right: it knows UTF-8 alone, and makes a question mark of an escape
    that is half a character, which has to be seen to be refused. Any other file is read whole."""
    if encoding_by_mark(file) not in ("", "utf-8-sig"):
        return False
    with file.open("rb") as opened:
        before = b""
        while part := opened.read(BYTES_LOOKED_AT):
            if SURROGATE.search(before + part):
                break
            before = part[-2:]
        else:
            return True
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return not any(escape[1] for escape in ESCAPES.finditer(content))


def not_json(file: Path, error: Exception) -> ImportFileError:
    """Where a file that the streaming parser gave up stops being JSON in UTF-8; reads it whole to say so."""
    if file.stat().st_size <= MAX_WHOLE_BYTES:
        try:
            json_value(file)
        except ImportFileError as wrong:
            return wrong
    return ImportFileError(file, "", f"not JSON: {' '.join(str(error).split())[:120]}")
