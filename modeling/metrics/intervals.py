"""Percentile bootstrap over groups: whole albums are drawn, since their sentences resemble each other."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Interval = tuple[float, float]


@dataclass(frozen=True)
class Resampled:
    """A figure's value in each resample (R) of whole `groups`. Figures of the same groups and seed have the same
    resamples, so that their difference can be taken in each."""

    values: NDArray[np.float64]
    groups: tuple[Hashable, ...]

    @property
    def interval(self) -> Interval:
        return percentiles(self.values)


def difference_interval(before: Resampled | None, after: Resampled | None) -> Interval | None:
    """Interval of after - before, paired by the groups drawn; None where they are not of the same groups."""
    if before is None or after is None or before.groups != after.groups:
        return None
    return percentiles(after.values - before.values)


def resampled_ratios(
    numerators: ArrayLike,
    denominators: ArrayLike,
    groups: Sequence[Hashable],
    *,
    resamples: int,
    seed: int,
) -> Resampled | None:
    """Of sum(numerators) / sum(denominators), None where there is nothing to draw (see `resampled_sums`)."""
    columns = np.stack([np.asarray(numerators, float), np.asarray(denominators, float)], axis=1)
    sums = resampled_sums(columns, groups, resamples=resamples, seed=seed)
    return None if sums is None else Resampled(sums[:, 0] / sums[:, 1], tuple(dict.fromkeys(groups)))


def ratio_interval(
    numerators: ArrayLike,
    denominators: ArrayLike,
    groups: Sequence[Hashable],
    *,
    resamples: int,
    seed: int,
) -> Interval | None:
    """Interval of sum(numerators) / sum(denominators), None where there is nothing to draw (see `resampled_sums`)."""
    found = resampled_ratios(numerators, denominators, groups, resamples=resamples, seed=seed)
    return found.interval if found else None


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


def percentiles(draws: NDArray[np.float64], level: float = 0.95) -> Interval:
    """Percentile method (Efron and Tibshirani 1993, chapter 13)."""
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)
