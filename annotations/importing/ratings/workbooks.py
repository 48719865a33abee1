"""Sheets of workbooks as tables."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from annotations.importing.content import ImportFileError
from annotations.importing.ratings.defects import Defects
from annotations.importing.ratings.tables import Table, column_names, fitting
from annotations.importing.ratings.values import Cell, plain


def workbook(file: Path, sheet: str, *, headed: bool) -> Table:
    """A sheet, the first if none is named; its first row that is not blank names the columns. Formulas count by the
    value that was saved with them."""
    book = opened(file)
    try:
        sheets = book.sheetnames
        if sheet and sheet not in sheets:
            raise ImportFileError(file, "", f"sheet: there is no '{sheet}'; there is: {', '.join(sheets)}")
        chosen = sheet or sheets[0]
        first, header = next(cells_of(book[chosen]), (1, []))
    finally:
        book.close()
    while header and not header[-1]:
        header.pop()

    names = column_names(header, headed=headed)

    def rows(defects: Defects) -> Iterator[tuple[int, Sequence[Cell]]]:
        book = opened(file)
        try:
            for number, cells in cells_of(book[chosen]):
                if number > first or not headed:
                    padded = [*cells, *[""] * (len(header) - len(cells))]
                    if fits := fitting(names, padded, f"row {number}", defects):
                        yield number, fits
        finally:
            book.close()

    others = f"; others are {', '.join(name for name in sheets if name != chosen)}" if len(sheets) > 1 else ""
    how = f"sheet '{chosen}'{others}"
    return Table(file, names, "row", rows, how, header=f"row {first}", comma=True)


def opened(file: Path) -> Any:
    from openpyxl import load_workbook  # slow to import, and few need it
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        return load_workbook(file, read_only=True, data_only=True)
    except (InvalidFileException, BadZipFile, KeyError, ValueError) as error:
        raise ImportFileError(file, "", f"is not a workbook in the format .xlsx ({error})") from error
    except OSError as error:
        raise ImportFileError(file, "", f"cannot be read ({error.strerror})") from error


def cells_of(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, by their numbers."""
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        cells = [plain(value) for value in row]
        if any(cells):
            yield number, cells
