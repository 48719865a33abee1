"""The files that a report can be taken away as. Each is made from the kept report alone."""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from annotations.documents.renderers.latex import document_latex
from annotations.documents.renderers.text import document_text
from annotations.reports.export import report_csv
from annotations.reports.heds import report_heds
from annotations.reports.pdf import report_pdf
from annotations.reports.render import report_html
from annotations.reports.schema.report import Report
from annotations.reports.sections import document_of

Results = TypeVar("Results")


class Format(NamedTuple, Generic[Results]):
    """How a format is called on a page, its media type and file name ending, and what writes it."""

    title: str
    media_type: str
    suffix: str
    write: Callable[[Results], bytes]


def html(report: Report) -> bytes:
    return report_html(report).encode()


def latex(report: Report) -> bytes:
    return document_latex(document_of(report)).encode()


def text(report: Report) -> bytes:
    return document_text(document_of(report)).encode()


def heds(report: Report) -> bytes:
    return report_heds(report).encode()


# JSON is not among them: it is the kept bytes themselves.
FORMATS: dict[str, Format[Report]] = {
    "html": Format("HTML", "text/html; charset=utf-8", "html", html),
    "pdf": Format("PDF", "application/pdf", "pdf", report_pdf),
    "csv": Format("CSV", "text/csv; charset=utf-8", "csv", report_csv),
    "latex": Format("LaTeX", "application/x-tex; charset=utf-8", "tex", latex),
    "text": Format("Text", "text/plain; charset=utf-8", "txt", text),
    "heds": Format("Datasheet (HEDS)", "text/markdown; charset=utf-8", "heds.md", heds),
}
NAMES = ("json", *FORMATS)
