"""Files as tables: named columns, and rows of cells with the number by which a person finds them in the file."""

import codecs
import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from charset_normalizer import from_bytes

from annotations.corpora.readers.content import ImportFileError
from annotations.corpora.readers.files import encoding_by_mark, ending, lines_of
from annotations.corpora.readers.tables.defects import Defects
from annotations.corpora.readers.tables.table import Table, column_names, fitting
from annotations.corpora.readers.tables.values import Cell
from texts.limits import MAX_VALUE_LENGTH
from texts.storable import storable

DELIMITED = (".csv", ".tsv", ".txt", ".tab")
DELIMITERS = (",", ";", "\t", "|")
WORDS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
LINES_LOOKED_AT = 200
BYTES_LOOKED_AT = 1 << 16
BYTES_OF_AN_ENCODING = 1 << 20
BYTES_OF_LINES = 1 << 24  # among which those are looked for that say what it is
# What files that are not in Unicode are in: Western, Central European and Cyrillic Windows, Korean, Japanese, Chinese.
ENCODINGS = ["cp1252", "cp1250", "cp1251", "cp949", "cp932", "gb18030", "big5"]

csv.field_size_limit(MAX_VALUE_LENGTH)


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
        long = f"a cell has more than {MAX_VALUE_LENGTH:,} characters" if "field limit" in str(error) else ""
        problem = long or f"not a table with quoted cells ({error})"
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
    from annotations.corpora.readers.tables.json_tables import json_lines_table, json_table
    from annotations.corpora.readers.tables.workbooks import workbook  # openpyxl is imported where a workbook is

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
