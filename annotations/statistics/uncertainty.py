"""Means with intervals when the same items and the same raters stand behind many of the scores."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit  # Student's t: scipy.stats has it too, and takes ten times as long to load

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Mean(NamedTuple):
    """A mean, its standard error and interval, and the two-sided p of its being zero; None where undefined."""

    mean: float
    error: float | None
    interval: tuple[float, float] | None
    p: float | None


def clustered_mean(scores: Floats, items: Ints, raters: Ints, *, level: float = 0.95) -> Mean:
    """Mean of the scores (n), with clusters of scores by item (n) and by rater (n).

    The variance is two-way cluster-robust, item + rater − their intersection (Cameron, Gelbach and Miller 2011,
    equation 2.11), each part with its small-sample factor G / (G − 1); the interval is Student's t with
    min(clusters) − 1 degrees of freedom. Of a single item, or a single rater, only the other clustering is used; of
    both single the interval is undefined. Raises ValueError for no scores.
    """
    if not len(scores):
        raise ValueError("there are no scores to take the mean of")
    mean = float(scores.mean())
    residuals = (scores - mean) / len(scores)
    both = items.astype(np.int64) * (int(raters.max()) + 1) + raters
    by_item, by_rater = _variance(residuals, items), _variance(residuals, raters)
    usable = [(value, clusters) for value, clusters in (by_item, by_rater) if clusters > 1]
    if not usable:
        return Mean(mean, None, None, None)
    variance = max(value for value, _ in usable)
    if len(usable) == 2:
        combined = by_item[0] + by_rater[0] - _variance(residuals, both)[0]
        variance = combined if combined > 0 else variance  # the difference of estimates can fall below zero
    freedom = min(clusters for _, clusters in usable) - 1
    error = float(np.sqrt(variance))
    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    certain = 1.0 if mean == 0 else 0.0
    p = 2 * float(stdtr(freedom, -abs(mean) / error)) if error > 0 else certain
    return Mean(mean, error, (mean - half, mean + half), p)


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
