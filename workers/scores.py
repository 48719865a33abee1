"""Scores as tables on pages of the site: systems side by side, and a decoding beside people."""

from collections.abc import Mapping
from typing import Any

from annotations.models import Decoding, Metric, Score
from modeling.metrics.indistinguishable import HUMAN
from workers.models import Run

TABLES = ("scores", "coverage", "shared")  # of a run's result, shown as such
RUNS = 20  # the newest, that are looked through for one with people's scores


def score_tables(result: dict[str, Any]) -> dict[str, Any]:
    """Each system's own scores, on what it wrote for, and where that differs, those on the sources all wrote for."""
    shared = result.get("shared", {})
    return {
        "scores": score_table(result.get("scores", {}), result.get("coverage", {}).get("systems", {})),
        "coverage": result.get("coverage", {}),
        "shared": score_table(shared.get("scores", {})),
        "shared_sources": shared.get("sources"),
    }


def score_table(
    scores: dict[str, dict[str, Any]], parts: Mapping[str, Mapping[str, int]] | None = None
) -> dict[str, Any]:
    """Rows of a system, the part of the sources its scores are of ("3 of 24"; empty: all), and its
    scores, empty where it has none."""
    scored = {metric for cells in scores.values() for metric in cells}
    metrics = Metric.objects.filter(name__in=scored).order_by("order")
    said = {system: f"{part['sources']:,} of {part['of']:,}" for system, part in (parts or {}).items()}
    rows = [
        (system, said.get(system, ""), [cells.get(metric.name, {}) for metric in metrics])
        for system, cells in scores.items()
    ]
    return {"metrics": metrics, "rows": rows} if rows else {}


def scores_beside_people(decoding: Decoding) -> list[tuple[Score, float | None]]:
    """The decoding's scores on its split, and what people's own texts score there: each metric by the newest run that
    has both. People's scores do not stand beside scores of other sources."""
    runs = Run.objects.filter(kind=Run.Kind.SCORE, state=Run.State.DONE, campaign=None, dataset=decoding.dataset)
    results = runs.order_by("-pk").values_list("result__scores", flat=True)
    tables = (table for table in results.filter(config__split=decoding.split)[:RUNS] if table)
    people: dict[str, Any] = {}
    for table in tables:
        if {HUMAN, decoding.row_name} <= set(table):
            people = table[HUMAN] | people
    scores = decoding.scores.filter(campaign=None).select_related("metric").order_by("metric__order", "pk")
    beside = [(score, people.get(score.metric_id, {})) for score in scores]
    return [
        (score, None if score.part and score.signed != theirs.get("signature") else theirs.get("value"))
        for score, theirs in beside
    ]
