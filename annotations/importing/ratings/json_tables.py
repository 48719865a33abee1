"""JSON as tables: an object a row, what is nested in it called by a dotted path."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import ijson

from annotations.importing.content import ImportFileError, not_json, shown
from annotations.importing.ratings.defects import Defects
from annotations.importing.ratings.tables import Table, has_nul
from annotations.importing.ratings.values import ABSENT, Cell, plain

KEY = "key"  # the column of the keys, where the file is an object of objects
Records = Callable[[], Iterator[tuple[int, dict[str, Any]]]]


def json_lines_table(file: Path) -> Table:
    def records() -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            with file.open(encoding="utf-8-sig") as opened:
                for number, line in enumerate(opened, start=1):
                    if line.strip():
                        record = json.loads(line)
                        if not isinstance(record, dict):
                            raise ImportFileError(file, f"line {number}", f"{shown(record)} must be an object")
                        yield number, record
        except UnicodeDecodeError as error:
            raise ImportFileError(file, "", f"not UTF-8 ({error.reason} at byte {error.start})") from error
        except json.JSONDecodeError as error:
            raise ImportFileError(file, f"line {number}", f"not JSON: {error.msg}, column {error.colno}") from error
        except OSError as error:
            raise ImportFileError(file, "", f"cannot be read ({error.strerror})") from error

    return of_records(file, records, "line", "an object of JSON a line")


def json_table(file: Path) -> Table:
    """A list of objects; an object with one list of them; or an object of objects, or of lists of them, whose keys
    become the column `key`. Raises ImportFileError for anything else."""
    try:
        with file.open("rb") as opened:
            lines = [line for line in islice(opened, 3) if line.strip()]
        if len(lines) > 1 and all(one_object(line) for line in lines[:2]):
            return json_lines_table(file)
        if not lines:
            raise ImportFileError(file, "", "is empty")
        kinds = top_kinds(file)
    except ijson.JSONError as error:
        raise not_json(file, error) from error
    except OSError as error:
        raise ImportFileError(file, "", f"cannot be read ({error.strerror})") from error
    lists = [key for key, kind in kinds.items() if kind == "start_array"]
    if kinds == {"": "start_array"}:
        return of_records(file, streamed(file, "item"), "record", "a list of JSON objects")
    if len(lists) == 1:
        return of_records(file, streamed(file, f"{lists[0]}.item"), "record", f"the list '{lists[0]}' of JSON objects")
    if kinds and set(kinds.values()) <= {"start_map", "start_array"} and "" not in kinds:
        return of_records(file, keyed(file), "record", f"JSON objects by their keys, which are the column '{KEY}'")
    raise ImportFileError(
        file, "", "must be a list of JSON objects, an object with one list of them, or an object of objects"
    )


def one_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def top_kinds(file: Path) -> dict[str, str]:
    """How each value of the outermost object begins, by its key; of a list that it is one, by no key."""
    kinds: dict[str, str] = {}
    depth, key = 0, ""
    with file.open("rb") as opened:
        for event, value in ijson.basic_parse(opened, use_float=True):
            if depth == 0 and event == "start_array":
                return {"": event}
            if depth == 0 and event != "start_map":
                return {"": event}
            if depth == 1 and event == "map_key":
                key = value
            elif depth == 1 and event != "end_map":
                kinds[key] = event
            depth += event in ("start_map", "start_array")
            depth -= event in ("end_map", "end_array")
    return kinds


def streamed(file: Path, prefix: str) -> Records:
    def records() -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            with file.open("rb") as opened:
                for number, record in enumerate(ijson.items(opened, prefix, use_float=True), start=1):
                    if not isinstance(record, dict):
                        raise ImportFileError(file, f"record {number}", f"{shown(record)} must be an object")
                    yield number, record
        except ijson.JSONError as error:
            raise not_json(file, error) from error

    return records


def keyed(file: Path) -> Records:
    def records() -> Iterator[tuple[int, dict[str, Any]]]:
        number = 0
        try:
            with file.open("rb") as opened:
                for key, value in ijson.kvitems(opened, "", use_float=True):
                    for record in value if isinstance(value, list) else [value]:
                        number += 1
                        if not isinstance(record, dict):
                            raise ImportFileError(file, f"'{key}'", f"{shown(record)} must be an object")
                        yield number, {KEY: key, **record}
        except ijson.JSONError as error:
            raise not_json(file, error) from error

    return records


def of_records(file: Path, records: Records, unit: str, how: str) -> Table:
    """The columns are all paths that any record has; what a record lacks is blank."""
    names: dict[str, None] = {}
    try:
        for _, record in records():
            for name, _ in flat(record):
                names.setdefault(name)
    except RecursionError as error:
        raise ImportFileError(file, "", "is nested too deeply to be a table") from error
    columns = tuple(names)

    def rows(defects: Defects) -> Iterator[tuple[int, Sequence[Cell]]]:
        for number, record in records():
            found = dict(flat(record))
            cells = [found.get(name, ABSENT) for name in columns]
            if has_nul(cells):
                defects.add(f"{unit} {number}", "holds a NUL character")
            else:
                yield number, cells

    return Table(file, columns, unit, rows, how, header="its keys", comma=True)


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Cell]]:
    """The cells of an object by dotted paths. A list of plain values is a cell that lists them; a list of objects has a
    cell for each of their paths, which lists the values in order."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        flattened = [dict(flat(each)) for each in value]
        for key in dict.fromkeys(key for each in flattened for key in each):
            cells = [each.get(key, "") for each in flattened]
            yield f"{path}.{key}", tuple(cells)
    elif isinstance(value, list) and not any(isinstance(each, dict | list) for each in value):
        yield path, tuple(plain(each) for each in value)
    else:
        yield path, plain(value)
