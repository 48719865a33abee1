"""A report as one HTML file that needs nothing beside it."""

from pathlib import Path
from typing import NamedTuple

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from annotations.documents.blocks import Section
from annotations.documents.renderers.html import Html
from annotations.reports import words
from annotations.reports.charts import charts_of
from annotations.reports.schema.report import Report
from annotations.reports.sections import sections_of


def report_html(report: Report) -> str:
    stylesheet = finders.find("annotations/report.css")
    css = Path(stylesheet).read_text(encoding="utf-8") if stylesheet else ""
    return render_to_string("annotations/report.html", {**report_page(report)._asdict(), "css": css})


class ReportPage(NamedTuple):
    """What the report's template shows: its answer in short, then its other sections, in HTML and by name."""

    report: Report
    short: SafeString
    body: list[SafeString]
    sections: list[Section]
    criteria: list[str]


def report_page(report: Report) -> ReportPage:
    html = Html(charts_of(report), prefix="report-")
    short, *sections = sections_of(report)
    body, criteria = [html.section(section) for section in sections], [words.spaced(name) for name in report.criteria]
    return ReportPage(report, html.section(short), body, sections, criteria)
