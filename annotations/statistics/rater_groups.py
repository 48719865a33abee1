"""Texts that two groups of raters scored: their difference holds that of the texts and that of the groups."""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from annotations.statistics.differences import Difference
from annotations.statistics.uncertainty import Floats, Ints, Mean


class Group(NamedTuple):
    """What one group of raters gave. Shapes: all (n), a row a score; codes mean the same in both groups."""

    scores: Floats
    items: Ints
    raters: Ints
    clusters: Ints  # of items (albums)

    def of_items(self, items: Ints) -> "Group":
        there = np.isin(self.items, items)
        return Group(self.scores[there], self.items[there], self.raters[there], self.clusters[there])


class _Side(NamedTuple):
    """One group's part of the difference, with the share that each score (n) has in it by its rater's deviation."""

    deviations: Floats
    size: int  # raters
    variance: float  # by rater


def groups_difference(first: Group, second: Group, *, level: float = 0.95) -> Difference:
    """First minus second, paired by item, with an error that is robust to items and to each group's raters.

    Items with scores of both count; with a and b scores of them an item weighs 2 / (1/a + 1/b), so that the estimate is
    that of `paired_difference`. Its error, which is for raters who score both, falls short here in two ways: the raters
    of a group are a sample of their own, whose deviations sum to zero within it, so that each group needs its own
    factor R / (R − 1); and an item's mean holds the rater's own score, so that a deviation is taken here from what
    others gave the item, in both groups. The variance is items + raters − their intersection (Cameron, Gelbach and
    Miller 2011, equation 2.11), and at least the items' part, to which raters only add. The groups' parts share their
    degrees of freedom as in Welch (1947); where somebody is in both groups their deviations are added first, and the
    smaller R − 1 holds.

    There is no interval where a group has one rater, or all items are of one cluster: `undefined` says which.
    """
    common = np.intersect1d(first.items, second.items)
    if not len(common):
        return Difference(None, 0, 0, "no item has scores of both")
    first, second = first.of_items(common), second.of_items(common)
    counts, means = zip(*(_by_item(each, common) for each in (first, second)), strict=True)
    weights = 2 / (1 / counts[0] + 1 / counts[1])
    weights /= weights.sum()
    value = float(weights @ (means[0] - means[1]))
    screens = len(first.scores) + len(second.scores)
    clusters = np.empty(len(common), dtype=np.int64)
    for each in (first, second):
        clusters[np.searchsorted(common, each.items)] = each.clusters
    albums = len(np.unique(clusters))
    sides = [
        _side(first, common, counts[0], means[0], means[1] + value, weights),
        _side(second, common, counts[1], means[1], means[0] - value, weights),
    ]
    why = _undefined([side.size for side in sides], len(common), albums)
    if why:
        return Difference(Mean(value, None, None, None), screens, len(common), why)
    by_item = albums / (albums - 1) * float((_sums(weights * (means[0] - means[1] - value), clusters) ** 2).sum())
    raters = np.concatenate([first.raters, second.raters])
    signed = np.concatenate([sides[0].deviations, -sides[1].deviations])
    factors = np.repeat([side.size / (side.size - 1) for side in sides], [len(each.scores) for each in (first, second)])
    by_rater = float((_sums(signed * np.sqrt(factors), raters) ** 2).sum())
    both = np.concatenate([first.clusters, second.clusters]) * (int(raters.max()) + 1) + raters
    cells = _sums(signed, both)
    by_both = len(cells) / (len(cells) - 1) * float((cells**2).sum())
    error = max(by_item + by_rater - by_both, by_item) ** 0.5
    largest = max(float(np.abs(each.scores).max()) for each in (first, second))
    if error <= 1e-9 * max(1.0, largest):
        same = "it is the same on every item: nothing varies"
        return Difference(Mean(value, None, None, None), screens, len(common), same)
    freedom = min(side.size for side in sides) - 1.0
    total = sum(side.variance for side in sides)
    if total > 0 and not np.isin(first.raters, second.raters).any():
        freedom = total**2 / sum(side.variance**2 / (side.size - 1) for side in sides)
    freedom = min(freedom, albums - 1)
    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    p = 2 * float(stdtr(freedom, -abs(value) / error))
    return Difference(Mean(value, error, (value - half, value + half), p, freedom), screens, len(common))


def _by_item(group: Group, items: Ints) -> tuple[Ints, Floats]:
    """How many scores each item has, and their mean."""
    places = np.searchsorted(items, group.items)
    counts = np.bincount(places, minlength=len(items))
    return counts, np.bincount(places, group.scores, minlength=len(items)) / counts


def _side(group: Group, items: Ints, counts: Ints, means: Floats, expected: Floats, weights: Floats) -> _Side:
    """`expected` (items) is what the other group's means lead to expect of this one's."""
    places = np.searchsorted(items, group.items)
    count = counts[places]
    others = (means[places] * count - group.scores) / np.maximum(count - 1, 1)
    others = np.where(count > 1, others, expected[places])
    deviations = weights[places] / count * (group.scores - (others + expected[places]) / 2)
    size = len(np.unique(group.raters))
    variance = size / max(size - 1, 1) * float((_sums(deviations, group.raters) ** 2).sum())
    return _Side(deviations, size, variance)


def _undefined(sizes: list[int], items: int, albums: int) -> str | None:
    if min(sizes) < 2:
        return "one rater in a group: nothing says how its raters differ"
    if albums < 2:
        what = "one item" if items == 1 else "all items are of one album"
        return f"{what}: nothing says how items differ"
    return None


def _sums(values: Floats, codes: Ints) -> Floats:
    """Sums of the values that have the same code."""
    return np.bincount(np.unique(codes, return_inverse=True)[1], weights=values).astype(np.float64)
