"""Names with slots: `{criterion}_{rater}` tells what a column is of, `{item}_{system}` what an id holds."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from annotations.corpora.readers.content import ImportFileError, shown
from annotations.corpora.readers.tables.defects import Defects
from annotations.corpora.readers.tables.table import Table
from annotations.corpora.readers.tables.values import Cell, text_of
from annotations.errors import InputError

SLOT = re.compile(r"\{(\w+)(:d)?\}")


def slots_of(pattern: str) -> list[str]:
    return [name for name, _ in SLOT.findall(pattern)]


def expression(pattern: str) -> re.Pattern[str]:
    """What a pattern matches: each slot any text, or with `:d` digits."""
    parts, end = [], 0
    for slot in SLOT.finditer(pattern):
        fits = r"\d+" if slot[2] else ".+?"
        parts += [re.escape(pattern[end : slot.start()]), f"(?P<{slot[1]}>{fits})"]
        end = slot.end()
    return re.compile("".join([*parts, re.escape(pattern[end:])]), re.DOTALL)


def check_pattern(pattern: str, option: str) -> None:
    """Raises InputError unless it has slots, each name once."""
    slots = slots_of(pattern)
    if not slots or len(set(slots)) != len(slots) or not all(slot.isidentifier() for slot in slots):
        raise InputError(
            option, f"'{pattern}' must contain {{criterion}}, {{rater}}, {{system}} or other names, each once"
        )


def split_columns(table: Table, splits: Sequence[tuple[str, str]]) -> Table:
    """The table with further columns, called like the slots of a pattern, of what the cells of a column hold. A cell
    that the pattern does not fit is a defect."""
    for column, pattern in splits:
        check_pattern(pattern, "split")
        if column not in table.names:
            listed = ", ".join(name for name in table.names if name)
            raise ImportFileError(table.file, "", f"split: there is no column '{column}'; available: {listed}")
        if there := [slot for slot in slots_of(pattern) if slot in table.names]:
            raise ImportFileError(
                table.file,
                "",
                f"split: there already is a column '{there[0]}'; use another name in '{pattern}'",
            )
        table = split_column(table, table.names.index(column), pattern)
    return table


def split_column(table: Table, at: int, pattern: str) -> Table:
    fits, slots = expression(pattern), slots_of(pattern)

    def rows(defects: Defects) -> Iterator[tuple[int, Sequence[Cell]]]:
        for line, cells in table.rows(defects):
            found = fits.fullmatch(text_of(cells[at]))
            if found:
                yield line, [*cells, *found.group(*slots)] if len(slots) > 1 else [*cells, found[slots[0]]]
            else:
                defects.add(f"{table.unit} {line}", f"{table.names[at]}={shown(cells[at])} does not match '{pattern}'")

    return replace(table, names=(*table.names, *slots), rows=rows)
