"""How large a difference is, free of the scale's unit: probability of superiority and standardised difference.

Both are turned into differences of means of transformed scores, so that `paired_difference` gives their errors: they
are as robust to items, albums and raters as the difference itself is.
"""

from typing import NamedTuple

import numpy as np

from annotations.reasons import Reason
from annotations.statistics.connections import Bools
from annotations.statistics.differences import paired_difference
from annotations.statistics.estimate import Estimate
from annotations.statistics.uncertainty import Floats, Ints

ROUNDING = 1e-12


class Transformed(NamedTuple):
    """Scores of both systems (n each) whose paired difference is an effect size less `origin`; the effect size; or
    why there are none."""

    first: Floats
    second: Floats
    value: float | None = None
    origin: float = 0.0
    undefined: Reason | None = None


def superiority(
    first: Floats,
    second: Floats,
    items: Ints,
    raters: Ints,
    *,
    groups: Ints | None = None,
    most: int | None = None,
) -> Estimate:
    """The probability that the first system's score of an item is above the second's, a tie being half.

    Vargha and Delaney's (2000) A in its paired form, the common language effect size of McGraw and Wong (1992); 0.5
    where neither is superior. Arguments are those of `paired_difference`. Where a rater scored both on a screen it is
    the share of such screens; of an item that nobody scored both of, all pairs of its scores are compared.
    Of more than `most` screens (all, where it is None) there is no interval, which takes most of the time.
    """
    scores = superiority_scores(first, second, items)
    return _estimated(scores, items, raters, groups, most, (0.0, 1.0))


def standardised_difference(
    first: Floats,
    second: Floats,
    items: Ints,
    raters: Ints,
    *,
    groups: Ints | None = None,
    most: int | None = None,
) -> Estimate:
    """Cohen's (1988, chapter 2) d_z over items: the difference, in standard deviations of the items' differences.

    Arguments are those of `paired_difference`. An item's difference is that of its mean scores, so that d_z grows with
    the raters per item. The deviation is estimated too: the error is that of d_z linearised in the items' differences.
    """
    scores = standardised_scores(first, second, items, value_only=most is not None and len(items) > most)
    return _estimated(scores, items, raters, groups, most, (-np.inf, np.inf))


def _estimated(
    scores: Transformed,
    items: Ints,
    raters: Ints,
    groups: Ints | None,
    most: int | None,
    ends: tuple[float, float],
) -> Estimate:
    if scores.undefined:
        return Estimate.none(scores.undefined)
    if most is not None and len(items) > most:
        return Estimate(scores.value, None, Reason("too_many", most=most, unit="screen"))
    found = paired_difference(scores.first, scores.second, items, raters, groups=groups).estimate
    if found.value is None:
        return Estimate(None, undefined=found.undefined)
    value = min(max(scores.origin + found.value, ends[0]), ends[1])
    if found.interval is None:
        return Estimate(value, None, Reason("difference_without_interval"))
    if not found.error or found.error < ROUNDING * max(1.0, abs(value)):
        return Estimate(value, None, Reason("nothing_varied"))
    low, high = (scores.origin + end for end in found.interval)
    return Estimate(value, (max(low, ends[0]), min(high, ends[1])))


def superiority_scores(first: Floats, second: Floats, items: Ints) -> Transformed:
    """Scores whose paired difference is the probability of superiority less a half.

    Of a screen with both scores they are a quarter of the sign of their difference, and its negative. Of an item
    without one they are the placements: the share of the other system's scores that a score is above (Brunner and
    Munzel 2000, section 2; Konietschke, Hothorn and Brunner 2012, section 3), moved so that the item's means differ
    by its probability less a half. Dropping one score then moves that by as much as it moves the probability itself.
    """
    places, count = _places(items)
    one = np.sign(first - second) / 4
    other = -one
    given = np.stack([~np.isnan(first), ~np.isnan(second)])
    both = ~np.isnan(one)
    of_both = np.bincount(places[both], minlength=count)
    shares = 2 * np.bincount(places[both], one[both], minlength=count).astype(np.float64)
    weights = of_both.astype(np.float64)
    apart = np.zeros(len(first), dtype=bool)
    if not both.all():
        counts = np.stack([np.bincount(places[each], minlength=count) for each in given])
        alone = (counts.min(axis=0) > 0) & (of_both == 0)
        if not (alone | (of_both > 0)).any():
            return Transformed(first, second, undefined=Reason("no_item_with_both"))
        apart = alone[places]
        weights[alone] = 2 / (1 / counts[:, alone]).sum(axis=0)
    if apart.any():
        for scores, of_first in ((one, True), (other, False)):
            rows = apart & given[0 if of_first else 1]
            placed = _placements(first, second, places, rows, apart & given[1 if of_first else 0])
            sums = np.bincount(places[rows], placed, minlength=count)
            means = sums / np.maximum(np.bincount(places[rows], minlength=count), 1)
            scores[rows] = placed - means[places[rows]] / 2
            shares += (means / 2 if of_first else -means / 2) * weights
    return Transformed(one, other, 0.5 + float(shares.sum() / weights.sum()), 0.5)


def _placements(first: Floats, second: Floats, places: Ints, rows: Bools, others: Bools) -> Floats:
    """Of each score of `rows` the share of the `others` of its item that it is above, a tie being half."""
    mixed = np.flatnonzero(rows | others)
    values = np.where(np.isnan(first[mixed]), second[mixed], first[mixed])
    order = np.lexsort((values, places[mixed]))
    place, value, counted = places[mixed][order], values[order], others[mixed][order]
    new_item = np.diff(place, prepend=-1) != 0
    new_value = new_item | (np.diff(value, prepend=np.nan) != 0)
    before = np.concatenate([[0], np.cumsum(counted)])  # others before each row, and of all

    def at(starts: Bools) -> tuple[Floats, Floats]:
        first_rows = np.flatnonzero(starts)
        group = np.cumsum(starts) - 1
        return before[first_rows][group], before[np.append(first_rows[1:], len(place))][group]

    (item_start, item_end), (tie_start, tie_end) = at(new_item), at(new_value)
    shares = ((tie_start + tie_end) / 2 - item_start) / np.maximum(item_end - item_start, 1)
    placed = np.empty(len(first))
    placed[mixed[order]] = shares
    return placed[rows]


def standardised_scores(first: Floats, second: Floats, items: Ints, *, value_only: bool = False) -> Transformed:
    """Scores whose paired difference is d_z, and whose error is that of d_z to the first order.

    With items' differences D of weights w (those of `paired_difference`), δ = Σ wD, c = 1 − Σ w² and
    σ² = Σ w(D − δ)² / c (for equal weights the usual one over items − 1), d_z = δ/σ moves with D as
    w (1/σ − d_z (D − δ) / (σ² c)): so do an item's scores here around its mean, which is D/σ less
    d_z ((D − δ)² / (σ² c) − 1) / 2. With `value_only` the scores are left as they are.
    """
    places, count = _places(items)
    values = np.stack([first, second])
    given = ~np.isnan(values)
    counts = np.stack([np.bincount(places, each, minlength=count) for each in given])
    scored = counts.min(axis=0) > 0
    if not scored.any():
        return Transformed(first, second, undefined=Reason("no_item_with_both"))
    counts[:, ~scored] = 1  # of no weight
    weights = np.where(scored, 2 / (1 / counts).sum(axis=0), 0.0)
    weights /= weights.sum()
    filled = np.where(given, values, 0.0)
    means = np.stack([np.bincount(places, each, minlength=count) for each in filled]) / counts
    differences = np.where(scored, means[0] - means[1], 0.0)
    difference, left = float(weights @ differences), 1 - float((weights**2).sum())
    if scored.sum() < 2:
        return Transformed(first, second, undefined=Reason("single", unit="item"))
    centred = np.where(scored, differences - difference, 0.0)
    deviation = float(np.sqrt(weights @ centred**2 / left))
    if deviation <= ROUNDING * max(1.0, float(np.abs(means).max())):
        return Transformed(first, second, undefined=Reason("same_for_every_item"))
    standardised = difference / deviation
    if value_only:
        return Transformed(first, second, standardised)
    slopes = 1 / deviation - standardised * centred / (deviation**2 * left)
    middles = differences / deviation - standardised / 2 * (centred**2 / (deviation**2 * left) - 1)
    around = slopes[places] * (values - means[:, places])
    kept = np.where(scored[places], around + np.array([[0.5], [-0.5]]) * middles[places], np.nan)
    return Transformed(kept[0], kept[1], standardised)


def _places(items: Ints) -> tuple[Ints, int]:
    """Codes of the items and how many there may be: the items themselves where they are positions already."""
    if len(items) and items.min() >= 0 and items.max() < 4 * len(items):
        return items, int(items.max()) + 1
    known, places = np.unique(items, return_inverse=True)
    return places, len(known)
