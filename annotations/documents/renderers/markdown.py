"""Blocks as Markdown. Charts are left away."""

import re
from collections.abc import Iterator, Sequence
from functools import singledispatch

from annotations.documents.blocks import (
    Block,
    Bullets,
    Cell,
    Code,
    Document,
    Facts,
    Figure,
    Fold,
    Heading,
    Lines,
    Listing,
    Paragraph,
    Quote,
    Row,
    Run,
    Soft,
    Span,
    Strong,
    Table,
)
from annotations.documents.renderers.text import plain


def document_markdown(document: Document) -> str:
    parts = [f"# {escape(document.title)}", *blocks_markdown(document.opening)]
    for section in document.sections:
        parts += [f"## {escape(section.title)}", *blocks_markdown(section.blocks)]
    return "\n\n".join(parts) + "\n"


def blocks_markdown(blocks: Sequence[Block]) -> Iterator[str]:
    return (text for block in blocks if (text := block_markdown(block)))


@singledispatch
def block_markdown(block: Block) -> str:
    raise TypeError(f"{type(block).__name__} is not a block")


@block_markdown.register
def _(block: Paragraph) -> str:
    return inline(block.content).strip()


@block_markdown.register
def _(block: Heading) -> str:
    return f"{'#' * (block.rank + 2)} {escape(block.text)}"


@block_markdown.register
def _(block: Bullets) -> str:
    return "\n".join(f"- {inline(item)}" for item in block.items)


@block_markdown.register
def _(block: Facts) -> str:
    return "\n".join(f"- {escape(term)}: {inline(fact)}" for term, fact in block.pairs)


@block_markdown.register
def _(block: Quote) -> str:
    return "\n".join(f"> {escape(line).strip()}".rstrip() for line in block.text.strip().splitlines())


@block_markdown.register
def _(block: Listing) -> str:
    fence = "`" * max(3, longest(block.text) + 1)
    return f"{fence}\n{block.text.rstrip()}\n{fence}"


@block_markdown.register
def _(block: Figure) -> str:
    return ""


@block_markdown.register
def _(block: Fold) -> str:
    return "\n\n".join([f"**{escape(block.title)}**", *blocks_markdown(block.blocks)])


@block_markdown.register
def _(block: Table) -> str:
    rows = [[column.title for column in block.columns], *block.rows]
    head, *lines = [f"| {' | '.join(cells(row))} |" for row in rows]
    table = "\n".join([head, f"| {' | '.join(['---'] * len(block.columns))} |", *lines])
    return f"{table}\n\n{escape(block.caption)}" if block.caption else table


def cells(row: Row) -> Iterator[str]:
    for part in row:
        yield re.sub(r"(?<!\\)\|", r"\|", inline(part))
        yield from [""] * (part.columns - 1 if isinstance(part, Span) else 0)


def inline(part: Cell) -> str:
    match part:
        case Strong(content):
            return f"**{inline(content)}**"
        case Soft(content):
            return inline(content)
        case Code(text):
            ticks = "`" * (longest(text) + 1)
            return f"{ticks} {text} {ticks}" if text[:1] == "`" or text[-1:] == "`" else f"{ticks}{text}{ticks}"
        case Lines(parts):
            return "<br>".join(inline(each) for each in parts)
        case Run(parts):
            return "".join(inline(each) for each in parts)
        case _:
            return escape(plain(part))


def longest(text: str) -> int:
    """How many backticks stand together."""
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def escape(text: str) -> str:
    """Text on one line whose signs mean nothing to Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", re.sub(r"\s+", " ", text))
