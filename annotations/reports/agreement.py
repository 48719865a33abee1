"""How far raters agree by a criterion: alpha, and beside it the coefficients that others report."""

from collections.abc import Sequence

import numpy as np

from annotations.reasons import Reason
from annotations.reports.schema.results import Agreement, Coefficient
from annotations.reports.table import RatingTable
from annotations.statistics import choice_agreement as of_choices
from annotations.statistics.agreement import Level, alpha
from annotations.statistics.chance_corrected import Weights, chance_corrected
from annotations.statistics.estimate import Estimate
from annotations.statistics.intraclass import intraclass
from annotations.statistics.uncertainty import Floats, Ints

ONE_WAY, TWO_WAY = ("ICC(1)", "ICC(1,k)"), ("ICC(2)", "ICC(2,k)", "ICC(3)", "ICC(3,k)")
# Nobody expects two raters to hit the same point of a slider: of such scores only how far they are apart counts.
WEIGHTS: dict[Level, tuple[Weights, ...]] = {
    "nominal": ("none",),
    "ordinal": ("none", "linear", "quadratic"),
    "interval": ("quadratic",),
}


def score_agreement(table: RatingTable, scores: Floats, level: Level, scale: Sequence[float]) -> Agreement:
    """Of scores (n, s): a unit is one text, rated by whoever saw it, and albums are resampled whole."""
    once = ~np.isnan(scores) & table.first
    albums = np.broadcast_to(table.albums[:, None], scores.shape)[once]
    raters = np.broadcast_to(table.raters[:, None], scores.shape)[once]
    given, texts = scores[once], table.shown[once]
    found = alpha(given, texts, level=level, groups=albums)
    low, high = scale
    beside = chance_corrected(given, texts, raters, scale=(low, high), weights=WEIGHTS[level], groups=albums)
    units, ratings = rated_together(texts)
    rows = [coefficient(name, each, units, ratings) for name, each in beside.items()]
    return agreement(found, level, rows + intraclass_correlations(given, texts, raters))


def choice_agreement(table: RatingTable, criterion: str) -> Agreement:
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
    beside = [coefficient(name, each, *counts) for name, each in found.items() if name != of_choices.ALPHA]
    return agreement(found[of_choices.ALPHA], "nominal", beside)


def agreement(found: Estimate, level: Level, beside: list[Coefficient]) -> Agreement:
    return Agreement(alpha=found.value, ci=found.interval, level=level, undefined=found.undefined, coefficients=beside)


def rated_together(units: Ints) -> tuple[int, float]:
    """How many of the rated units (n) have several ratings, and how many they have in the mean."""
    times = np.unique(units, return_counts=True)[1]
    several = times[times > 1]
    return len(several), float(several.mean()) if len(several) else 1.0


def intraclass_correlations(given: Floats, texts: Ints, raters: Ints) -> list[Coefficient]:
    """Intraclass correlations of scores, their texts and raters (n each).

    One-way, each text having raters of its own, of the texts with as many ratings as most of those rated twice or more;
    two-way only where every rater scored every text.
    """
    _, text = np.unique(texts, return_inverse=True)
    joined, rater = np.unique(raters, return_inverse=True)
    times = np.bincount(text)
    several = times[times > 1]
    if not len(several):
        nothing = Estimate.none(Reason("none_rated_twice", unit="text"))
        return [coefficient(name, nothing, 0, 1) for name in (*ONE_WAY, *TWO_WAY)]
    each = int(np.bincount(several).argmax())
    kept = times[text] == each
    order = np.argsort(text[kept], kind="stable")
    table = given[kept][order].reshape(-1, each)
    one_way = intraclass(table)
    rows = [coefficient(name, one_way[name], *table.shape) for name in ONE_WAY]
    crossed = len(given) == len(times) * len(joined) and bool((times == len(joined)).all())
    if not crossed:
        return rows + [coefficient(name, Estimate.none(Reason("not_crossed")), len(times), 0) for name in TWO_WAY]
    whole = np.full((len(times), len(joined)), np.nan)
    whole[text, rater] = given
    two_way = intraclass(whole)
    return rows + [coefficient(name, two_way[name], *whole.shape) for name in TWO_WAY]


def coefficient(name: str, found: Estimate, units: int, ratings: float) -> Coefficient:
    """`units` texts, or pairs of them, of `ratings` each, or in the mean."""
    return Coefficient(
        name=name, value=found.value, ci=found.interval, undefined=found.undefined, units=units, ratings=ratings
    )
