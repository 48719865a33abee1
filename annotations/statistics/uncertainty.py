"""Means with intervals when the same items and the same raters stand behind many of the scores."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit  # Student's t: scipy.stats has it too, and takes ten times as long to load

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Mean(NamedTuple):
    """A mean, its standard error and interval, the two-sided p of its being zero, and the degrees of freedom of
    Student's t behind both; None where undefined."""

    mean: float
    error: float | None
    interval: tuple[float, float] | None
    p: float | None
    freedom: float | None = None


def clustered_mean(scores: Floats, items: Ints, raters: Ints, *, level: float = 0.95) -> Mean:
    """Mean of the scores (n), with clusters of scores by item (n) and by rater (n); see `clustered_estimate`.

    Raises ValueError for no scores.
    """
    if not len(scores):
        raise ValueError("there are no scores to take the mean of")
    mean = float(scores.mean())
    return clustered_estimate(mean, (scores - mean) / len(scores), items, raters, level=level)


def clustered_estimate(value: float, influences: Floats, items: Ints, raters: Ints, *, level: float = 0.95) -> Mean:
    """The error and interval of an estimate from each observation's influence on it (n), which sum to zero.

    The variance is two-way cluster-robust, item + rater − their intersection (Cameron, Gelbach and Miller 2011,
    equation 2.11), each part with its small-sample factor G / (G − 1); the interval is Student's t with
    min(clusters) − 1 degrees of freedom. The difference of estimates is held at half the items' part at least: where
    raters hardly differ it can fall to zero and below by chance. Of a single item, or a single rater, only the other
    clustering is used; of both single the interval is undefined.
    """
    both = items.astype(np.int64) * (int(raters.max()) + 1) + raters
    by_item, by_rater = _variance(influences, items), _variance(influences, raters)
    usable = [(variance, clusters) for variance, clusters in (by_item, by_rater) if clusters > 1]
    if not usable:
        return Mean(value, None, None, None)
    variance = max(each for each, _ in usable)
    if len(usable) == 2:
        variance = max(by_item[0] + by_rater[0] - _variance(influences, both)[0], by_item[0] / 2)
    freedom = min(clusters for _, clusters in usable) - 1
    error = float(np.sqrt(variance))
    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    certain = 1.0 if value == 0 else 0.0
    p = 2 * float(stdtr(freedom, -abs(value) / error)) if error > 0 else certain
    return Mean(value, error, (value - half, value + half), p, float(freedom))


def _variance(residuals: Floats, clusters: Ints) -> tuple[float, int]:
    """Variance of the sum of the residuals when those of a cluster move together, and how many clusters there are."""
    _, index = np.unique(clusters, return_inverse=True)
    count = int(index.max()) + 1
    if count < 2:
        return 0.0, count
    sums = np.bincount(index, residuals, minlength=count)
    return float((sums**2).sum()) * count / (count - 1), count


def holm(p_values: Floats) -> Floats:
    """Holm's (1979) adjusted p-values of a family, in the given order."""
    order = np.argsort(p_values)
    scaled = p_values[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled))
    return adjusted
