"""The files that a comparison of campaigns can be taken away as, and its text for a terminal."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from annotations.documents.renderers.html import Html
from annotations.documents.renderers.latex import document_latex
from annotations.documents.renderers.text import document_text
from annotations.reasons import sentence_of, worded
from annotations.reports.charts import comparison_charts_of
from annotations.reports.comparison_schema import CampaignComparison, CampaignDifference, CampaignMean
from annotations.reports.comparison_sections import document_of, sections_of
from annotations.reports.export import csv_file
from annotations.reports.formats import Format
from annotations.reports.pdf import pages_of


def html(comparison: CampaignComparison) -> bytes:
    sheets = filter(None, [finders.find(f"annotations/{name}.css") for name in ("report", "comparison")])
    css = "\n".join(Path(sheet).read_text(encoding="utf-8") for sheet in sheets)
    context = {"comparison": comparison, "body": body_of(comparison), "css": css}
    return render_to_string("annotations/comparison/file.html", context).encode()


def pdf(comparison: CampaignComparison) -> bytes:
    """Raises InputError where the system libraries that WeasyPrint draws with are missing."""
    written: bytes = pages_of(html(comparison).decode()).write_pdf()
    return written


def body_of(comparison: CampaignComparison) -> list[SafeString]:
    """Its sections as HTML."""
    renderer = Html(comparison_charts_of(comparison), prefix="comparison-")
    return [renderer.section(section) for section in sections_of(comparison)]


def latex(comparison: CampaignComparison) -> bytes:
    return document_latex(document_of(comparison)).encode()


def text(comparison: CampaignComparison) -> str:
    return document_text(document_of(comparison))


def as_json(comparison: CampaignComparison) -> bytes:
    return json.dumps(comparison.model_dump(mode="json"), ensure_ascii=False, indent=1).encode()


class CsvRow(NamedTuple):
    """A mean, a difference, a metric's value, or a sentence, whose place is `said`."""

    kind: str
    measure: str | None = None
    system: str | None = None
    campaign: str | None = None
    minus_system: str | None = None
    minus_campaign: str | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_holm: float | None = None
    z: float | None = None
    n: int | None = None
    raters: int | None = None
    items: int | None = None
    against_links: float | None = None
    against_links_low: float | None = None
    against_links_high: float | None = None
    signature: str | None = None
    said: str | None = None


def csv(comparison: CampaignComparison) -> bytes:
    """One row a mean, a difference, a metric's value, and a sentence about what is left out."""
    return csv_file(CsvRow._fields, rows_of(comparison))


def rows_of(comparison: CampaignComparison) -> Iterator[CsvRow]:
    for result in comparison.criteria:
        for system in result.systems:
            yield from (mean_row(result.criterion, system.system, cell) for cell in system.cells if cell)
        yield from (difference_row(result.criterion, row) for row in result.differences)
        for said in filter(None, [*result.notes, result.raters, sentence_of(result.undefined)]):
            yield CsvRow("note", result.criterion, said=said)
    metrics = comparison.metrics
    for table in metrics.tables:
        for row in table.systems:
            for campaign, cell in zip(table.campaigns, row.cells, strict=True):
                if cell:
                    low, high = cell.ci or (None, None)
                    yield CsvRow(
                        "metric",
                        table.metric,
                        system=row.system,
                        campaign=campaign,
                        value=cell.value,
                        low=low,
                        high=high,
                        signature=table.signature,
                    )
    for sentence in [*comparison.left_out, *metrics.left_out, *metrics.notes]:
        yield CsvRow("note", said=sentence)


def mean_row(criterion: str, system: str, mean: CampaignMean) -> CsvRow:
    low, high = mean.ci or (None, None)
    return CsvRow(
        "mean",
        criterion,
        system=system,
        campaign=mean.campaign,
        value=mean.mean,
        low=low,
        high=high,
        z=mean.z,
        n=mean.n,
        raters=mean.raters,
        items=mean.items,
        said=worded(mean.undefined) or None,
    )


def difference_row(criterion: str, row: CampaignDifference) -> CsvRow:
    low, high = row.ci or (None, None)
    against = row.against_links
    against_low, against_high = against.ci if against and against.ci else (None, None)
    return CsvRow(
        f"difference between {row.kind}",
        criterion,
        system=row.system_a,
        campaign=row.campaign_a,
        minus_system=row.system_b,
        minus_campaign=row.campaign_b,
        value=row.difference,
        low=low,
        high=high,
        p=row.p,
        p_holm=row.p_holm,
        n=row.n,
        items=row.items,
        against_links=against.difference if against else None,
        against_links_low=against_low,
        against_links_high=against_high,
        said=worded(row.undefined) or None,
    )


FORMATS: dict[str, Format[CampaignComparison]] = {
    "html": Format("HTML", "text/html; charset=utf-8", "html", html),
    "pdf": Format("PDF", "application/pdf", "pdf", pdf),
    "latex": Format("LaTeX", "application/x-tex; charset=utf-8", "tex", latex),
    "csv": Format("CSV", "text/csv; charset=utf-8", "csv", csv),
    "json": Format("JSON", "application/json", "json", as_json),
}
