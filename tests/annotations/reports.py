"""Reports and comparisons as their JSON has them, and what is made of that JSON."""

import json
from collections.abc import Sequence
from typing import Any

from annotations.models import Campaign
from annotations.reports import build, charts, comparison, comparison_formats, export, formats, heds, pairs, pdf, render
from annotations.reports.charts import Chart
from annotations.reports.comparison_schema import CampaignComparison
from annotations.reports.keeping import as_json
from annotations.reports.schema.report import Report

Json = dict[str, Any]


def report_build(campaign: Campaign, **options: Any) -> Json:
    found: Json = json.loads(as_json(build.report_build(campaign, **options)))
    return found


def report_html(report: Json) -> str:
    return render.report_html(Report.model_validate(report))


def report_latex(report: Json) -> str:
    return formats.latex(Report.model_validate(report)).decode()


def report_heds(report: Json) -> str:
    return heds.report_heds(Report.model_validate(report))


def report_csv(report: Json) -> bytes:
    return export.report_csv(Report.model_validate(report))


def report_document(report: Json) -> Any:
    """The pages of its PDF."""
    return pdf.document(Report.model_validate(report))


def ranked_pairs(report: Json, criterion: str) -> list[Json]:
    found = pairs.ranked_pairs(Report.model_validate(report), criterion)
    return [pair.model_dump(mode="json") for pair in found]


def charts_drawn(report: Json) -> dict[str, Chart]:
    return charts.charts_drawn(Report.model_validate(report))


def charts_of(report: Json) -> dict[str, str]:
    return charts.charts_of(Report.model_validate(report))


def comparison_build(names: Sequence[str]) -> Json:
    found: Json = json.loads(comparison_formats.as_json(comparison.comparison_build(names)))
    return found


def comparison_charts(compared: Json) -> dict[str, Chart]:
    return charts.comparison_charts(CampaignComparison.model_validate(compared))


def comparison_charts_of(compared: Json) -> dict[str, str]:
    return charts.comparison_charts_of(CampaignComparison.model_validate(compared))
