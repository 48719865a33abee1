"""A report as one HTML file that needs nothing beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from annotations.reports.charts import intervals_svg

EXAMPLES = {"best": "Rated best", "worst": "Rated worst", "disputed": "Disputed most"}


def report_html(report: Mapping[str, Any]) -> str:
    stylesheet = finders.find("annotations/report.css")
    css = Path(stylesheet).read_text(encoding="utf-8") if stylesheet else ""
    return render_to_string("annotations/report.html", {**report_context(report), "css": css})


def report_context(report: Mapping[str, Any]) -> dict[str, Any]:
    """What the report's template needs: the tables, and the charts as SVG."""
    criteria = [
        {
            "name": name,
            "title": name.replace("_", " "),
            **result,
            "chart": mark_safe(intervals_svg(result["systems"], title=f"Means and 95 % intervals: {name}")),
            "pairs": [pair for pair in report["pairs"] if pair["criterion"] == name],
            "examples": [
                {"title": title, "rows": report["examples"].get(name, {}).get(kind, [])}
                for kind, title in EXAMPLES.items()
            ],
        }
        for name, result in report["criteria"].items()
    ]
    metrics = sorted({metric for cells in report["metrics"].values() for metric in cells})
    table = [
        {"system": system, "cells": [cells[metric] for metric in metrics]}
        for system, cells in sorted(report["metrics"].items())
    ]
    signatures = {
        metric: next(
            (cells[metric]["signature"] for cells in report["metrics"].values() if cells[metric]["signature"]), ""
        )
        for metric in metrics
    }
    return {"report": report, "criteria": criteria, "metrics": metrics, "table": table, "signatures": signatures}
