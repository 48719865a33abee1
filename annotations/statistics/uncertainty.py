"""Estimates with intervals when the same items and the same raters stand behind many of the scores."""

import numpy as np
from numpy.typing import NDArray

# Student's t: scipy.stats has it too, and takes ten times as long to load
from scipy.special import ndtri, stdtr, stdtrit

from annotations.reasons import Reason
from annotations.statistics.estimate import Estimate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


NOTHING = 1e-9  # what rounding leaves, beside the values
EVEN = 0.9
UPPER = 0.975  # the share below the upper limit of an interval of 95 %


def clustered_estimate(value: float, influences: Floats, items: Ints, raters: Ints, *, largest: float) -> Estimate:
    """The error and interval of an estimate from each observation's influence on it (n), which sum to zero.

    `items` and `raters` (n) are codes from 0 without gaps. The variance is two-way cluster-robust, item + rater − their
    intersection (Cameron, Gelbach and Miller 2011, equation 2.11), each part with its small-sample factor G / (G − 1);
    the interval is Student's t with min(clusters) − 1 degrees of freedom. It is for raters, and items, of about equal
    shares (`even`). The difference of estimates is held at half the items' part at least: where raters hardly differ it
    can fall to zero and below by chance. Of a single item, or a single rater, only the other clustering is used; of
    both single the interval is undefined. An error that rounding explains beside the `largest` score is zero, and p
    undefined.
    """
    of_items, of_raters = int(items.max()) + 1, int(raters.max()) + 1
    by_item, by_rater = _variance(influences, items, of_items), _variance(influences, raters, of_raters)
    if of_items == of_raters == 1:
        return Estimate(value, undefined=Reason("one_cluster"))
    variance = max(by_item, by_rater)
    freedom = max(of_items, of_raters) - 1
    if min(of_items, of_raters) > 1:
        both, keys = codes_of_pairs(items, raters)
        variance = max(by_item + by_rater - _variance(influences, both, len(keys)), by_item / 2)
        freedom = min(of_items, of_raters) - 1
    return student(value, variance, freedom, largest=largest)


def student(value: float, variance: float, freedom: float, *, largest: float) -> Estimate:
    """The interval of Student's t; where nothing varied beside the `largest` score it has no width, and p is None."""
    error = float(np.sqrt(variance))
    if error <= NOTHING * max(abs(value), largest):
        return Estimate(value, (value, value), error=0.0, freedom=float(freedom))
    half = float(stdtrit(freedom, UPPER)) * error
    p = 2 * float(stdtr(freedom, -abs(value) / error))
    return Estimate(value, (value - half, value + half), error=error, p=p, freedom=float(freedom))


def quantile(freedom: float, share: float) -> float:
    """Of Student's t; of the normal distribution where the degrees of freedom are infinite."""
    return float(ndtri(share) if np.isinf(freedom) else stdtrit(freedom, share))


def _variance(residuals: Floats, clusters: Ints, count: int) -> float:
    """Variance of the sum of the residuals when those of a cluster move together."""
    if count < 2:
        return 0.0
    sums = np.bincount(clusters, residuals, minlength=count)
    return float((sums**2).sum()) * count / (count - 1)


def sums_by(codes: Ints, values: Floats, count: int) -> Floats:
    """Sums of the values (n) that have the same code (n): (count)."""
    return np.bincount(codes, values, minlength=count).astype(np.float64)


def dense(codes: Ints) -> tuple[Ints, int]:
    """The codes (n) from 0 without gaps, in their order, and how many there are."""
    low, high = int(codes.min()), int(codes.max())
    if high - low > 4 * len(codes) + 1000:
        values, index = np.unique(codes, return_inverse=True)
        return index, len(values)
    there = np.bincount(codes - low, minlength=high - low + 1) > 0
    return (np.cumsum(there) - 1)[codes - low], int(there.sum())


def codes_of_pairs(one: Ints, other: Ints) -> tuple[Ints, Ints]:
    """A code from 0 for each different pair of codes (n), and each pair's key: one × (highest other + 1) + other."""
    keys = one.astype(np.int64) * (int(other.max()) + 1) + other
    code, count = dense(keys)
    found = np.empty(count, dtype=np.int64)
    found[code] = keys
    return code, found


def even(shares: Floats) -> bool:
    """Whether the shares are about equal: as many as nine tenths of them would hold the whole evenly (Kish 1965)."""
    return bool(float(shares.sum()) ** 2 >= EVEN * len(shares) * float((shares**2).sum()))


def holm(p_values: Floats) -> Floats:
    """Holm's (1979) adjusted p-values of a family, in the given order."""
    order = np.argsort(p_values)
    scaled = p_values[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled))
    return adjusted
