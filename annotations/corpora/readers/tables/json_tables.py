"""JSON as tables: an object per row, what is nested in it called by a dotted path."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from annotations.corpora.readers.content import ImportFileError, shown
from annotations.corpora.readers.files import first_lines, json_elements, json_kinds, json_lines, json_members
from annotations.corpora.readers.tables.defects import Defects
from annotations.corpora.readers.tables.table import Table, cells_problem
from annotations.corpora.readers.tables.values import ABSENT, Cell, plain
from texts.limits import MAX_CELLS, MAX_KEYS, LimitError, parse_json

KEY = "key"  # the column of the keys, where the file is an object of objects
Records = Callable[[], Iterator[tuple[int, dict[str, Any]]]]


def json_lines_table(file: Path) -> Table:
    return of_records(file, lambda: json_lines(file), "line", "one JSON object per line")


def json_table(file: Path) -> Table:
    """A list of objects; an object with one list of them; or an object of objects, or of lists of them, whose keys
    become the column `key`. Raises ImportFileError for anything else."""
    lines = first_lines(file, 3)
    if len(lines) > 1 and all(one_object(line) for line in lines[:2]):
        return json_lines_table(file)
    if not lines:
        raise ImportFileError(file, "", "is empty")
    kinds = json_kinds(file)
    lists = [key for key, kind in kinds.items() if kind is list]
    if kinds == {"": list}:
        return of_records(file, streamed(file), "record", "a list of JSON objects")
    if len(lists) == 1:
        return of_records(file, streamed(file, lists[0]), "record", f"the list '{lists[0]}' of JSON objects")
    if kinds and set(kinds.values()) <= {dict, list} and "" not in kinds:
        return of_records(file, keyed(file), "record", f"JSON objects by their keys, which become the column '{KEY}'")
    raise ImportFileError(
        file, "", "must be a list of JSON objects, an object with one list of them, or an object of objects"
    )


def one_object(line: str) -> bool:
    try:
        return isinstance(parse_json(line), dict)
    except ValueError:
        return False


def streamed(file: Path, key: str = "") -> Records:
    def records() -> Iterator[tuple[int, dict[str, Any]]]:
        for number, record in enumerate(json_elements(file, key), start=1):
            if not isinstance(record, dict):
                raise ImportFileError(file, f"record {number}", f"{shown(record)} must be an object")
            yield number, record

    return records


def keyed(file: Path) -> Records:
    def records() -> Iterator[tuple[int, dict[str, Any]]]:
        number = 0
        for key, value in json_members(file):
            for record in value if isinstance(value, list) else [value]:
                number += 1
                if not isinstance(record, dict):
                    raise ImportFileError(file, f"'{key}'", f"{shown(record)} must be an object")
                yield number, {KEY: key, **record}

    return records


def of_records(file: Path, records: Records, unit: str, how: str) -> Table:
    """The columns are all paths that any record has; what a record lacks is blank."""
    names: dict[str, None] = {}
    for number, record in records():
        try:
            names |= dict.fromkeys(flat_record(record))
        except LimitError as error:
            raise ImportFileError(file, f"{unit} {number}", str(error)) from error
        if len(names) > MAX_KEYS:
            raise ImportFileError(file, f"{unit} {number}", f"brings the number of different keys above {MAX_KEYS:,}")
    columns = tuple(names)

    def rows(defects: Defects) -> Iterator[tuple[int, Sequence[Cell]]]:
        for number, record in records():
            found = flat_record(record)
            cells = [found.get(name, ABSENT) for name in columns]
            if problem := cells_problem(columns, cells):
                defects.add(f"{unit} {number}", problem)
            else:
                yield number, cells

    return Table(file, columns, unit, rows, how, header="its keys", comma=True)


def flat_record(record: dict[str, Any]) -> dict[str, Cell]:
    """The cells of a record by dotted paths. Raises LimitError for one that becomes more cells than may be."""
    return dict(flat(record, "", count(1)))


def flat(value: Any, path: str, cells_so_far: "count[int]") -> Iterator[tuple[str, Cell]]:
    """A list of plain values is a cell that lists them; a list of objects has a cell for each of their paths, which
    lists the values in order."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{path}.{key}" if path else str(key), cells_so_far)
    elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        flattened = [dict(flat(each, "", cells_so_far)) for each in value]
        for key in dict.fromkeys(key for each in flattened for key in each):
            cells = []
            for each in flattened:
                cells.append(each.get(key, ""))
                counted(cells_so_far)
            yield f"{path}.{key}", tuple(cells)
    elif isinstance(value, list) and not any(isinstance(each, dict | list) for each in value):
        yield path, tuple(plain(each) for each in value)
    else:
        counted(cells_so_far)
        yield path, plain(value)


def counted(cells_so_far: "count[int]") -> None:
    if next(cells_so_far) > MAX_CELLS:
        raise LimitError(
            f"becomes more than {MAX_CELLS:,} cells, because each list of objects with differing keys multiplies them"
        )
