"""Which of two systems scores higher on the same items: the primary result of a campaign."""

from typing import NamedTuple

import numpy as np

from annotations.statistics.uncertainty import Floats, Ints, Mean, clustered_estimate


class Difference(NamedTuple):
    """First minus second; how many screens and items it stands on; in words why there is none."""

    estimate: Mean | None
    screens: int
    items: int
    undefined: str | None = None


def paired_difference(
    first: Floats, second: Floats, items: Ints, raters: Ints, *, groups: Ints | None = None, level: float = 0.95
) -> Difference:
    """The difference of two systems' scores, paired by item, with an error that is robust to items and to raters.

    Shapes: all (n), a row a rater and item, NaN where the rater did not score that system. Items that have scores of
    both count; with a and b scores of them an item weighs 2 / (1/a + 1/b), so that where every rater scored both the
    result is the mean of the raters' own differences. Where some scored one only, the item's means are compared.
    Errors are clustered by rater and by `groups` of items (albums), by items where none are given
    (`clustered_estimate`).
    """
    scored = np.stack([~np.isnan(first), ~np.isnan(second)])
    _, places = np.unique(items, return_inverse=True)
    counts = np.stack([np.bincount(places, each) for each in scored])
    with_both = np.minimum(counts[0], counts[1]) > 0
    used = scored.any(axis=0) & with_both[places]
    if not used.any():
        return Difference(None, 0, 0, "no item has scores of both")
    counts[:, ~with_both] = 1  # of no weight below
    weights = np.where(with_both, 2 / (1 / counts).sum(axis=0), 0)
    weights /= weights.sum()
    values = np.where(scored, np.stack([first, second]), 0.0)
    means = np.stack([np.bincount(places, each) for each in values]) / counts
    difference = float(weights @ (means[0] - means[1]))
    middle = means.mean(axis=0)[places]
    residuals = np.where(scored, values - middle - np.array([[difference], [-difference]]) / 2, 0.0)
    shares = (weights / counts)[:, places]
    influences = shares[0] * residuals[0] - shares[1] * residuals[1]
    clusters = items if groups is None else groups
    estimate = clustered_estimate(difference, influences[used], clusters[used], raters[used], level=level)
    return Difference(estimate, int(used.sum()), int(with_both.sum()))
