"""Blocks as LaTeX with booktabs: a file that compiles alone, and can be \\input into a paper. Charts are left away."""

import hashlib
from collections.abc import Iterator
from functools import singledispatch
from itertools import takewhile

from annotations.documents import numbers
from annotations.documents.blocks import (
    Block,
    Bullets,
    Cell,
    Code,
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
from annotations.documents.renderers.latex_signs import ESCAPED, escape
from annotations.documents.renderers.latex_tables import LaidColumn, layouts, pages
from annotations.documents.renderers.text import plain, stacked

PREAMBLE = r"""\expandafter\ifx\csname @nodocument\endcsname\relax\else
\documentclass{article}
\usepackage{booktabs}
\def\storyblenderend{\end{document}}
\begin{document}
\fi"""
END = r"\ifdefined\storyblenderend\expandafter\storyblenderend\fi"
NOTHING = "--"
BAR = ESCAPED["|"]  # between parts of a signature, which is long


def document_latex(document: Document) -> str:
    """Its title is a line of comment."""
    parts = [
        f"% {escape(document.title)}, made by Story Blender.",
        r"% It compiles alone. \input into a document it needs \usepackage{booktabs} there.",
        "% Names beyond Latin letters need LuaLaTeX or XeLaTeX.",
        PREAMBLE,
        *(each for part in document.opening for each in lines_of(part)),
    ]
    for section in document.sections:
        parts += [
            rf"\section*{{{escape(section.title)}}}",
            *(each for part in section.blocks for each in lines_of(part)),
        ]
    return "\n\n".join([*parts, END]) + "\n"


@singledispatch
def lines_of(block: Block) -> Iterator[str]:
    raise TypeError(f"{type(block).__name__} is not a block")


@lines_of.register
def _(block: Paragraph) -> Iterator[str]:
    yield cell(block.content)


@lines_of.register
def _(block: Heading) -> Iterator[str]:
    rank = "subsection" if block.rank == 1 else "subsubsection"
    yield rf"\{rank}*{{{escape(block.text[:1].upper() + block.text[1:])}}}"


@lines_of.register
def _(block: Bullets) -> Iterator[str]:
    if not block.items:  # a list without items is an error to LaTeX
        return
    items = (rf"\item {cell(item)}" for item in block.items)
    yield "\n".join([r"\begin{itemize}", *items, r"\end{itemize}"])


@lines_of.register
def _(block: Facts) -> Iterator[str]:
    yield "; ".join(f"{escape(term)}: {cell(fact)}" for term, fact in block.pairs) + "."


@lines_of.register
def _(block: Quote) -> Iterator[str]:
    paragraphs = "\n\n".join(escape(part) for part in block.text.split("\n") if part.strip())
    yield "\n".join([r"\begin{quote}", paragraphs, r"\end{quote}"])


@lines_of.register
def _(block: Listing) -> Iterator[str]:
    lines = (escape(line).replace(" ", r"\ ") for line in block.text.splitlines())
    shown = "\n".join(rf"\mbox{{}}{line}\\" for line in lines)
    yield "\n".join([r"\begin{flushleft}\ttfamily\small", shown, r"\end{flushleft}"])


@lines_of.register
def _(block: Figure) -> Iterator[str]:
    return iter(())


@lines_of.register
def _(block: Fold) -> Iterator[str]:
    for part in block.blocks:
        yield from lines_of(part)


@lines_of.register
def _(block: Table) -> Iterator[str]:
    """A table, or several where it has more rows than a page holds or more columns than a line. Why values are missing
    stands below."""
    if not block.rows:
        return
    found = layouts(columns_of(block))
    parts = [(layout, rows) for rows in pages(found, len(block.rows)) for layout in found]
    for number, (layout, rows) in enumerate(parts, start=1):
        of = f" (Part {number} of {len(parts)}.)" if len(parts) > 1 else ""
        lines = [
            r"\begin{table}",
            r"\centering" + layout.look.size,
            rf"\setlength{{\tabcolsep}}{{{layout.look.gap}pt}}",
            rf"\caption{{{escape(block.about + of)}}}",
            rf"\label{{tab:{label_of(block.name)}{f'-{number}' if of else ''}}}",
            *layout.tabular(rows),
            *(rf"\par\smallskip {{\footnotesize {escape(note)}}}" for note in notes_of(block) if number == len(parts)),
            r"\end{table}",
        ]
        yield "\n".join(lines)
    if block.caption:
        yield escape(block.caption)


def columns_of(block: Table) -> list[LaidColumn]:
    rows = [row_lines(row) for row in block.rows]
    return [
        LaidColumn(
            title=[cell(line) for line in stacked(column.title)],
            words=[escape(word) for word in plain(column.title).split()],
            cells=[cells[place] for cells in rows],
            sentences=column.kind in ("text", "given"),
            side="r" if place and column.kind == "figures" else "l",
        )
        for place, column in enumerate(block.columns)
    ]


def row_lines(row: Row) -> list[list[str]]:
    """The lines of its cells, one cell for each column."""
    made: list[list[str]] = []
    for each in row:
        if isinstance(each, Span):
            made += [[NOTHING]] * each.columns
        else:
            made.append([cell(line) for line in stacked(each) if not isinstance(line, Why)] or [NOTHING])
    return made


def notes_of(table: Table) -> list[str]:
    """What its rows say of values that are missing, all that is so for one reason in one note."""
    found: dict[str, list[str]] = {}
    for row in table.rows:
        name, place = name_of(table, row), 0
        for each in row:
            if why := why_of(each):
                about = plain(table.columns[place].title)
                whole = isinstance(each, Span) and each.columns >= len(table.columns) - 2
                found.setdefault(why, []).append(name if whole else f"{name}, {about}")
            place += each.columns if isinstance(each, Span) else 1
    return [f"{'; '.join(names)}: {why}." for why, names in found.items()]


def name_of(table: Table, row: Row) -> str:
    """Its first cell, with the title of the column where that is a number, and the names that follow."""
    first = f"{plain(table.columns[0].title)} {row[0]}" if isinstance(row[0], int) else plain(row[0])
    others = zip(table.columns[1:], row[1:], strict=False)
    return ", ".join([first, *(plain(each) for _, each in takewhile(lambda pair: pair[0].kind == "names", others))])


def why_of(part: Cell) -> str:
    if isinstance(part, Why | Span):
        return part.text
    return next((each.text for each in part.parts if isinstance(each, Why)), "") if isinstance(part, Lines) else ""


def cell(part: Cell) -> str:
    match part:
        case None | Why() | Span():
            return NOTHING
        case Number(value, places):
            return NOTHING if value is None else f"${rounded(value, places)}$"
        case Ends(interval, places):
            return (
                NOTHING if interval is None else f"$[{rounded(interval[0], places)}, {rounded(interval[1], places)}]$"
            )
        case PValue(value, boundary):
            return NOTHING if value is None else f"${numbers.p_value(value, boundary).replace(' ', '')}$"
        case Strong(Number(value, places)):
            return NOTHING if value is None else rf"$\mathbf{{{rounded(value, places)}}}$"
        case Strong(content):
            return rf"\textbf{{{cell(content)}}}"
        case Soft(content):
            return cell(content)
        case Code(text):
            return rf"\texttt{{{escape(text)}}}".replace(BAR, BAR + r"\allowbreak{}")
        case Lines(parts):
            return " ".join(cell(each) for each in parts if not isinstance(each, Why))
        case Run(parts):
            return "".join(cell(each) for each in parts)
        case Percent() | str() | int():
            return escape(plain(part))


def rounded(value: float, places: int) -> str:
    return f"{round(value, places) + 0.0:.{places}f}"  # not -0.0


def label_of(name: str) -> str:
    """A label that LaTeX takes: of a name with other signs its plain ones, and a mark that tells it from others."""
    shown = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name)
    if shown == name.replace("_", "-"):
        return shown
    return f"{shown}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
