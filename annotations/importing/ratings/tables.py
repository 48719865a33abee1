"""Files as tables: named columns, and rows of cells with the number by which a person finds them in the file."""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from charset_normalizer import from_bytes

from annotations.importing.content import ImportFileError, shown
from annotations.importing.files import encoding_by_mark, ending, lines_of
from annotations.importing.ratings.defects import Defects
from annotations.importing.ratings.values import Cell, text_of
from texts.limits import LONGEST_VALUE, MAX_COLUMNS
from texts.storable import storable, text_problem

DELIMITED = (".csv", ".tsv", ".txt", ".tab")
DELIMITERS = (",", ";", "\t", "|")
WORDS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
LINES_LOOKED_AT = 200
BYTES_LOOKED_AT = 1 << 16
BYTES_OF_AN_ENCODING = 1 << 20
BYTES_OF_LINES = 1 << 24  # among which those are looked for that say what it is
# What files that are not in Unicode are in: Western, Central European and Cyrillic Windows, Korean, Japanese, Chinese.
ENCODINGS = ["cp1252", "cp1250", "cp1251", "cp949", "cp932", "gb18030", "big5"]
Rows = Callable[[Defects], Iterator[tuple[int, Sequence[Cell]]]]

csv.field_size_limit(LONGEST_VALUE)


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
            defects.add(at, f"has {len(cells)} cells, and the header {width}")
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


def delimited(file: Path, encoding: str, *, headed: bool) -> Table:
    """Cells between commas, semicolons, tabs or bars, whichever part the first rows evenly."""
    encoding = encoding or encoding_of(file)
    delimiter = delimiter_of(file, encoding)
    quoted = delimiter != "\t" or quotes_are_whole(file, encoding)

    header = next(records(file, encoding, delimiter, quoted=quoted), (1, []))[1]
    names = column_names(header, headed=headed)

    def rows(defects: Defects) -> Iterator[tuple[int, Sequence[Cell]]]:
        for line, cells in islice(records(file, encoding, delimiter, quoted=quoted), int(headed), None):
            if len(cells) == len(names) and storable("".join(cells)):
                yield line, cells
            elif fits := fitting(names, cells, f"line {line}", defects):
                yield line, fits

    how = f"{encoding.replace('-sig', '')}, cells between {WORDS[delimiter]}" + ("" if quoted else ", without quotes")
    return Table(file, names, "line", rows, how, comma=delimiter != ",")


def column_names(header: Sequence[str], *, headed: bool) -> tuple[str, ...]:
    """As the first row has them; without a header they are numbers from 1."""
    return tuple(name.strip() if headed else str(number) for number, name in enumerate(header, start=1))


def records(file: Path, encoding: str, delimiter: str, *, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    """The number of the line on which each record begins, and its cells; blank lines are passed over."""
    begins = 1
    lines = lines_of(file, encoding, newline="")
    reader = csv.reader(
        lines, delimiter=delimiter, strict=True, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    )
    try:
        for row in reader:
            if row and any(row):
                yield begins, row
            begins = reader.line_num + 1
    except csv.Error as error:
        long = f"a cell has more than {LONGEST_VALUE:,} characters" if "field limit" in str(error) else ""
        problem = long or f"not a table of quoted cells ({error})"
        raise ImportFileError(file, f"line {begins}", problem) from error


def encoding_of(file: Path) -> str:
    """By its mark; else UTF-8 if it is that throughout; else what its bytes are likeliest to be."""
    if marked := encoding_by_mark(file):
        return marked
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with file.open("rb") as opened:
            while part := opened.read(BYTES_OF_AN_ENCODING):
                decoder.decode(part)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return likeliest_encoding(file)
    return "utf-8"


def likeliest_encoding(file: Path) -> str:
    """Of the lines that are not ASCII, by charset-normalizer; Western Windows where it has no opinion."""
    with file.open("rb") as opened:
        lines = [line for line in opened.read(BYTES_OF_LINES).splitlines(keepends=True) if not line.isascii()]
    best = from_bytes(b"".join(lines)[:BYTES_OF_AN_ENCODING], cp_isolation=ENCODINGS).best()
    return best.encoding if best else "cp1252"


def delimiter_of(file: Path, encoding: str) -> str:
    """The sign that parts the first rows into the same number of cells, outside of quotes; of several the one that
    makes most. A tab is looked for in plain lines too, since tables with tabs often have quotes that part nothing."""
    try:
        with file.open(encoding=encoding, newline="", errors="replace") as opened:
            start = opened.read(BYTES_LOOKED_AT)
    except (OSError, UnicodeError) as error:
        raise ImportFileError(file, "", f"cannot be read ({error})") from error
    whole = len(start) < BYTES_LOOKED_AT

    def evenness(widths: list[int]) -> tuple[float, int]:
        widths = widths if whole else widths[:-1]
        header = widths[0] if widths else 1
        return (Counter(widths)[header] / len(widths), header) if header > 1 else (0.0, 1)

    found = {}
    for delimiter in DELIMITERS:
        try:
            parted = csv.reader(start.splitlines(keepends=True), delimiter=delimiter)
            found[delimiter] = evenness([len(row) for row in islice(parted, LINES_LOOKED_AT) if any(row)])
        except csv.Error:
            found[delimiter] = (0.0, 1)
    plain = [line.count("\t") + 1 for line in islice(start.splitlines(), LINES_LOOKED_AT) if line.strip()]
    found["\t"] = max(found["\t"], evenness(plain))
    best = max(found, key=lambda delimiter: found[delimiter])
    return best if found[best][1] > 1 else ","


def quotes_are_whole(file: Path, encoding: str) -> bool:
    """Whether the quotes of a table with tabs enclose cells; otherwise they are signs like any other."""
    width = 0
    try:
        for _, row in records(file, encoding, "\t", quoted=True):
            width = width or len(row)
            if len(row) != width:
                return False
    except ImportFileError:
        return False
    return True


def open_table(file: Path, *, sheet: str = "", encoding: str = "", headed: bool = True) -> Table:
    """Raises ImportFileError for a file that is none of those that can be read."""
    from annotations.importing.ratings.json_tables import json_lines_table, json_table
    from annotations.importing.ratings.workbooks import workbook  # openpyxl is imported where a workbook is

    suffix = ending(file)
    if suffix in DELIMITED:
        return delimited(file, encoding, headed=headed)
    if suffix in (".xlsx", ".xlsm"):
        return workbook(file, sheet, headed=headed)
    if suffix in (".jsonl", ".ndjson"):
        return json_lines_table(file)
    if suffix == ".json":
        return json_table(file)
    remedy = "; save the workbook as .xlsx" if suffix in (".xls", ".ods", ".numbers") else ""
    raise ImportFileError(file, "", f"its name must end with {', '.join(DELIMITED)}, .xlsx, .json or .jsonl{remedy}")


def check_names(table: Table) -> None:
    if len(table.names) > MAX_COLUMNS:
        raise ImportFileError(table.file, table.header, f"has more than {MAX_COLUMNS:,} columns")
    if not table.names or not any(table.names):
        raise ImportFileError(table.file, "", f"is empty: {table.header} must name the columns")
    for name in table.names:
        if problem := text_problem(name):
            raise ImportFileError(table.file, table.header, f"the column {shown(name)} {problem}")


def example_of(cells: Sequence[Cell], at: int) -> str:
    return re.sub(r"\s+", " ", text_of(cells[at])).strip()[:60]
