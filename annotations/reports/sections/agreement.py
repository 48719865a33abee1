"""How far raters agree."""

from collections.abc import Iterator

from annotations.documents.blocks import (
    Block,
    Ends,
    Fold,
    Number,
    Paragraph,
    Row,
    Section,
    Span,
    Why,
    table,
    undefined,
    undefined_row,
)
from annotations.reports.measures import measure_of
from annotations.reports.schema.report import Report
from annotations.reports.schema.results import Agreement, Coefficient
from annotations.reports.words import agreement_sentence, headed, spaced


def section(report: Report) -> Section:
    return Section("agreement", "Agreement", list(blocks(report)))


def blocks(report: Report) -> Iterator[Block]:
    measure = measure_of(report.campaign)
    rows: list[Row] = []
    for name, result in report.criteria.items():
        found = result.agreement
        if found.alpha is None:
            rows.append([spaced(name), Span(agreement_sentence(result), 2), found.level])
        else:
            rows.append([spaced(name), Number(found.alpha, 2), interval(found), found.level])
    yield table(
        "agreement",
        "Inter-rater agreement, with 95 % intervals.",
        ("Criterion", "Alpha", "95 % interval", "Level"),
        rows,
        caption=measure.agreement_caption,
    )
    for name, result in report.criteria.items():
        if beside := coefficients(result.agreement):
            unit = measure.agreement_unit
            titles = ("Coefficient", "Value", "95 % interval", unit.title, f"Raters per {unit.each}")
            about = (
                f"{headed(name)}: inter-rater agreement, with 95 % intervals, over {unit.title.lower()} that were "
                "rated by several raters."
            )
            made = table(f"agreement-{name}", about, titles, [coefficient_row(each) for each in beside])
            yield Fold(f"Other coefficients for {spaced(name)}", [made])
    if not report.criteria:
        yield Paragraph("No ratings yet.")


def interval(found: Agreement | Coefficient) -> Ends | Why:
    return Ends(found.ci, 2) if found.ci else undefined(found.undefined)


def coefficient_row(found: Coefficient) -> Row:
    if found.value is None:
        return [found.name, undefined_row(found.undefined, 4)]
    return [found.name, Number(found.value, 2), interval(found), found.units, f"{round(found.ratings, 1):g}"]


def coefficients(agreement: Agreement) -> list[Coefficient]:
    """The coefficients beside alpha, neighbours that are undefined for one reason in one row; none where all are
    undefined as alpha is, which says why."""
    rows: list[Coefficient] = []
    for row in agreement.coefficients:
        last = rows[-1] if rows else None
        if last and row.value is None and last.value is None and last.undefined == row.undefined:
            rows[-1] = last.model_copy(update={"name": f"{last.name}, {row.name}"})
        else:
            rows.append(row)
    as_alpha = len(rows) == 1 and rows[0].value is None and rows[0].undefined == agreement.undefined
    return [] if as_alpha else rows
