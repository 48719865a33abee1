"""Documents are sections, sections are blocks, and a table's cells are values. A renderer knows these alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from annotations.reasons import Reason

Interval = tuple[float, float]


@dataclass(frozen=True)
class Number:
    """A value with so many decimals; `signed` as a difference is read."""

    value: float | None
    places: int
    signed: bool = False


@dataclass(frozen=True)
class Ends:
    """An interval."""

    interval: Interval | None
    places: int


@dataclass(frozen=True)
class PValue:
    """A p-value, read against 0.05 and, if there is one, against the boundary of a look."""

    value: float | None
    boundary: float | None = None


@dataclass(frozen=True)
class Percent:
    value: float | None


@dataclass(frozen=True)
class Soft:
    """Said beside what matters."""

    content: "Inline"


@dataclass(frozen=True)
class Why:
    """A short sentence in a cell: why there is no value, or what there is to say of one."""

    text: str


@dataclass(frozen=True)
class Strong:
    content: "Inline"


@dataclass(frozen=True)
class Code:
    text: str


@dataclass(frozen=True)
class Lines:
    """Parts below one another."""

    parts: Sequence["Inline"]


@dataclass(frozen=True)
class Run:
    """Parts after one another, as they are."""

    parts: Sequence["Inline"]


@dataclass(frozen=True)
class Span:
    """Words in the place of several columns' values."""

    text: str
    columns: int


Inline = str | int | Number | Ends | PValue | Percent | Soft | Why | Strong | Code | Lines | Run | None
Cell = Inline | Span
Row = Sequence[Cell]


@dataclass(frozen=True)
class Column:
    """`text` columns hold sentences, `names` those of systems, `given` many small parts, all others figures."""

    title: Inline
    kind: Literal["figures", "text", "names", "given"] = "figures"


@dataclass(frozen=True)
class Table:
    """`name` tells it from other tables of the document. `about` says what it holds where the table stands alone, and
    `caption` what its columns mean; `dense` where it has many of them."""

    name: str
    about: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    caption: str = ""
    dense: bool = False


@dataclass(frozen=True)
class Paragraph:
    """A `gap` is what somebody has to fill in."""

    content: Inline
    kind: Literal["plain", "soft", "note", "gap"] = "plain"


@dataclass(frozen=True)
class Heading:
    """Within a section: of the first or second rank. Links lead to `name`, where it has one."""

    text: str
    rank: Literal[1, 2] = 1
    name: str = ""


@dataclass(frozen=True)
class Bullets:
    items: Sequence[Inline]
    soft: bool = False


@dataclass(frozen=True)
class Facts:
    """Terms with what they are."""

    pairs: Sequence[tuple[str, Inline]]


@dataclass(frozen=True)
class Quote:
    text: str


@dataclass(frozen=True)
class Listing:
    """A file's text, to the letter."""

    text: str


@dataclass(frozen=True)
class Figure:
    """Charts by their names; those that were not drawn are left away, and with all of them the figure. `many` small
    ones stand beside one another."""

    charts: Sequence[str]
    caption: str
    many: bool = False


@dataclass(frozen=True)
class Fold:
    """What is there for who wants it."""

    title: str
    blocks: Sequence["Block"]


Block = Table | Paragraph | Heading | Bullets | Facts | Quote | Listing | Figure | Fold


@dataclass(frozen=True)
class Section:
    name: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Document:
    """`opening` stands before the first section."""

    title: str
    sections: Sequence[Section]
    opening: Sequence[Block] = ()


def table(
    name: str,
    about: str,
    titles: Sequence[str | Column],
    rows: Sequence[Row],
    *,
    caption: str = "",
    dense: bool = False,
) -> Table:
    """A table whose columns hold figures where only their titles are given."""
    columns = [title if isinstance(title, Column) else Column(title) for title in titles]
    return Table(name, about, columns, rows, caption, dense)


def joined(sentences: Sequence[Inline]) -> Run:
    """Sentences after one another."""
    return Run([part for sentence in sentences for part in (" ", sentence)][1:])


def undefined(why: Reason | None) -> Why:
    """In the place of a value."""
    return Why(f"undefined: {why}" if why else "undefined")


def undefined_row(why: Reason | None, columns: int) -> Span:
    """In the place of several columns' values."""
    return Span(undefined(why).text, columns)
