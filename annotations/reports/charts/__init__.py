"""The charts of a report and of a comparison as static SVG, drawn once for the same numbers."""

import hashlib
from collections.abc import Callable

from django.core.cache import cache

from annotations.reports.charts.comparison import comparison_charts
from annotations.reports.charts.drawing import Chart, svg_of
from annotations.reports.charts.metrics import metric_charts
from annotations.reports.charts.raters import rater_charts
from annotations.reports.charts.ratings import rating_charts
from annotations.reports.comparison_schema import CampaignComparison
from annotations.reports.schema.base import Part
from annotations.reports.schema.report import Report

VERSION = 3  # raise it where a chart is drawn otherwise: kept drawings are then left alone
KEPT_SECONDS = 30 * 24 * 3600


def charts_of(report: Report) -> dict[str, str]:
    """SVG by chart, such as `means:fluency`. A report draws what its keys hold."""
    return drawn_once(report, lambda: charts_drawn(report))


def comparison_charts_of(comparison: CampaignComparison) -> dict[str, str]:
    """SVG by chart: `means:0` is that of the first of the comparison's criteria."""
    return drawn_once(comparison, lambda: comparison_charts(comparison))


def drawn_once(results: Part, draw: Callable[[], dict[str, Chart]]) -> dict[str, str]:
    """What `draw` makes of these results, as SVG; kept, and taken from there for the same ones."""
    key = f"charts:{VERSION}:{hashlib.sha256(results.model_dump_json().encode()).hexdigest()}"
    kept: dict[str, str] | None = cache.get(key)
    if kept is None:
        kept = {name: svg_of(chart) for name, chart in draw().items()}
        cache.set(key, kept, KEPT_SECONDS)
    return kept


def charts_drawn(report: Report) -> dict[str, Chart]:
    """Every chart that the report has numbers for, before it becomes SVG."""
    return {**rating_charts(report), **metric_charts(report), **rater_charts(report)}


__all__ = ["Chart", "charts_drawn", "charts_of", "comparison_charts", "comparison_charts_of"]
