"""How a table is laid out on a page of an article: its size, which columns are broken into lines, and its parts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Literal

from annotations.documents.renderers.latex_signs import width_of

LINE, HEIGHT = 345.0, 40  # points, and lines of a table, in an article with LaTeX's margins
NAMES = 0.35 * LINE  # wider ones are broken into lines
MIN_WIDTH = 55.0  # points of a column of sentences


@dataclass(frozen=True)
class Look:
    """`em`: points of the font's size, which is set wider where it is small. `gap`: points on each side of a column.
    `title`: ems in which a title that is wider than its column is broken into lines; None where it is not."""

    size: str
    em: float
    gap: int
    title: float | None


LOOKS = (
    Look(r"\small", 9.26, 6, None),
    Look(r"\small", 9.26, 6, 6),
    Look(r"\small", 9.26, 6, 0),
    Look(r"\footnotesize", 8.5, 4, 0),
    Look(r"\scriptsize", 7.97, 3, 0),
)
OF_PARTS = LOOKS[3]


@dataclass(frozen=True)
class LaidColumn:
    """Lines of LaTeX: of the title, its single words, and of each cell. `sentences` can be broken wherever there is a
    space, and so can long names, which stand to the left."""

    title: Sequence[str]
    words: Sequence[str]
    cells: Sequence[Sequence[str]]
    sentences: bool
    side: Literal["l", "r"]

    def title_lines(self, look: Look) -> list[str]:
        if look.title is None:
            return list(self.title)
        limit = max([look.title, self.body, *map(width_of, self.words)])
        lines: list[str] = []
        for word in self.words:
            if lines and width_of(joined := f"{lines[-1]} {word}") <= limit:
                lines[-1] = joined
            else:
                lines.append(word)
        return lines

    @property
    def body(self) -> float:
        return max((width_of(line) for lines in self.cells for line in lines), default=0)

    def natural(self, look: Look) -> float:
        """Points that it takes where no cell of it is broken."""
        return look.em * max([self.body, *map(width_of, self.title_lines(look))])

    def is_broken(self, look: Look) -> bool:
        return self.sentences or (self.side == "l" and self.natural(look) > NAMES)


@dataclass(frozen=True)
class Layout:
    """`widths`: points of the columns that are broken into lines; None of those that are as wide as what they hold."""

    look: Look
    columns: Sequence[LaidColumn]
    widths: Sequence[float | None]

    def tabular(self, rows: Sequence[int]) -> Iterator[str]:
        shares = [width and floor(100 * width / LINE) / 100 for width in self.widths]
        kinds = zip(self.columns, shares, strict=True)
        codes = (rf"p{{{share:.2f}\linewidth}}" if share else column.side for column, share in kinds)
        yield rf"\begin{{tabular}}{{{''.join(codes)}}}"
        yield r"\toprule"
        yield self.row([column.title_lines(self.look) for column in self.columns], "b")
        yield r"\midrule"
        for row in rows:
            yield self.row([column.cells[row] for column in self.columns], "t")
        yield r"\bottomrule"
        yield r"\end{tabular}"

    def row(self, cells: Sequence[Sequence[str]], stand: Literal["b", "t"]) -> str:
        """Lines of a cell stand on the row by the last or the first of them."""
        made = []
        for column, width, lines in zip(self.columns, self.widths, cells, strict=True):
            if width:
                whole = (r" \newline " if stand == "t" else " ").join(lines)
                made.append(whole.replace(r"\_", r"\_\allowbreak{}"))
            elif len(lines) == 1:
                made.append(lines[0])
            else:
                begin = rf"\begin{{tabular}}[{stand}]{{@{{}}{column.side}@{{}}}}"
                made.append(begin + r" \\ ".join(lines) + r"\end{tabular}")
        return " & ".join(made) + r" \\"

    def height(self, row: int) -> int:
        """Lines that it takes."""
        heights = []
        for column, width in zip(self.columns, self.widths, strict=True):
            lines = [ceil(width_of(line) * self.look.em / width) if width else 1 for line in column.cells[row]]
            heights.append(sum(max(1, count) for count in lines))
        return max(heights)


def layouts(columns: Sequence[LaidColumn]) -> list[Layout]:
    """One for the table in the largest size in which it fits, or several for as many parts of its columns, each with
    the first column. A part of two columns that is still too wide stays so."""
    for look in LOOKS:
        if widths := widths_of(columns, look):
            return [Layout(look, columns, widths)]
    first, *others = columns
    parts: list[list[LaidColumn]] = []
    for column in others:
        if not parts or not widths_of([*parts[-1], column], OF_PARTS):
            parts.append([first])
        parts[-1].append(column)
    return [Layout(OF_PARTS, part, widths_of(part, OF_PARTS) or too_wide(part)) for part in parts or [[first]]]


def widths_of(columns: Sequence[LaidColumn], look: Look) -> list[float | None] | None:
    """The widths of a layout; None where they do not fit into a line."""
    room = LINE - 2 * look.gap * len(columns)
    natural = [column.natural(look) for column in columns]
    broken = {place for place, column in enumerate(columns) if column.is_broken(look)}
    while sum(natural) > room and broken:
        share = (room - sum(width for place, width in enumerate(natural) if place not in broken)) / len(broken)
        wider = {place for place in broken if natural[place] > share}
        if wider == broken:
            return [share if place in broken else None for place in range(len(columns))] if share >= MIN_WIDTH else None
        broken = wider
    return [None] * len(columns) if sum(natural) <= room else None


def too_wide(columns: Sequence[LaidColumn]) -> list[float | None]:
    return [NAMES if column.is_broken(OF_PARTS) else None for column in columns]


def pages(found: Sequence[Layout], rows: int) -> list[list[int]]:
    """The rows of each part of a table: as many as a page holds."""
    parts: list[list[int]] = []
    height = HEIGHT
    for row in range(rows):
        lines = max(layout.height(row) for layout in found)
        if height + lines > HEIGHT:
            parts.append([])
            height = 0
        parts[-1].append(row)
        height += lines
    return parts
