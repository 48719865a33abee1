"""Percentile bootstrap over groups: whole albums are drawn, since their sentences resemble each other."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def ratio_interval(
    numerators: ArrayLike,
    denominators: ArrayLike,
    groups: Sequence[Hashable],
    *,
    resamples: int,
    seed: int,
) -> tuple[float, float] | None:
    """Interval of sum(numerators) / sum(denominators), None where there is nothing to draw (see `resampled_sums`)."""
    columns = np.stack([np.asarray(numerators, float), np.asarray(denominators, float)], axis=1)
    sums = resampled_sums(columns, groups, resamples=resamples, seed=seed)
    return None if sums is None else percentiles(sums[:, 0] / sums[:, 1])


def resampled_sums(
    values: NDArray[np.float64], groups: Sequence[Hashable], *, resamples: int, seed: int
) -> NDArray[np.float64] | None:
    """Sums of the rows of values (N, S), whole groups drawn with replacement: (resamples, S).

    None without resamples, or with fewer than two groups to draw from.
    """
    places: dict[Hashable, int] = {}
    index = np.array([places.setdefault(group, len(places)) for group in groups], dtype=np.int64)
    if len(places) < 2 or not resamples:
        return None
    of_group = np.zeros((len(places), values.shape[1]))
    np.add.at(of_group, index, values)
    generator = np.random.default_rng(seed)
    drawn = (generator.integers(len(places), size=len(places)) for _ in range(resamples))
    return np.stack([of_group[each].sum(axis=0) for each in drawn])


def percentiles(draws: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    """Percentile method (Efron and Tibshirani 1993, chapter 13)."""
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)
