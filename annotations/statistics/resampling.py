"""Percentile bootstrap over items or albums: a statistic is recomputed from its sums, not from its rows."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from annotations.reasons import Reason
from annotations.statistics.estimate import Estimate
from annotations.statistics.uncertainty import Floats, Ints

RESAMPLES, SEED = 1000, 1
MIN_CLUSTERS = 10  # percentiles of fewer say little of the tails
CELLS = 4_000_000  # of the matrix of resample counts that are held at a time


class Resampled(NamedTuple):
    """j values and what their resamples are computed from: sums (clusters, k), and sums (m, k) → (j, m)."""

    values: tuple[float | None, ...]
    undefined: Reason | None
    sums: Floats
    formula: Callable[[Floats], Floats]


def undefined(values: int, clusters: int, why: Reason) -> Resampled:
    """Of that many values none is defined, for this reason."""
    return Resampled((None,) * values, why, np.zeros((clusters, 0)), lambda sums: np.full((values, len(sums)), np.nan))


def sums_by(clusters: Ints, count: int, columns: Sequence[Floats]) -> Floats:
    """Sums of each of k columns (n) by cluster code (n): (count, k)."""
    return np.stack([np.bincount(clusters, column, minlength=count) for column in columns], axis=1)


def resampled_sums(sums: Floats, *, resamples: int, seed: int) -> Floats:
    """Column sums of resampled clusters: (clusters, k) → (resamples, k).

    Clusters are drawn with replacement, as many as there are (Davison and Hinkley 1997, section 3.8). How often each
    was drawn is a matrix (resamples, clusters), so that one product gives every sum.
    """
    count = len(sums)
    generator = np.random.default_rng(seed)
    drawn = np.empty((resamples, sums.shape[1]))
    at_once = max(1, CELLS // count)
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        picks = generator.integers(count, size=(rows, count)) + count * np.arange(rows)[:, None]
        times = np.bincount(picks.ravel(), minlength=rows * count).reshape(rows, count)
        drawn[start : start + rows] = times.astype(np.float64) @ sums
    return drawn


def expansion(clusters: int) -> float:
    """By what a resampled deviation falls short of one for which Student's t and the unbiased variance are used."""
    return float(np.sqrt(clusters / (clusters - 1)) * stdtrit(clusters - 1, 0.975) / ndtri(0.975))


def percentile_interval(values: Floats, clusters: int) -> tuple[float, float] | None:
    """The 95 % expanded percentile interval of resampled values; None where under half of them are defined.

    Plain percentiles are too narrow by `expansion` (Hesterberg 2015, section 3.3): with ten clusters the quantiles are
    0.9 % and 99.1 %, with many 2.5 % and 97.5 %.
    """
    defined = values[np.isfinite(values)]
    if not len(defined) or len(defined) < len(values) / 2:
        return None
    tail = float(ndtr(-expansion(clusters) * ndtri(0.975)))
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


def bootstrap(estimates: Sequence[Resampled], *, resamples: int = RESAMPLES) -> list[tuple[Estimate, ...]]:
    """Each estimate's values with their intervals, all from the same resamples of the same clusters."""
    if not estimates:
        return []
    count = len(estimates[0].sums)
    if count < MIN_CLUSTERS:
        why = Reason("few_clusters", needed=MIN_CLUSTERS, found=count)
        return [tuple(Estimate(value, undefined=each.undefined or why) for value in each.values) for each in estimates]
    drawn = resampled_sums(np.concatenate([each.sums for each in estimates], axis=1), resamples=resamples, seed=SEED)
    ends = np.cumsum([each.sums.shape[1] for each in estimates])
    return [_with_intervals(each, part) for each, part in zip(estimates, np.split(drawn, ends, axis=1), strict=False)]


def _with_intervals(estimate: Resampled, drawn: Floats) -> tuple[Estimate, ...]:
    if estimate.undefined:
        return tuple(Estimate.none(estimate.undefined) for _ in estimate.values)
    with np.errstate(divide="ignore", invalid="ignore"):
        intervals = [percentile_interval(row, len(estimate.sums)) for row in estimate.formula(drawn)]
    why = Reason("undefined_in_resamples")
    pairs = zip(estimate.values, intervals, strict=True)
    return tuple(Estimate(value, interval, None if interval else why) for value, interval in pairs)
