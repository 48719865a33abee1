"""Scores as tables on pages of the site: systems side by side, and a decoding beside people."""

from collections.abc import Mapping
from typing import Any

from annotations.models import Decoding, Metric, Score
from modeling.metrics import METRICS
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
    metrics = list(Metric.objects.filter(name__in=scored).order_by("order"))
    said = {system: f"{part['sources']:,} of {part['of']:,}" for system, part in (parts or {}).items()}
    rows = [
        (system, said.get(system, ""), [cells.get(metric.name, {}) for metric in metrics])
        for system, cells in scores.items()
    ]
    return {"metrics": [(metric, is_learned(metric)) for metric in metrics], "rows": rows} if rows else {}


def is_learned(metric: Metric) -> bool:
    return metric.name in METRICS and METRICS[metric.name].learned


def of_metric(metric: str, signature: str) -> tuple[str, ...]:
    """What tells scores apart that do not stand side by side: the metric, and of a learned one its head."""
    return metric, *(part for part in signature.split("|") if part.startswith("head:"))


def scores_beside_people(decoding: Decoding) -> list[tuple[Score, float | None, bool]]:
    """The decoding's scores on its split, what people's own texts score there, and whether the metric is learned: each
    metric by the newest run that has both, a learned one by the same reward model. People's scores do not stand beside
    scores of other sources."""
    runs = Run.objects.filter(kind=Run.Kind.SCORE, state=Run.State.DONE, campaign=None, dataset=decoding.dataset)
    results = runs.order_by("-pk").values_list("result__scores", flat=True)
    tables = (table for table in results.filter(config__split=decoding.split)[:RUNS] if table)
    people: dict[tuple[str, ...], Any] = {}
    for table in tables:
        if {HUMAN, decoding.row_name} <= set(table):
            theirs = {of_metric(metric, cell.get("signature") or ""): cell for metric, cell in table[HUMAN].items()}
            people = theirs | people
    scores = decoding.scores.filter(campaign=None).select_related("metric").order_by("metric__order", "pk")
    beside = [(score, people.get(of_metric(score.metric_id, score.signature), {})) for score in scores]
    return [
        (
            score,
            None if score.part and score.signed != theirs.get("signature") else theirs.get("value"),
            is_learned(score.metric),
        )
        for score, theirs in beside
    ]
