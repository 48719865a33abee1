"""Which errors raters marked, of which kind and how severe, and whether they marked the same."""

from collections.abc import Iterator, Sequence

from annotations.documents.blocks import (
    Block,
    Cell,
    Column,
    Ends,
    Heading,
    Number,
    Paragraph,
    Percent,
    Row,
    Section,
    Span,
    Why,
    table,
    undefined,
)
from annotations.reports.inputs import Inputs
from annotations.reports.measures import measure_of
from annotations.reports.schema.base import Estimate
from annotations.reports.schema.errors import Errors, ErrorsPart, SystemErrors
from annotations.reports.schema.report import Report
from annotations.reports.scope import populations
from annotations.reports.words import headed, spaced

PLACES = 2
MEANING = (
    "Alpha over code points: 1 if raters marked the same, 0 if no more alike than by chance. Severity and category are "
    "those of the marked code points, not marked being a value of its own."
)


def compute(inputs: Inputs) -> ErrorsPart:
    return ErrorsPart(errors=dict(measure_of(inputs.campaign).errors(inputs.campaign, inputs.table)))


def section(report: Report) -> Section:
    return Section("errors", "Errors", list(blocks(report)))


def blocks(report: Report) -> Iterator[Block]:
    part = ErrorsPart.of(report)
    for name, found in part.errors.items() if part else ():
        if len(report.criteria) > 1:
            yield Heading(spaced(name))
        if not found.systems:
            yield Paragraph("No ratings yet.")
            continue
        systems = in_order(found, [row.system for row in report.criteria[name].systems])
        yield by_severity(report, name, found, systems)
        yield by_category(report, name, found, systems)
        yield agreement(name, found)


def in_order(found: Errors, ranked: Sequence[str]) -> list[SystemErrors]:
    return sorted(found.systems, key=lambda each: ranked.index(each.system))


def by_severity(report: Report, name: str, found: Errors, systems: Sequence[SystemErrors]) -> Block:
    rows: list[Row] = [
        [
            each.system,
            each.n,
            Percent(each.clean / each.n),
            *(each.counts[severity] for severity in found.weights),
            *cells(each.per_100_words),
        ]
        for each in systems
    ]
    severities = [f"{headed(severity)} ({weight:g})" for severity, weight in found.weights.items()]
    titles = ("System", "Ratings", "Without errors", *severities, "Weight per 100 words", "95 % interval")
    about = (
        f"{headed(name)}: the errors that raters marked, by severity and its weight, and their weight per 100 words of "
        f"the rated texts, with 95 % intervals {populations(report, name)}."
    )
    return table(f"errors-{name}", about, titles, rows)


def by_category(report: Report, name: str, found: Errors, systems: Sequence[SystemErrors]) -> Block:
    rows: list[Row] = [
        [
            each.system,
            spaced(kind.category),
            *(kind.counts[severity] for severity in found.weights),
            *cells(kind.weight),
        ]
        for each in systems
        for kind in each.categories
    ]
    severities = [headed(severity) for severity in found.weights]
    titles: list[str | Column] = ["System", Column("Category", "text"), *severities]
    titles += ["Weight per text", "95 % interval"]
    about = (
        f"{headed(name)}: the errors that raters marked, by category and severity, and their weight per rated text, "
        f"with 95 % intervals {populations(report, name)}."
    )
    return table(f"error-categories-{name}", about, titles, rows)


def agreement(name: str, found: Errors) -> Block:
    rows: list[Row] = [[each.what, *cells(each), each.texts, f"{round(each.ratings, 1):g}"] for each in found.agreement]
    titles = (Column("Of a code point", "names"), "Alpha", "95 % interval", "Texts", "Raters per text")
    about = f"{headed(name)}: whether raters of the same text marked the same, with 95 % intervals."
    return table(f"error-agreement-{name}", about, titles, rows, caption=MEANING)


def cells(found: Estimate) -> list[Cell]:
    """A value and its interval, or why there is none."""
    if found.value is None:
        return [Span(undefined(found.undefined).text, 2)]
    ends = Ends(found.ci, PLACES) if found.ci else Why(str(found.undefined)) if found.undefined else None
    return [Number(found.value, PLACES), ends]
