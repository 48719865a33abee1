"""Percent agreement, kappa and Gwet's AC of scores: weighted or not, of any number of raters, with scores missing.

All is in disagreements, one minus the weights of the literature: of two scores that are δ apart, as a share of the
scale, 1 where they differ at all (no weights), δ (linear) or δ² (quadratic). A coefficient is 1 − observed / expected,
and the coefficients differ in what they expect.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from annotations.reasons import Reason
from annotations.statistics.agreement import (
    NOTHING,
    RESAMPLES,
    Formula,
    RatedUnits,
    bootstrapped,
    indicator,
    ratings_of,
)
from annotations.statistics.estimate import Estimate
from annotations.statistics.uncertainty import Floats, Ints

Weights = Literal["none", "linear", "quadratic"]

MAX_CATEGORIES = 1000


class Margin(NamedTuple):
    """How scores spread, in each resample: the share of each value (resamples, values), their mean and mean square
    (resamples)."""

    shares: Floats
    mean: Floats
    square: Floats


def chance_corrected(
    scores: Floats,
    units: Ints,
    raters: Ints,
    *,
    scale: tuple[float, float],
    weights: Sequence[Weights] = ("none", "linear", "quadratic"),
    groups: Ints | None = None,
    resamples: int = RESAMPLES,
) -> dict[str, Estimate]:
    """Coefficients by name, of scores in long form: score (NaN is none), rated unit and rater of each (n).

    Percent agreement is the mean, over the units with two scores or more, of the share of pairs of scores that agree;
    with weights, of their weight. Kappa is Cohen's (1960; weighted 1968) where the same two raters gave the scores of
    all those units; each keeps a distribution of scores of their own. Otherwise it is Fleiss' (1971), weighted and with
    scores missing as in Gwet (2014, chapters 2 and 3): all raters share one distribution π, the mean over units of
    how their scores spread, to which units with a single score belong too. Of AC1, and AC2 with weights, (Gwet 2008;
    2014) the agreement by chance is T Σ π (1 − π) / (q (q − 1)), T being the sum of the weights over all pairs of the
    q categories: the whole points of the scale, those that nobody gave as well.

    The interval is the 95 % percentile bootstrap over units, or, with `groups` (n), over whole groups of units. Raises
    ValueError for arrays of unequal lengths, for scores outside the scale, and for a unit in two groups.
    """
    groups = units if groups is None else groups
    if not len(scores) == len(units) == len(raters) == len(groups):
        counts = f"{len(scores)} scores, {len(units)} units, {len(raters)} raters and {len(groups)} groups"
        raise ValueError(f"{counts}: the numbers must be equal")
    known = ~np.isnan(scores)
    low, high = scale
    if known.any() and not low <= scores[known].min() <= scores[known].max() <= high:
        found = f"{scores[known].min():g} to {scores[known].max():g}"
        raise ValueError(f"the scores run from {found}, but the scale from {low:g} to {high:g}")
    rated = ratings_of(scores, units, groups, fewest=1)
    second = _two_raters(rated, raters[known])
    names = _names(weights, "Fleiss'" if second is None else "Cohen's")
    several = rated.sizes > 1
    if not several.any():
        return {name: Estimate.none(Reason("none_rated_twice", unit="text")) for name in names}
    estimate, widest = _estimate(rated, second, weights, low, high)
    count = int(rated.group.max()) + 1
    coefficients = bootstrapped(estimate, max(count, 1), max(widest, count), resamples)
    if len(np.unique(rated.group[several])) < 2:
        coefficients = [each._replace(interval=None, undefined=Reason("one_group")) for each in coefficients]
    return {name: _with_reason(name, each) for name, each in zip(names, coefficients, strict=True)}


def corrected(observed: Floats, expected: Floats) -> Floats:
    """1 − observed / expected disagreement, NaN where none is to be expected."""
    return 1 - np.divide(observed, expected, out=np.full(len(observed), np.nan), where=expected > NOTHING)


def _names(weights: Sequence[Weights], whose: str) -> list[str]:
    ends = ["" if each == "none" else f", {each} weights" for each in weights]
    of_gwet = [f"Gwet's AC{2 if end else 1}{end}" for end in ends]
    return [*(f"Percent agreement{end}" for end in ends), *(f"{whose} kappa{end}" for end in ends), *of_gwet]


def _with_reason(name: str, found: Estimate) -> Estimate:
    if found.value is not None:
        return found
    if name.startswith("Gwet"):
        return Estimate.none(Reason("no_categories", most=MAX_CATEGORIES))
    return Estimate.none(Reason("all_equal"))


def _two_raters(rated: RatedUnits, raters: Ints) -> Ints | None:
    """Whose each rating is, 0 or 1 (n), where the same two raters rated every unit with several ratings; else None."""
    several = rated.sizes > 1
    shared = several[rated.unit]
    who = np.unique(raters[shared])
    if len(who) != 2:
        return None
    of_second = np.bincount(rated.unit[shared], raters[shared] == who[1], minlength=len(several))
    once = (rated.sizes[several] == 2) & (of_second[several] == 1)
    return (raters == who[1]).astype(np.int64) if once.all() else None


def _estimate(
    rated: RatedUnits, second: Ints | None, weights: Sequence[Weights], low: float, high: float
) -> tuple[Formula, int]:
    """All coefficients in one pass, and the number of columns of its widest array."""
    span = high - low or 1.0
    given = rated._replace(scores=(rated.scores - low) / span)
    categories = _categories(rated.scores, low, high)
    points = np.unique(given.scores) if any(each != "quadratic" for each in weights) else np.empty(0)
    points = points if categories is None else categories
    several = rated.sizes > 1
    apart = [np.where(several, _disagreement(given, each), 0.0) for each in weights]
    observed = indicator(rated.group) @ np.column_stack([several, *apart])
    pooled = _margin(given, 1 / rated.sizes[rated.unit], points)
    sides = (pooled, pooled)
    if second is not None:
        shared = several[rated.unit]
        first_side, second_side = (_margin(given, 1.0 * (shared & (second == whose)), points) for whose in (0, 1))
        sides = first_side, second_side
    chances = [_chance_by_gwet(each, categories) for each in weights]

    def estimate(times: Floats) -> Floats:
        twice, *sums = (times @ observed).T
        found = [np.divide(each, twice, out=np.full(len(times), np.nan), where=twice > 0) for each in sums]
        everyone = pooled(times)
        one, other = (everyone, everyone) if second is None else (sides[0](times), sides[1](times))
        kappas = [
            corrected(each, _expected(kind, one, other, points)) for each, kind in zip(found, weights, strict=True)
        ]
        spread = (everyone.shares * (1 - everyone.shares)).sum(axis=1)
        of_gwet = [corrected(each, 1 - chance * spread) for each, chance in zip(found, chances, strict=True)]
        return np.stack([*(1 - each for each in found), *kappas, *of_gwet])

    return estimate, len(points)


def _categories(scores: Floats, low: float, high: float) -> Floats | None:
    """The points of the scale, from 0 to 1, where all scores are whole."""
    if not 1 <= high - low < MAX_CATEGORIES or (low != round(low)) or (high != round(high)):
        return None
    if (scores != scores.round()).any():
        return None
    return (np.arange(low, high + 1) - low) / (high - low)


def _disagreement(rated: RatedUnits, weights: Weights) -> Floats:
    """Of each unit the mean disagreement of two of its ratings; whatever of a unit with one (units)."""
    sizes = rated.sizes
    pairs = np.maximum(sizes * (sizes - 1), 1)
    if weights == "none":
        values, index = np.unique(rated.scores, return_inverse=True)
        cells, times = np.unique(rated.unit * len(values) + index, return_counts=True)
        alike = np.bincount(cells // len(values), times**2)
        return (sizes**2 - alike) / pairs
    if weights == "linear":
        # Of m sorted ratings the k-th is above k − 1 of the others and below m − k.
        order = np.lexsort((rated.scores, rated.unit))
        place = np.arange(len(order)) - (np.cumsum(sizes) - sizes)[rated.unit[order]]
        above = 2 * place + 1 - sizes[rated.unit[order]]
        return 2 * np.bincount(rated.unit[order], above * rated.scores[order]) / pairs
    means = np.bincount(rated.unit, rated.scores) / sizes
    return 2 * sizes * np.bincount(rated.unit, (rated.scores - means[rated.unit]) ** 2) / pairs


def _margin(rated: RatedUnits, counts: Floats, points: Floats) -> Callable[[Floats], Margin]:
    """How the ratings spread when each counts so much (n): of what each group counts, its margin.

    The scores' mean is taken off before they are squared, so that a difference of squares keeps its digits.
    """
    group, groups = rated.group[rated.unit], int(rated.group.max()) + 1
    centred = rated.scores - rated.scores.mean()
    sums = [np.bincount(group, counts * each, minlength=groups) for each in (1, centred, centred**2)]
    columns = np.column_stack(sums)
    # Categories are evenly spaced, and one that occurs differs from them by rounding: the nearest point is meant.
    place = np.searchsorted((points[1:] + points[:-1]) / 2, rated.scores) if len(points) else np.empty(0, dtype=int)
    shape = (groups, len(points))
    spread = csr_array((counts, (group, place)), shape=shape) if len(points) else None

    def margin(times: Floats) -> Margin:
        total, mean, square = (times @ columns).T
        some = np.where(total > 0, total, np.nan)
        shares = np.empty((len(times), 0)) if spread is None else (times @ spread) / some[:, None]
        return Margin(shares, mean / some, square / some)

    return margin


def _expected(weights: Weights, one: Margin, other: Margin, points: Floats) -> Floats:
    """The mean disagreement of a rating of one margin and a rating of the other (resamples)."""
    if weights == "none":
        return 1 - (one.shares * other.shares).sum(axis=1)
    if weights == "linear":
        # |x − y| is the length between the two: each gap counts where one is below it and the other above.
        below, under = (np.cumsum(each.shares, axis=1)[:, :-1] for each in (one, other))
        return (below * (1 - under) + under * (1 - below)) @ np.diff(points)
    return one.square + other.square - 2 * one.mean * other.mean


def _chance_by_gwet(weights: Weights, categories: Floats | None) -> float:
    """T / (q (q − 1)); NaN without categories."""
    if categories is None:
        return float("nan")
    q = len(categories)
    distances = np.abs(categories[:, None] - categories)
    apart = {"none": distances > 0, "linear": distances, "quadratic": distances**2}[weights]
    return float((1 - apart).sum() / (q * (q - 1)))
