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
    level: float = 0.95,
) -> tuple[float, float] | None:
    """Interval of sum(numerators) / sum(denominators), groups drawn with replacement; None with fewer than two groups.

    Percentile method (Efron and Tibshirani 1993, chapter 13).
    """
    places: dict[Hashable, int] = {}
    index = np.array([places.setdefault(group, len(places)) for group in groups], dtype=np.int64)
    if len(places) < 2:
        return None
    tops = np.bincount(index, np.asarray(numerators, float), minlength=len(places))
    bottoms = np.bincount(index, np.asarray(denominators, float), minlength=len(places))
    generator = np.random.default_rng(seed)
    ratios: NDArray[np.float64] = np.empty(resamples)
    for each in range(resamples):
        drawn = generator.integers(len(places), size=len(places))
        ratios[each] = tops[drawn].sum() / bottoms[drawn].sum()
    tail = (1 - level) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    return float(low), float(high)
