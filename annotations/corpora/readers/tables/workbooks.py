"""Sheets of workbooks as tables.

A workbook is a ZIP file of XML, of which a few bytes can stand for any number of cells: its XML is gone through before
the library, which keeps what it reads, gets any of it.
"""

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import ParseError
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile, ZipInfo

from annotations.corpora.readers.content import ImportFileError, unpacked_too_large
from annotations.corpora.readers.tables.defects import Defects
from annotations.corpora.readers.tables.table import Table, column_names, fitting
from annotations.corpora.readers.tables.values import Cell, plain
from texts.limits import (
    MAX_COLUMNS,
    MAX_DEPTH,
    MAX_LINE_LENGTH,
    MAX_ROWS,
    MAX_VALUE_LENGTH,
    MAX_WHOLE_BYTES,
    PART,
    LimitError,
)

MAX_ELEMENTS = 100_000  # of a part of a workbook outside of rows and texts: of its styles, say
ELEMENTS_OF_A_CELL = 4
# What the library raises for a workbook that is none or damaged, somewhere inside.
BROKEN = (
    ArithmeticError, AttributeError, BadZipFile, EOFError, LookupError, NotImplementedError, ParseError, RuntimeError,
    TypeError, ValueError, expat.ExpatError, zlib.error,
)  # fmt: skip


def workbook(file: Path, sheet: str, *, headed: bool) -> Table:
    """A sheet, the first if none is named; its first row that is not blank names the columns. Formulas count by the
    value that was saved with them."""
    check_within_limits(file)
    book = opened(file)
    try:
        sheets = book.sheetnames
        if sheet and sheet not in sheets:
            raise ImportFileError(file, "", f"sheet: there is no '{sheet}'; available: {', '.join(sheets)}")
        chosen = sheet or sheets[0]
        first, header = next(cells_of(file, book[chosen]), (1, []))
    finally:
        book.close()
    while header and not header[-1]:
        header.pop()

    names = column_names(header, headed=headed)

    def rows(defects: Defects) -> Iterator[tuple[int, Sequence[Cell]]]:
        book = opened(file)
        try:
            for number, cells in cells_of(file, book[chosen]):
                if number > first or not headed:
                    padded = [*cells, *[""] * (len(header) - len(cells))]
                    if fits := fitting(names, padded, f"row {number}", defects):
                        yield number, fits
        finally:
            book.close()

    others = f"; other sheets: {', '.join(name for name in sheets if name != chosen)}" if len(sheets) > 1 else ""
    how = f"sheet '{chosen}'{others}"
    return Table(file, names, "row", rows, how, header=f"row {first}", comma=True)


def opened(file: Path) -> Any:
    from openpyxl import load_workbook  # slow to import, and few need it

    try:
        return load_workbook(file, read_only=True, data_only=True)
    except OSError as error:
        raise ImportFileError(file, "", f"cannot be read ({error.strerror})") from error
    except BROKEN as error:
        raise not_a_workbook(file, error) from error


def not_a_workbook(file: Path, error: Exception) -> ImportFileError:
    return ImportFileError(file, "", f"is not an .xlsx workbook ({str(error)[:100]})")


def cells_of(file: Path, sheet: Any) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, by their numbers. Raises ImportFileError."""
    try:
        sheet.reset_dimensions()  # what it says of its size need not be so
        for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
            cells = [plain(value) for value in row]
            if any(len(cell) > MAX_VALUE_LENGTH for cell in cells):
                raise ImportFileError(file, f"row {number}", f"a cell has more than {MAX_VALUE_LENGTH:,} characters")
            if any(cells):
                yield number, cells
    except ImportFileError:
        raise
    except BROKEN as error:
        raise not_a_workbook(file, error) from error


def check_within_limits(file: Path) -> None:
    """Raises ImportFileError for a workbook that has more in it than may be, and for what is none."""
    try:
        with ZipFile(file) as archive:
            if problem := unpacked_too_large(archive):
                raise ImportFileError(file, "", problem)
            for member in archive.infolist():
                check_member(archive, member)
    except LimitError as error:
        raise ImportFileError(file, "", str(error)) from error
    except ImportFileError:
        raise
    except OSError as error:
        raise ImportFileError(file, "", f"cannot be read ({error.strerror})") from error
    except BROKEN as error:
        raise not_a_workbook(file, error) from error


def check_member(archive: ZipFile, member: ZipInfo) -> None:
    """Raises LimitError. A sheet may have any name, so that a member of another is looked at as XML too, as far as it
    is XML."""
    is_xml = member.filename.lower().endswith((".xml", ".rels"))
    if not is_xml and member.file_size > MAX_WHOLE_BYTES:
        raise LimitError(f"{member.filename} is larger than {MAX_WHOLE_BYTES:,} bytes")
    try:
        with archive.open(member) as stream:
            XmlBounds(member.filename).go_through(stream)
    except expat.ExpatError:
        if is_xml:
            raise


class XmlBounds:
    """One part of a workbook. A row, and a text of the table of texts, is a unit, which the library forgets or keeps
    small; what stands outside of units it keeps whole."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.begin
        self.parser.EndElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.depth, self.units = 0, 0
        self.unit_at_depth = self.unit_elements = self.unit_begins = 0
        self.outside_elements = self.outside_bytes = self.outside_begins = 0

    def go_through(self, stream: IO[bytes]) -> None:
        """Raises LimitError, and expat's error for what is no XML."""
        read = 0
        while part := stream.read(PART):
            self.parser.Parse(part)
            read += len(part)
            self.check_bytes(read)
        self.parser.Parse(b"", True)

    def check_bytes(self, here: int) -> None:
        if self.unit_at_depth:
            self.check(here - self.unit_begins, MAX_LINE_LENGTH, "bytes in a row")
        else:
            self.check(self.outside_bytes + here - self.outside_begins, MAX_WHOLE_BYTES, "bytes outside rows")

    def check(self, found: int, most: int, what: str) -> None:
        if found > most:
            raise LimitError(f"{self.name} has more than {most:,} {what}")

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.check(self.depth, MAX_DEPTH, "nested elements")
        kind = tag.rpartition(":")[2]
        if self.unit_at_depth:
            self.unit_elements += 1
            self.check(self.unit_elements, MAX_COLUMNS * ELEMENTS_OF_A_CELL, "elements in a row")
        elif kind in ("row", "si"):
            self.units += 1
            self.check(self.units, MAX_ROWS, "rows")
            number = attributes.get("r", "") if kind == "row" else ""
            if number and not (len(number) < 10 and number.isdecimal() and int(number) <= MAX_ROWS):
                raise LimitError(f"{self.name} has a row {number[:20]!r}; rows are numbered from 1 to {MAX_ROWS:,}")
            here = self.parser.CurrentByteIndex
            self.outside_bytes += here - self.outside_begins
            self.unit_at_depth, self.unit_elements, self.unit_begins = self.depth, 0, here
        else:
            self.outside_elements += 1
            self.check(self.outside_elements, MAX_ELEMENTS, "elements outside rows")

    def end(self, tag: str) -> None:
        if self.depth == self.unit_at_depth:
            self.check_bytes(self.parser.CurrentByteIndex)
            self.unit_at_depth, self.outside_begins = 0, self.parser.CurrentByteIndex
        self.depth -= 1

    def doctype(self, *_: Any) -> None:
        raise LimitError(f"{self.name} has a document type declaration, which no workbook needs")
