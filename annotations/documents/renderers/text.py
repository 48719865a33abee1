"""Blocks as plain text, for a terminal. Charts are left away."""

from collections.abc import Iterator, Sequence
from functools import singledispatch
from itertools import zip_longest
from textwrap import TextWrapper
from unicodedata import combining, east_asian_width

from annotations.documents import numbers
from annotations.documents.blocks import (
    Block,
    Bullets,
    Cell,
    Code,
    Column,
    Document,
    Ends,
    Facts,
    Figure,
    Fold,
    Heading,
    Lines,
    Listing,
    Number,
    Paragraph,
    Percent,
    PValue,
    Quote,
    Row,
    Run,
    Soft,
    Span,
    Strong,
    Table,
    Why,
)

WIDTH = 100  # characters of a paragraph
TITLE_WIDTHS = {"figures": 18, "text": 44, "names": 32, "given": 32}
CELL_WIDTHS = {"figures": 32, "text": 44, "names": 32, "given": 32}
GAP = "  "
BOLD = "*"


def document_text(document: Document) -> str:
    parts = [underlined(document.title, "="), *blocks_text(document.opening)]
    for section in document.sections:
        parts += [underlined(section.title, "-"), *blocks_text(section.blocks)]
    return "\n\n".join(parts) + "\n"


def blocks_text(blocks: Sequence[Block]) -> Iterator[str]:
    return (text for block in blocks if (text := block_text(block)))


@singledispatch
def block_text(block: Block) -> str:
    raise TypeError(f"{type(block).__name__} is not a block")


@block_text.register
def _(block: Paragraph) -> str:
    return wrapped(block.content)


@block_text.register
def _(block: Heading) -> str:
    return underlined(block.text[:1].upper() + block.text[1:], "~" if block.rank == 1 else ".")


@block_text.register
def _(block: Bullets) -> str:
    return "\n".join(wrapped(item, "- ", "  ") for item in block.items)


@block_text.register
def _(block: Facts) -> str:
    return "\n".join(wrapped(Run([f"{term}: ", fact]), "- ", "  ") for term, fact in block.pairs)


@block_text.register
def _(block: Quote) -> str:
    return "\n".join(wrapped(line, "> ", "> ") or ">" for line in block.text.strip().splitlines())


@block_text.register
def _(block: Listing) -> str:
    return "\n".join(f"    {line}".rstrip() for line in block.text.splitlines())


@block_text.register
def _(block: Figure) -> str:
    return ""


@block_text.register
def _(block: Fold) -> str:
    return "\n\n".join([underlined(block.title, "."), *blocks_text(block.blocks)])


@block_text.register
def _(block: Table) -> str:
    """Columns of figures stand to the right, but for the first."""
    columns = block.columns
    titles = [cell_lines(column.title, TITLE_WIDTHS[column.kind]) for column in columns]
    widths = [max(map(width_of, lines)) for lines in titles]
    for row in block.rows:
        for place, part in places(row):
            if not isinstance(part, Span):
                lines = cell_lines(part, CELL_WIDTHS[columns[place].kind])
                widths[place] = max(widths[place], *map(width_of, lines))
    lined = [["-" * width] for width in widths]
    drawn = [row_text(columns, row, widths) for row in block.rows]
    table = "\n".join([side_by_side(columns, titles, widths), side_by_side(columns, lined, widths), *drawn])
    return f"{table}\n\n{wrapped(block.caption)}" if block.caption else table


def row_text(columns: Sequence[Column], row: Row, widths: Sequence[int]) -> str:
    """A span is as wide as its columns, and to the left."""
    over, lines, wide = [], [], []
    for place, part in places(row):
        count = part.columns if isinstance(part, Span) else 1
        width = sum(widths[place : place + count]) + len(GAP) * (count - 1)
        over.append(Column("", "text") if isinstance(part, Span) else columns[place])
        lines.append(cell_lines(part, width))
        wide.append(width)
    return side_by_side(over, lines, wide)


def side_by_side(columns: Sequence[Column], cells: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    """A row of cells of several lines."""
    shown = []
    for line in zip_longest(*cells, fillvalue=""):
        parts = [
            " " * (width - width_of(text)) + text if place and column.kind == "figures" else padded(text, width)
            for place, (column, text, width) in enumerate(zip(columns, line, widths, strict=True))
        ]
        shown.append(GAP.join(parts).rstrip())
    return "\n".join(shown)


def padded(text: str, width: int) -> str:
    return text + " " * (width - width_of(text))


def places(row: Row) -> Iterator[tuple[int, Cell]]:
    """Its cells, each with the number of its first column."""
    place = 0
    for part in row:
        yield place, part
        place += part.columns if isinstance(part, Span) else 1


def cell_lines(part: Cell, width: int) -> list[str]:
    return [line for each in stacked(part) for line in wrapped(each, width=width).split("\n")]


def wrapped(part: Cell, first: str = "", other: str = "", *, width: int = WIDTH) -> str:
    """In lines of at most so many characters, longer words being whole."""
    words = "".join(sign if sign.isprintable() else " " for sign in plain(part, BOLD))
    wrapper = TextWrapper(
        width, initial_indent=first, subsequent_indent=other, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(wrapper.wrap(words))


def underlined(text: str, line: str) -> str:
    return f"{text}\n{line * width_of(text)}"


def width_of(text: str) -> int:
    """Columns that it takes on a terminal."""
    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def stacked(part: Cell) -> list[Cell]:
    """The lines that a cell is made of."""
    match part:
        case Lines(parts):
            return [line for each in parts for line in stacked(each)]
        case Soft(Lines() as lines):
            return stacked(lines)
        case _:
            return [part]


def plain(part: Cell, bold: str = "") -> str:
    """`bold` stands around what is strong."""
    match part:
        case None:
            return "–"
        case str() | int():
            return str(part)
        case Number(value, places, signed):
            return (numbers.signed if signed else numbers.figure)(value, places)
        case Ends(interval, places):
            return numbers.interval(interval, places)
        case PValue(value, boundary):
            return numbers.p_value(value, boundary)
        case Percent(value):
            return numbers.percent(value)
        case Soft(content):
            return plain(content, bold)
        case Strong(content):
            return f"{bold}{plain(content, bold)}{bold}"
        case Why(text) | Code(text) | Span(text):
            return text
        case Lines(parts):
            return " ".join(plain(each, bold) for each in parts)
        case Run(parts):
            return "".join(plain(each, bold) for each in parts)
