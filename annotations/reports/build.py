"""A campaign's result as one JSON-able mapping. Everything the pages and files show is taken from it."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from django.db.models import F

from annotations.models import Assignment, Campaign, Rating, Score
from annotations.reports.rows import Row, rating_rows
from annotations.statistics.agreement import alpha_with_interval
from annotations.statistics.ranking import clusters, rank_ranges
from annotations.statistics.scores import shrunk_z
from annotations.statistics.uncertainty import Mean, clustered_mean, holm

EXAMPLES = 4  # best, and as many worst

METHOD = (
    "Means are over ratings. Intervals are 95 %, from a two-way cluster-robust variance over albums and raters "
    "(Cameron, Gelbach and Miller 2011) with Student's t. Differences are paired within a rater's screen, their "
    "p-values adjusted by Holm within a criterion; rank ranges and clusters follow from those at 0.05. z is the mean "
    "of scores standardised by their rater, shrunk towards all raters. Agreement is Krippendorff's alpha, interval "
    "level, a unit being one text, its interval a bootstrap over texts. A text that several systems wrote was shown "
    "once and counts for each. The reference shown as the human candidate is withheld from the metrics' references "
    "of every system."
)
HUMAN_UNDEFINED = "undefined: where a source has a single reference, that one is the human's text itself"


def report_build(campaign: Campaign) -> dict[str, Any]:
    rows = list(rating_rows(campaign))
    by_criterion: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_criterion[row.criterion].append(row)
    criteria, pairs = {}, []
    for criterion in campaign.criteria:
        table, compared = criterion_results(by_criterion[criterion])
        criteria[criterion] = table
        pairs += [{"criterion": criterion, **pair} for pair in compared]
    counting = Rating.objects.counting(campaign)
    return {
        "campaign": {
            "name": campaign.name,
            "purpose": campaign.purpose,
            "dataset": campaign.dataset.name,
            "split": campaign.split,
            "unit": campaign.unit,
            "protocol": campaign.protocol,
            "show": campaign.show,
            "systems": sorted(campaign.entries.values_list("system__name", flat=True)),
            "items": campaign.item_count,
            "overlap": campaign.overlap,
            "screens": campaign.screens,
            "state": campaign.state,
            "interim": campaign.state != Campaign.State.CLOSED,
            "ratings": counting.count(),
            "raters": counting.values("assignment__rater").distinct().count(),
            "skipped": Assignment.objects.filter(
                item__campaign=campaign, rater__trial=False, state=Assignment.State.SKIPPED
            ).count(),
            "withdrawn": Rating.objects.filter(
                assignment__item__campaign=campaign, assignment__rater__trial=False, kind=Rating.Kind.WITHDRAWN
            ).count(),
        },
        "criteria": criteria,
        "pairs": pairs,
        "metrics": metrics_of(campaign),
        "correlation": {},
        "examples": {name: examples_of(campaign, by_criterion[name]) for name in campaign.criteria},
        "raters": raters_of(rows),
        "method": METHOD,
    }


def criterion_results(rows: Sequence[Row]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One criterion's systems, best first, with its agreement; and every pair of systems compared."""
    if not rows:
        return {
            "systems": [],
            "agreement": {"alpha": None, "ci": None, "level": "interval", "undefined": "no ratings"},
        }, []
    scores = np.array([row.score for row in rows])
    systems = np.array([row.system for row in rows])
    albums, raters = codes([row.album for row in rows]), codes([row.rater for row in rows])
    # A text shared by systems is one rating: standardise over what raters gave, not over rows.
    first = {(row.rater, row.item, row.candidate): place for place, row in enumerate(rows)}
    given = np.array(sorted(first.values()))
    standard = dict(zip(given.tolist(), shrunk_z(scores[given], raters[given]).tolist(), strict=True))
    z = np.array([standard[first[row.rater, row.item, row.candidate]] for row in rows])
    compared = compare(rows)
    adjusted = holm(np.array([1.0 if each.p is None else each.p for _, _, each, _ in compared]))
    order = {
        (one, other): (each.mean, None if each.p is None else float(p))
        for (one, other, each, _), p in zip(compared, adjusted, strict=True)
    }
    means = {
        name: clustered_mean(*(part[systems == name] for part in (scores, albums, raters))) for name in set(systems)
    }
    ranked = sorted(means, key=lambda name: (-means[name].mean, name))
    ranges, cluster = rank_ranges(ranked, order), clusters(ranked, order)
    table = [
        {
            "system": name,
            "n": int((systems == name).sum()),
            "raters": len(set(raters[systems == name].tolist())),
            "items": len({row.item for row in rows if row.system == name}),
            "mean": means[name].mean,
            "ci": means[name].interval,
            "z": float(z[systems == name].mean()),
            "rank_range": ranges[name],
            "cluster": cluster[name],
        }
        for name in ranked
    ]
    agreement = alpha_with_interval(text_table(rows))
    pairs = [
        {
            "system_a": one,
            "system_b": other,
            "difference": each.mean,
            "ci": each.interval,
            "p": each.p,
            "p_holm": None if each.p is None else float(p),
            "n": count,
        }
        for (one, other, each, count), p in zip(compared, adjusted, strict=True)
    ]
    return {
        "systems": table,
        "agreement": {
            "alpha": agreement.alpha,
            "ci": agreement.interval,
            "level": "interval",
            "undefined": agreement.undefined,
        },
    }, pairs


def compare(rows: Sequence[Row]) -> list[tuple[str, str, Mean, int]]:
    """Every pair of systems by name: the mean difference of their scores on the same rater's same screen."""
    screens: dict[tuple[str, int], dict[str, float]] = defaultdict(dict)
    albums: dict[int, str] = {}
    for row in rows:
        screens[row.rater, row.item][row.system] = row.score
        albums[row.item] = row.album
    found = []
    for one, other in combinations(sorted({row.system for row in rows}), 2):
        both = [(rater, item, by) for (rater, item), by in screens.items() if one in by and other in by]
        if both:
            differences = np.array([by[one] - by[other] for _, _, by in both])
            items, raters = codes([albums[item] for _, item, _ in both]), codes([rater for rater, _, _ in both])
            found.append((one, other, clustered_mean(differences, items, raters), len(both)))
    return found


def text_table(rows: Sequence[Row]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(raters, texts) of scores, NaN where a rater did not rate a text; a text is a candidate of an item."""
    raters, texts = codes([row.rater for row in rows]), codes([str(row.candidate) for row in rows])
    table = np.full((raters.max() + 1, texts.max() + 1), np.nan)
    table[raters, texts] = [row.score for row in rows]
    return table


def codes(names: Sequence[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A number for each name, equal names the same."""
    _, index = np.unique(np.array(names), return_inverse=True)
    return index.astype(np.int64)


def examples_of(campaign: Campaign, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The texts rated best and worst by their mean, best first; of equal means the one rated more often."""
    scores: dict[int, dict[str, float]] = defaultdict(dict)
    systems: dict[int, set[str]] = defaultdict(set)
    first: dict[int, Row] = {}
    for row in rows:
        scores[row.candidate][row.rater] = row.score
        systems[row.candidate].add(row.system)
        first.setdefault(row.candidate, row)
    means = {candidate: float(np.mean(list(given.values()))) for candidate, given in scores.items()}
    best = sorted(means, key=lambda pk: (-means[pk], -len(scores[pk]), pk))[:EXAMPLES]
    worst = sorted(means, key=lambda pk: (means[pk], -len(scores[pk]), pk))[:EXAMPLES]
    chosen = [*best, *(pk for pk in reversed(worst) if pk not in best)]
    items = campaign.items.filter(position__in=[first[pk].item for pk in chosen])
    sources = dict(items.values_list("position", "source__text"))
    return [
        {
            "text": first[pk].text,
            "source": sources[first[pk].item],
            "systems": sorted(systems[pk]),
            "mean": means[pk],
            "n": len(scores[pk]),
        }
        for pk in chosen
    ]


def metrics_of(campaign: Campaign) -> dict[str, dict[str, Any]]:
    """The campaign's scores by system and metric, the newest of each; a metric that a system lacks says why."""
    found: dict[str, dict[str, Any]] = {name: {} for name in campaign.entries.values_list("system__name", flat=True)}
    scores = Score.objects.filter(campaign=campaign, decoding__isnull=False).order_by("pk")
    for score in scores.annotate(system=F("decoding__system__name")):
        interval = None if score.ci_low is None else [score.ci_low, score.ci_high]
        cell = {"value": score.value, "ci": interval, "signature": score.signature}
        found.setdefault(score.system, {})[score.metric] = cell
    metrics = sorted({metric for cells in found.values() for metric in cells})
    for system, cells in found.items():
        for metric in metrics:
            why = HUMAN_UNDEFINED if system == "human" else "not scored"
            cells.setdefault(metric, {"value": None, "ci": None, "signature": None, "undefined": why})
    return found if metrics else {}


def raters_of(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Each rater's screens, median seconds a screen, and mean score over what they gave."""
    screens: dict[str, dict[int, float | None]] = defaultdict(dict)
    scores: dict[str, dict[tuple[str, int], float]] = defaultdict(dict)
    for row in rows:
        screens[row.rater][row.item] = row.seconds
        scores[row.rater][row.criterion, row.candidate] = row.score
    return [
        {
            "rater": rater,
            "screens": len(screens[rater]),
            "seconds": float(np.median(timed))
            if (timed := [s for s in screens[rater].values() if s is not None])
            else None,
            "mean": float(np.mean(list(scores[rater].values()))),
        }
        for rater in sorted(screens)
    ]
