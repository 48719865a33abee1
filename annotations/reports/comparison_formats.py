"""The files that a comparison of campaigns can be taken away as, and its tables for a terminal."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from annotations.reports.charts import comparison_charts_of
from annotations.reports.export import csv_file
from annotations.reports.formats import Format
from annotations.reports.scales import places_on
from annotations.templatetags.report_numbers import figure, interval, p_value

Comparison = Mapping[str, Any]


def comparison_context(comparison: Comparison) -> dict[str, Any]:
    """What the template needs: each criterion with its chart, its differences apart, and how many places to show."""
    charts = comparison_charts_of(comparison)
    criteria = [
        {
            **result,
            "title": result["criterion"].replace("_", " "),
            "chart": mark_safe(charts.get(f"means:{place}", "")),
            "places": places_on(*result["scale"]),
            "between_systems": [row for row in result["differences"] if row["kind"] == "systems"],
            "between_raters": [row for row in result["differences"] if row["kind"] == "raters"],
        }
        for place, result in enumerate(comparison["criteria"])
    ]
    return {"comparison": comparison, "criteria": criteria}


def html(comparison: Comparison) -> bytes:
    sheets = filter(None, [finders.find(f"annotations/{name}.css") for name in ("report", "comparison")])
    css = "\n".join(Path(sheet).read_text(encoding="utf-8") for sheet in sheets)
    context = {**comparison_context(comparison), "css": css}
    return render_to_string("annotations/comparison/file.html", context).encode()


def as_json(comparison: Comparison) -> bytes:
    return json.dumps(comparison, ensure_ascii=False, indent=1).encode()


COLUMNS = (
    "kind", "measure", "system", "campaign", "minus_system", "minus_campaign", "value", "low", "high", "p", "p_holm",
    "z", "n", "raters", "items", "against_links", "against_links_low", "against_links_high", "signature", "said",
)  # fmt: skip


def csv(comparison: Comparison) -> bytes:
    """One row a mean, a difference, a metric's value, and a sentence about what is left out."""
    return csv_file(COLUMNS, ([row.get(column) for column in COLUMNS] for row in rows_of(comparison)))


def rows_of(comparison: Comparison) -> Iterator[dict[str, Any]]:
    for result in comparison["criteria"]:
        about = {"measure": result["criterion"]}
        for row in result["systems"]:
            for cell in filter(None, row["cells"]):
                low, high = cell["ci"] or (None, None)
                named = {"kind": "mean", "system": row["system"], "value": cell["mean"], "low": low, "high": high}
                yield {**about, **cell, **named, "said": cell["undefined"]}
        for row in result["differences"]:
            low, high = row["ci"] or (None, None)
            against = row["against_links"] or {"difference": None, "ci": None}
            against_low, against_high = against["ci"] or (None, None)
            yield {
                **about,
                **row,
                "kind": f"difference between {row['kind']}",
                "system": row["system_a"],
                "campaign": row["campaign_a"],
                "minus_system": row["system_b"],
                "minus_campaign": row["campaign_b"],
                "value": row["difference"],
                "low": low,
                "high": high,
                "against_links": against["difference"],
                "against_links_low": against_low,
                "against_links_high": against_high,
                "said": row["undefined"],
            }
        for sentence in filter(None, [*result["notes"], result["raters"], result["undefined"]]):
            yield {**about, "kind": "note", "said": sentence}
    metrics = comparison["metrics"]
    for table in metrics["tables"]:
        for row in table["systems"]:
            for campaign, cell in zip(table["campaigns"], row["cells"], strict=True):
                if cell:
                    low, high = cell["ci"] or (None, None)
                    about = {"kind": "metric", "measure": table["metric"], "signature": table["signature"]}
                    where = {"system": row["system"], "campaign": campaign}
                    yield {**about, **where, "value": cell["value"], "low": low, "high": high}
    for sentence in [*comparison["left_out"], *metrics["left_out"], *metrics["notes"]]:
        yield {"kind": "note", "said": sentence}


FORMATS: dict[str, Format] = {
    "html": Format("HTML", "text/html; charset=utf-8", "html", html),
    "csv": Format("CSV", "text/csv; charset=utf-8", "csv", csv),
    "json": Format("JSON", "application/json", "json", as_json),
}


def lines_of(comparison: Comparison) -> Iterator[str]:
    """The comparison for a terminal."""
    for result in comparison["criteria"]:
        yield f"{result['criterion']}: {', '.join(result['campaigns'])}"
        yield from (f"  {sentence}" for sentence in filter(None, [*result["notes"], result["undefined"]]))
        places = places_on(*result["scale"])
        if result["systems"]:
            head = ["system"]
            for name in result["campaigns"]:
                head += [name, "95 % interval", "z", "ratings", "raters"]
            yield from aligned(
                [head, *([row["system"], *mean_words(row["cells"], places)] for row in result["systems"])]
            )
        if result["raters"]:
            yield f"  {result['raters']}"
        if result["differences"]:
            head = [
                "difference",
                "",
                "95 % interval",
                "p, not adjusted",
                "p (Holm)",
                "items",
                "against the link",
                "95 % interval",
            ]
            yield from aligned([head, *(difference_words(row, places) for row in result["differences"])])
        yield ""
    metrics = comparison["metrics"]
    for table in metrics["tables"]:
        head = [table["metric"], *(word for name in table["campaigns"] for word in (name, "95 % interval"))]
        rows = [
            [row["system"], *(word for cell in row["cells"] for word in metric_words(cell))] for row in table["systems"]
        ]
        yield from aligned([head, *rows])
        yield f"  {table['signature']}"
        yield ""
    yield from comparison["left_out"]
    yield from metrics["left_out"]
    yield from metrics["notes"]


def mean_words(cells: Sequence[Mapping[str, Any] | None], places: int) -> Iterator[str]:
    for cell in cells:
        if cell is None:
            yield from ["–"] * 5
        else:
            between = cell["undefined"] or interval(cell["ci"], places)
            yield from (
                figure(cell["mean"], places),
                between,
                figure(cell["z"], 2),
                str(cell["n"]),
                str(cell["raters"]),
            )


def difference_words(row: Mapping[str, Any], places: int) -> list[str]:
    names = " − ".join(named(row[f"system_{side}"], row[f"campaign_{side}"]) for side in "ab")
    found = [figure(row["difference"], places), row["undefined"] or interval(row["ci"], places)]
    against = row["against_links"]
    beside = ["", ""]
    if against:
        beside = [figure(against["difference"], places), against["undefined"] or interval(against["ci"], places)]
    return [names, *found, p_value(row["p"]), p_value(row["p_holm"]), str(row["items"]), *beside]


def named(system: str, campaign: str) -> str:
    return system if system.endswith(f"({campaign})") else f"{system} in {campaign}"


def metric_words(cell: Mapping[str, Any] | None) -> tuple[str, str]:
    return (figure(cell["value"], 3), interval(cell["ci"], 3)) if cell else ("–", "–")


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Indented columns, the first to the left, figures to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        yield "  " + "  ".join([first.ljust(widths[0]), *cells]).rstrip()
