"""How the numbers were computed."""

import numpy as np

from annotations.documents.blocks import Paragraph, Section
from annotations.reports.inputs import Inputs
from annotations.reports.method import method_of
from annotations.reports.schema.report import MethodPart, Report


def compute(inputs: Inputs) -> MethodPart:
    method = method_of(
        inputs.campaign,
        raters=len(np.unique(inputs.table.raters)) or None,
        albums=len(np.unique(inputs.table.albums)) or None,
        estimators=[pair.estimator for pair in inputs.results.pairs],
    )
    return MethodPart(method=method)


def section(report: Report) -> Section:
    paragraphs = [Paragraph(part) for part in report.method.split("\n\n")]
    return Section("method", "Method", [*paragraphs, Paragraph(f"Report layout version {report.version}.", "soft")])
