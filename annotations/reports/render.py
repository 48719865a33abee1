"""A report as one HTML file that needs nothing beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from annotations.reports import effect_words, model_words, words
from annotations.reports.charts import charts_of
from annotations.reports.charts.ratings import pairs_drawn
from annotations.reports.metrics import part_said
from annotations.reports.pairs import ranked_pairs
from annotations.reports.scales import (
    LEVEL,
    adjusted,
    is_adjusted,
    is_choice,
    is_shown,
    limit_of,
    places_of,
    scale_is_found,
    scale_of,
)
from annotations.reports.scope import bootstrap_sentence, scope_sentences

Report = Mapping[str, Any]

EXAMPLES = {"best": "Rated best", "worst": "Rated worst", "disputed": "Disputed most"}
LEVELS = {"pooled": "all texts together", "within_item": "within items", "system": "between systems"}
COEFFICIENTS = ("pearson", "spearman", "kendall")


def report_html(report: Report) -> str:
    stylesheet = finders.find("annotations/report.css")
    css = Path(stylesheet).read_text(encoding="utf-8") if stylesheet else ""
    return render_to_string("annotations/report.html", {**report_context(report), "css": css})


def report_context(report: Report) -> dict[str, Any]:
    """What the report's template needs beside the report: sentences, tables, and the charts as SVG."""
    charts = {name: mark_safe(svg) for name, svg in charts_of(report).items()}
    criteria = [criterion_context(report, name, charts) for name in report["criteria"]]
    return {
        "report": report,
        "short": effect_words.with_primary_effects(report, words.in_short(report)),
        "asked": words.asked(report),
        "scale_is_found": scale_is_found(report["campaign"]),
        "declared_label": words.declared_label(report),
        "shown": words.SHOWN.get(report["campaign"]["show"], report["campaign"]["show"]),
        "look": words.look_sentence(report),
        "primary": " ".join([words.primary_sentence(report), *effect_words.primary_sentences(report)]).strip(),
        "declared": words.declared_sentence(report),
        "margin": effect_words.margin_sentence(report),
        "untested": words.untested_sentence(report),
        "early": words.early_sentence(report),
        "criteria": criteria,
        "chosen": any(criterion["choice"] for criterion in criteria),
        "uncompared": uncompared(criteria),
        **metrics_context(report),
        "raters": raters_context(report),
        "raters_chart": charts.get("raters"),
        "exclusions": exclusions_context(report),
        "level": LEVEL,
    }


def uncompared(criteria: Sequence[dict[str, Any]]) -> str | None:
    """Why by no criterion metrics are set beside people, where that is one reason for all: it is then said once."""
    reasons = {(criterion["compared"] or {}).get("undefined") for criterion in criteria}
    if len(reasons) != 1 or None in reasons:
        return None
    for criterion in criteria:
        criterion["compared"] = None
    return reasons.pop()


def criterion_context(report: Report, name: str, charts: Mapping[str, str]) -> dict[str, Any]:
    result, pairs = report["criteria"][name], ranked_pairs(report, name)
    choice = is_choice(report, name)
    drawn = pairs_drawn(report, name) if result["systems"] else []
    examples = report.get("examples", {}).get(name, {})
    return {
        **result,
        "name": name,
        "title": words.spaced(name),
        "scale": scale_of(report, name),
        "places": places_of(report, name),
        "difference_places": words.LOG_STRENGTH if choice else places_of(report, name),
        "choice": choice,
        "leader": words.leader_sentence(report, name),
        "counted": words.pairs_sentence(report, name),
        "scope": scope_sentences(report, name),
        "bootstrap": bootstrap_sentence(report, name),
        "exact_pairs": exact_pairs(report, pairs),
        "agree": words.agreement_sentence(result),
        "coefficients": coefficients(result["agreement"]),
        "chart": {kind: charts.get(f"{kind}:{name}") for kind in ("means", "differences", "distributions", "matrix")},
        "pairs": [
            {
                **pair,
                "shown": is_shown(report, pair),
                "limit": limit_of(report, pair),
                "decides": adjusted(pair),
            }
            for pair in pairs
        ],
        "adjusted": any(is_adjusted(report, pair) for pair in pairs),
        "has_primary": any(pair.get("primary") for pair in pairs),
        **model_words.models_context(pairs),
        "sentences": [
            words.contrast_sentence(report, pair, name_criterion=False) for pair in drawn if not pair.get("primary")
        ],
        "some_pairs": len(drawn) < len(pairs),
        "examples": [{"title": title, "rows": examples.get(kind, [])} for kind, title in EXAMPLES.items()],
        "compared": correlation_context(report, name, charts),
        **effect_words.criterion_context(report, name, pairs),
    }


def coefficients(agreement: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The coefficients beside alpha, neighbours that are undefined for one reason in one row; none where all are
    undefined as alpha is, which says why."""
    rows: list[dict[str, Any]] = []
    for row in agreement.get("coefficients") or []:
        last = rows[-1] if rows else None
        if last and row["value"] is None and last["value"] is None and last["undefined"] == row["undefined"]:
            last["name"] += f", {row['name']}"
        else:
            rows.append({**row})
    only = rows[0] if len(rows) == 1 else None
    as_alpha = only and only["value"] is None and only["undefined"] == agreement["undefined"]
    return [] if as_alpha else rows


def exact_pairs(report: Report, pairs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The pairs with their exact tests; none in reports that were kept before there were any."""
    return [
        {
            **pair,
            "limit": limit_of(report, pair),
            "exact_tests": [pair["exact"][by] for by in ("by_raters", "by_albums")],
        }
        for pair in pairs
        if "exact" in pair
    ]


def metrics_context(report: Report) -> dict[str, Any]:
    """The metrics' table, what of it is undefined and why, signatures, and the differences between systems."""
    by_system = report.get("metrics") or {}
    metrics = sorted({metric for cells in by_system.values() for metric in cells})
    table = [{"system": system, "cells": [cells.get(m, {}) for m in metrics]} for system, cells in by_system.items()]
    missing: dict[tuple[str, str], list[str]] = {}
    for system, cells in by_system.items():
        for metric, cell in cells.items():
            if cell.get("value") is None:
                missing.setdefault((system, cell.get("undefined") or "no reason was kept"), []).append(metric)
    signatures = {
        metric: next((cells[metric]["signature"] for cells in by_system.values() if has(cells, metric)), "")
        for metric in metrics
    }
    return {
        "metrics": metrics,
        "table": sorted(table, key=lambda row: row["system"]),
        "missing": [(system, ", ".join(of), why) for (system, why), of in missing.items()],
        "signatures": signatures,
        "part": part_said(by_system),
        "differences": differences_table(report.get("metric_differences") or {}),
    }


def differences_table(by_metric: Mapping[str, Any]) -> dict[str, Any] | None:
    """A row a pair of systems, a cell a metric."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for metric, found in by_metric.items():
        for pair in found["pairs"]:
            rows.setdefault((pair["system_a"], pair["system_b"]), {})[metric] = pair
    if not by_metric:
        return None
    return {
        "metrics": list(by_metric),
        "rows": [(one, other, [cells.get(metric) for metric in by_metric]) for (one, other), cells in rows.items()],
        "signatures": [(metric, found.get("signature")) for metric, found in by_metric.items()],
        "undefined": [(metric, found["undefined"]) for metric, found in by_metric.items() if found.get("undefined")],
    }


def has(cells: Mapping[str, Any], metric: str) -> bool:
    return bool(cells.get(metric, {}).get("signature"))


def correlation_context(report: Report, criterion: str, charts: Mapping[str, str]) -> dict[str, Any] | None:
    """A row a metric and level, another for how often metric and people prefer the same; charts and disagreements."""
    found = (report.get("correlation") or {}).get(criterion)
    apart = (report.get("disagreements") or {}).get(criterion) or {}
    if not found and not apart:
        return None
    found = found or {}
    rows = [
        {"metric": metric, "level": called, "cells": [level.get(each) for each in COEFFICIENTS], **counts(level)}
        for metric, levels in (found.get("metrics") or {}).items()
        for key, called in LEVELS.items()
        if (level := levels.get(key))
    ]
    for row in rows:
        why = {(cell or {}).get("undefined") for cell in row["cells"]}
        row["undefined"] = (
            why.pop() if len(why) == 1 and all((c or {}).get("value") is None for c in row["cells"]) else None
        )
    return {
        "rows": rows,
        "accuracies": [
            {"metric": metric, **levels["accuracy"]}
            for metric, levels in (found.get("metrics") or {}).items()
            if levels.get("accuracy")
        ],
        "charts": [
            charts[key] for metric in found.get("points") or {} if (key := f"metric:{criterion}:{metric}") in charts
        ],
        "williams": found.get("williams") or [],
        "left_out": found.get("left_out") or [],
        "undefined": found.get("undefined"),
        "disagreements": [{"against": metric, **row} for metric, rows in apart.items() for row in rows],
    }


def counts(level: Mapping[str, Any]) -> dict[str, Any]:
    return {"units": level.get("units"), "left_out": level.get("left_out")}


def raters_context(report: Report) -> dict[str, Any]:
    rows = report.get("raters") or []
    reasons = {row["undefined"] for row in rows if row.get("undefined")}
    scored = any(row.get("mean") is not None for row in rows)
    floor = next((row["floor"] for row in rows if row.get("floor")), None)
    return {
        "rows": [{"number": number, **row} for number, row in enumerate(rows, start=1)],
        "places": min((places_of(report, name) for name in report["criteria"]), default=1),
        "floor": floor or "the time it takes to read them",
        "timed": any(row.get("seconds") is not None for row in rows),
        "checked": any(row.get("degraded") or row.get("consistency") for row in rows),
        "repeats": (
            repeats := [{"title": words.spaced(name), **row} for name, row in (report.get("repeats") or {}).items()]
        ),
        "repeats_undefined": any(row["undefined"] for row in repeats),
        "excluded": any(row.get("excluded") for row in rows),
        "scored": scored,
        "undefined": bool(reasons) if scored else len(reasons) > 1,
        "unscored": None if scored or len(reasons) != 1 else reasons.pop(),
    }


def exclusions_context(report: Report) -> dict[str, Any] | None:
    """Who was left out and why, and every result without and with them."""
    given = report.get("exclusions") or {}
    if not given.get("raters"):
        return None
    criteria = []
    for name, rows in (given.get("criteria_with_all") or {}).items():
        without = {row["system"]: row for row in report["criteria"].get(name, {}).get("systems", [])}
        pairs = {(p["system_a"], p["system_b"]): p for p in report["pairs"] if p["criterion"] == name}
        kept = [
            {"all": pair, "without": pairs.get((pair["system_a"], pair["system_b"]))}
            for pair in given.get("pairs_with_all") or []
            if pair["criterion"] == name
        ]
        places = places_of(report, name)
        criteria.append(
            {
                "title": words.spaced(name),
                "places": places,
                "difference_places": words.LOG_STRENGTH if is_choice(report, name) else places,
                "systems": [{"all": row, "without": without.get(row["system"])} for row in rows],
                "pairs": kept,
            }
        )
    return {"raters": given["raters"], "criteria": criteria}
