"""Automatic metrics that campaigns computed in the same way on the same items."""

from collections.abc import Iterator

from annotations.documents.blocks import (
    Block,
    Code,
    Column,
    Ends,
    Inline,
    Lines,
    Number,
    Paragraph,
    Section,
    Soft,
    table,
)
from annotations.reports.comparison_schema import MetricCell, MetricComparison

PLACES = 3


def section(metrics: MetricComparison) -> Section:
    return Section("metrics", "Automatic metrics", list(blocks(metrics)))


def blocks(metrics: MetricComparison) -> Iterator[Block]:
    for number, found in enumerate(metrics.tables, start=1):
        titles: list[str | Column] = [Column(found.metric, "names"), *found.campaigns]
        rows = [[row.system, *map(value, row.cells)] for row in found.systems]
        yield table(f"metric-{number}", f"{found.metric}, with 95 % intervals.", titles, rows)
        yield Paragraph(Soft(Code(found.signature)))
    for sentence in (*metrics.left_out, *metrics.notes):
        yield Paragraph(sentence, "soft")


def value(cell: MetricCell | None) -> Inline:
    if cell is None:
        return None
    number = Number(cell.value, PLACES)
    return Lines([number, Soft(Ends(cell.ci, PLACES))]) if cell.ci else number
