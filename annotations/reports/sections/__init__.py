"""A report's sections, in the order in which they are read: a file each, which computes its part and yields blocks."""

from collections.abc import Callable
from typing import NamedTuple

from annotations.documents.blocks import Document, Section
from annotations.reports.inputs import Inputs
from annotations.reports.schema.base import Part
from annotations.reports.schema.report import Report
from annotations.reports.sections import (
    agreement,
    asked,
    cannot_say,
    detection,
    errors,
    examples,
    forced_choice,
    method,
    metrics,
    questionnaires,
    raters,
    results,
    rewrites,
    short,
)


class ReportSection(NamedTuple):
    """How a section shows a report, and what it adds to one: a part whose fields are keys of the report."""

    show: Callable[[Report], Section]
    compute: Callable[[Inputs], Part] | None = None


SECTIONS = (
    ReportSection(short.section),
    ReportSection(asked.section, asked.compute),
    ReportSection(results.section, results.compute),
    ReportSection(detection.section, detection.compute),
    ReportSection(forced_choice.section, forced_choice.compute),
    ReportSection(rewrites.section, rewrites.compute),
    ReportSection(errors.section, errors.compute),
    ReportSection(cannot_say.section, cannot_say.compute),
    ReportSection(agreement.section),
    ReportSection(metrics.section, metrics.compute),
    ReportSection(examples.section, examples.compute),
    ReportSection(raters.section, raters.compute),
    ReportSection(questionnaires.section, questionnaires.compute),
    ReportSection(method.section, method.compute),
)


def report_of(inputs: Inputs) -> Report:
    return Report.of(each.compute(inputs) for each in SECTIONS if each.compute)


def sections_of(report: Report) -> list[Section]:
    """Those that have something to show."""
    return [section for each in SECTIONS if (section := each.show(report)).blocks]


def document_of(report: Report) -> Document:
    return Document(f"Report of the campaign {report.campaign.name}", sections_of(report))
