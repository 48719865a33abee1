"""A file as a table: named columns, and rows of cells with the number by which a person finds them in the file."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotations.corpora.readers.content import ImportFileError, shown
from annotations.corpora.readers.tables.defects import Defects
from annotations.corpora.readers.tables.values import Cell, text_of
from texts.limits import MAX_COLUMNS
from texts.storable import text_problem

Rows = Callable[[Defects], Iterator[tuple[int, Sequence[Cell]]]]


@dataclass(frozen=True)
class Table:
    """`names` are the columns, as they stand; `rows` reads the file anew, a row at a time. A row is called by `unit`
    and number. `how` says in words what was found out about the file."""

    file: Path
    names: tuple[str, ...]
    unit: str
    rows: Rows
    how: str
    header: str = "line 1"
    comma: bool = False  # a lone comma in a number is a decimal one, since it does not part cells


def fitting(names: Sequence[str], cells: Sequence[Cell], at: str, defects: Defects) -> Sequence[Cell] | None:
    """The cells, if they are as many as the names, or more that are blank; otherwise a defect."""
    width = len(names)
    if len(cells) != width:
        if len(cells) < width or any(cells[width:]):
            defects.add(at, f"has {len(cells)} cells, but the header has {width}")
            return None
        cells = cells[:width]
    if problem := cells_problem(names, cells):
        defects.add(at, problem)
        return None
    return cells


def cells_problem(names: Sequence[str], cells: Sequence[Cell]) -> str:
    """Which cell cannot be stored, and why; "" where all can."""
    for name, cell in zip(names, cells, strict=True):
        if problem := text_problem(cell if isinstance(cell, str) else text_of(cell)):
            return f"{name} {problem}"
    return ""


def column_names(header: Sequence[str], *, headed: bool) -> tuple[str, ...]:
    """As the first row has them; without a header they are numbers from 1."""
    return tuple(name.strip() if headed else str(number) for number, name in enumerate(header, start=1))


def check_names(table: Table) -> None:
    if len(table.names) > MAX_COLUMNS:
        raise ImportFileError(table.file, table.header, f"has more than {MAX_COLUMNS:,} columns")
    if not table.names or not any(table.names):
        raise ImportFileError(table.file, "", f"is empty; {table.header} must name the columns")
    for name in table.names:
        if problem := text_problem(name):
            raise ImportFileError(table.file, table.header, f"the column {shown(name)} {problem}")


def example_of(cells: Sequence[Cell], at: int) -> str:
    return re.sub(r"\s+", " ", text_of(cells[at])).strip()[:60]
