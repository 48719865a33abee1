"""Blocks as HTML, for a page, a single file and paper. Charts come as SVG."""

from collections.abc import Iterator, Mapping, Sequence
from functools import singledispatchmethod

from django.utils.html import conditional_escape, format_html, format_html_join, linebreaks
from django.utils.safestring import SafeString, mark_safe

from annotations.documents import numbers
from annotations.documents.blocks import (
    Block,
    Bullets,
    Code,
    Column,
    Ends,
    Facts,
    Figure,
    Fold,
    Heading,
    Inline,
    Lines,
    Listing,
    Number,
    Paragraph,
    Percent,
    PValue,
    Quote,
    Row,
    Run,
    Section,
    Soft,
    Span,
    Strong,
    Table,
    Why,
)
from annotations.documents.renderers.text import places

NOTHING = "–"


class Html:
    """`charts` are SVG by name; `prefix` stands before the names of sections and headings."""

    def __init__(self, charts: Mapping[str, str], prefix: str) -> None:
        self.charts, self.prefix = charts, prefix

    def section(self, section: Section) -> SafeString:
        head = format_html('<h2 id="{}{}">{}</h2>\n', self.prefix, section.name, section.title)
        return head + self.blocks(section.blocks)

    def blocks(self, blocks: Sequence[Block]) -> SafeString:
        return mark_safe("\n".join(self.block(block) for block in blocks))

    @singledispatchmethod
    def block(self, block: Block) -> SafeString:
        raise TypeError(f"{type(block).__name__} is not a block")

    @block.register
    def _(self, block: Paragraph) -> SafeString:
        kind = format_html(' class="{}"', block.kind) if block.kind != "plain" else ""
        return format_html("<p{}>{}</p>", kind, inline(block.content))

    @block.register
    def _(self, block: Heading) -> SafeString:
        name = format_html(' id="{}{}"', self.prefix, block.name) if block.name else ""
        return format_html("<h{0}{1}>{2}</h{0}>", block.rank + 2, name, block.text)

    @block.register
    def _(self, block: Bullets) -> SafeString:
        items = format_html_join("", "<li>{}</li>", ((inline(item),) for item in block.items))
        return format_html("<ul{}>{}</ul>", mark_safe(' class="soft"') if block.soft else "", items)

    @block.register
    def _(self, block: Facts) -> SafeString:
        pairs = ((term, inline(fact)) for term, fact in block.pairs)
        return format_html("<dl>{}</dl>", format_html_join("\n", "<div><dt>{}</dt><dd>{}</dd></div>", pairs))

    @block.register
    def _(self, block: Quote) -> SafeString:
        return format_html("<blockquote>{}</blockquote>", mark_safe(linebreaks(block.text, autoescape=True)))

    @block.register
    def _(self, block: Listing) -> SafeString:
        return format_html("<pre>{}</pre>", block.text)

    @block.register
    def _(self, block: Figure) -> SafeString:
        drawn = [mark_safe(self.charts[name]) for name in block.charts if name in self.charts]
        if not drawn:
            return mark_safe("")
        scroll = '<div class="scroll" tabindex="0" role="group" aria-label="{}">{}</div>'
        scrolled = format_html_join("", scroll, ((block.caption, svg) for svg in drawn))
        if block.many:
            scrolled = format_html('<div class="multiples">{}</div>', scrolled)
        many = mark_safe(' class="many"') if block.many else ""
        return format_html("<figure{}>{}<figcaption>{}</figcaption></figure>", many, scrolled, block.caption)

    @block.register
    def _(self, block: Fold) -> SafeString:
        inside = self.blocks(block.blocks)
        return format_html('<details><summary class="soft">{}</summary>\n{}</details>', block.title, inside)

    @block.register
    def _(self, block: Table) -> SafeString:
        looks = ["dense"] * block.dense + ["texts"] * (block.columns[0].kind == "text")
        look = format_html(' class="{}"', " ".join(looks)) if looks else ""
        head = format_html_join("", '<th scope="col">{}</th>', ((inline(column.title),) for column in block.columns))
        rows = format_html_join("\n", "<tr>{}</tr>", ((row_html(block.columns, row),) for row in block.rows))
        found = format_html(
            '<div class="scroll" tabindex="0" role="region" aria-label="{}"><table{}>\n'
            "<thead><tr>{}</tr></thead>\n<tbody>{}</tbody></table></div>",
            block.about,
            look,
            head,
            rows,
        )
        return found + format_html('\n<p class="soft">{}</p>', block.caption) if block.caption else found


def row_html(columns: Sequence[Column], row: Row) -> SafeString:
    return mark_safe("".join(cells(columns, row)))


def cells(columns: Sequence[Column], row: Row) -> Iterator[SafeString]:
    """The first names its row."""
    for place, cell in places(row):
        if isinstance(cell, Span):
            yield format_html('<td colspan="{}" class="text soft">{}</td>', cell.columns, cell.text)
            continue
        kind = columns[place].kind
        if place == 0:
            look = ' class="text"' if kind == "text" else ""
            yield format_html('<th scope="row"{}>{}</th>', mark_safe(look), inline(cell))
        else:
            look = f' class="{kind}"' if kind != "figures" else ""
            yield format_html("<td{}>{}</td>", mark_safe(look), inline(cell))


def inline(part: Inline) -> SafeString:
    match part:
        case None:
            return mark_safe(NOTHING)
        case str() | int():
            return conditional_escape(str(part))
        case Number(value, places, signed):
            return conditional_escape((numbers.signed if signed else numbers.figure)(value, places))
        case Ends(interval, places):
            return conditional_escape(numbers.interval(interval, places))
        case PValue(value, boundary):
            return conditional_escape(numbers.p_value(value, boundary))
        case Percent(value):
            return conditional_escape(numbers.percent(value))
        case Soft(content):
            return format_html('<span class="soft">{}</span>', inline(content))
        case Why(text):
            return format_html('<span class="why soft">{}</span>', text)
        case Strong(content):
            return format_html("<b>{}</b>", inline(content))
        case Code(text):
            return format_html("<code>{}</code>", text)
        case Lines(parts):
            return format_html_join(mark_safe("<br>"), "{}", ((inline(each),) for each in parts))
        case Run(parts):
            return format_html_join("", "{}", ((inline(each),) for each in parts))
