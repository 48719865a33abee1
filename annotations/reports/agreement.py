"""How far raters agree by a criterion: alpha, and beside it the coefficients that others report."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from annotations.reports.table import RatingTable
from annotations.statistics import choice_agreement as of_choices
from annotations.statistics.agreement import Agreement, Coefficient, Level, alpha
from annotations.statistics.chance_corrected import SINGLE, Weights, chance_corrected
from annotations.statistics.intraclass import intraclass
from annotations.statistics.uncertainty import Floats, Ints

ONE_WAY, TWO_WAY = ("ICC(1)", "ICC(1,k)"), ("ICC(2)", "ICC(2,k)", "ICC(3)", "ICC(3,k)")
NOT_CROSSED = "not every rater scored every text"
# Nobody expects two raters to hit the same point of a slider: of such scores only how far they are apart counts.
WEIGHTS: dict[Level, tuple[Weights, ...]] = {"ordinal": ("none", "linear", "quadratic"), "interval": ("quadratic",)}


def score_agreement(table: RatingTable, scores: Floats, level: Level, scale: Sequence[float]) -> dict[str, Any]:
    """Of scores (n, s): a unit is one text, rated by whoever saw it, and albums are resampled whole."""
    once = ~np.isnan(scores) & table.first
    albums = np.broadcast_to(table.albums[:, None], scores.shape)[once]
    raters = np.broadcast_to(table.raters[:, None], scores.shape)[once]
    given, texts = scores[once], table.shown[once]
    found = alpha(given, texts, level=level, groups=albums)
    low, high = scale
    beside = chance_corrected(given, texts, raters, scale=(low, high), weights=WEIGHTS[level], groups=albums)
    units, ratings = rated_together(texts)
    rows = [coefficient_row(name, each, units, ratings) for name, each in beside.items()]
    return agreement_row(found, level) | {"coefficients": rows + intraclass_rows(given, texts, raters)}


def choice_agreement(table: RatingTable, criterion: str) -> dict[str, Any]:
    """Of choices: one text, the other, or a tie, whatever the order they were shown in and whoever wrote them.

    A unit is two texts of an item. A choice between texts that several systems wrote counts once, not for each of them.
    """
    first, second, outcome, rows = table.comparisons[criterion]
    items = table.items[rows]
    shown, code = np.unique([table.candidates[items, first], table.candidates[items, second]], return_inverse=True)
    one, other = code.reshape(2, -1)
    pairs, unit = np.unique(np.minimum(one, other) * len(shown) + np.maximum(one, other), return_inverse=True)
    _, once = np.unique(rows * len(pairs) + unit, return_index=True)
    turned = np.where(one < other, outcome, 1 - outcome)  # a tie stays one
    found = of_choices.choice_agreement(turned[once], unit[once], groups=table.albums[rows[once]])
    counts = rated_together(unit[once])
    beside = [coefficient_row(name, each, *counts) for name, each in found.items() if name != of_choices.ALPHA]
    return agreement_row(Agreement(*found[of_choices.ALPHA]), "nominal") | {"coefficients": beside}


def agreement_row(found: Agreement, level: Level) -> dict[str, Any]:
    return {"alpha": found.alpha, "ci": found.interval, "level": level, "undefined": found.undefined}


def rated_together(units: Ints) -> tuple[int, float]:
    """How many of the rated units (n) have several ratings, and how many they have in the mean."""
    times = np.unique(units, return_counts=True)[1]
    several = times[times > 1]
    return len(several), float(several.mean()) if len(several) else 1.0


def intraclass_rows(given: Floats, texts: Ints, raters: Ints) -> list[dict[str, Any]]:
    """Intraclass correlations of scores, their texts and raters (n each).

    One-way, each text having raters of its own, of the texts with as many ratings as most of those rated twice or more;
    two-way only where every rater scored every text.
    """
    _, text = np.unique(texts, return_inverse=True)
    joined, rater = np.unique(raters, return_inverse=True)
    times = np.bincount(text)
    several = times[times > 1]
    if not len(several):
        return [coefficient_row(name, Coefficient(None, None, SINGLE), 0, 1) for name in (*ONE_WAY, *TWO_WAY)]
    each = int(np.bincount(several).argmax())
    kept = times[text] == each
    order = np.argsort(text[kept], kind="stable")
    table = given[kept][order].reshape(-1, each)
    one_way = intraclass(table)
    rows = [coefficient_row(name, one_way[name], *table.shape) for name in ONE_WAY]
    crossed = len(given) == len(times) * len(joined) and bool((times == len(joined)).all())
    if not crossed:
        return rows + [coefficient_row(name, Coefficient(None, None, NOT_CROSSED), len(times), 0) for name in TWO_WAY]
    whole = np.full((len(times), len(joined)), np.nan)
    whole[text, rater] = given
    two_way = intraclass(whole)
    return rows + [coefficient_row(name, two_way[name], *whole.shape) for name in TWO_WAY]


def coefficient_row(name: str, found: Coefficient, units: int, ratings: float) -> dict[str, Any]:
    """`units` texts, or pairs of them, of `ratings` each, or in the mean."""
    about = {"name": name, "value": found.value, "ci": found.interval, "undefined": found.undefined}
    return {**about, "units": units, "ratings": ratings}
