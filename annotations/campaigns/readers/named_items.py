"""Files that say which sources a rater gets: a table of `rater` and `source`."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from annotations.corpora.readers.content import ImportFileError
from annotations.corpora.readers.files import encoding_by_mark
from annotations.corpora.readers.tables.defects import Defects
from annotations.corpora.readers.tables.reading import delimited
from texts.limits import shown

COLUMNS = ("rater", "source")


class NamedSource(NamedTuple):
    """That a rater, by their outside id, gets a source, by its key; `where` is the file and the line that say so."""

    rater: str
    source: str
    where: str


def named_in_lines(text: str) -> list[NamedSource]:
    """Of a form: in each line a rater, a comma, and a source, since a key has no comma and an id may have one."""
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        rater, _, source = line.rpartition(",")
        if line.strip():
            rows.append(NamedSource(rater.strip(), source.strip(), f"line {number}"))
    return rows


def read_named_items(file: Path) -> list[NamedSource]:
    """The rows as they are. Raises ImportFileError for what is no such table."""
    table = delimited(file, encoding_by_mark(file) or "utf-8", headed=True)
    names = Counter(table.names)
    if set(names) != set(COLUMNS) or len(table.names) != len(COLUMNS):
        problem = f"the columns are {', '.join(map(shown, table.names))}; they must be {' and '.join(COLUMNS)}"
        raise ImportFileError(file, table.header, problem)
    rater, source = (table.names.index(name) for name in COLUMNS)
    rows = [
        NamedSource(str(cells[rater]).strip(), str(cells[source]).strip(), f"{file}: line {line}")
        for line, cells in table.rows(Defects(file))
    ]
    if not rows:
        raise ImportFileError(file, "", "names no items")
    return rows
