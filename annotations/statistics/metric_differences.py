"""By how much systems differ in an automatic metric: the paired bootstrap over items or albums."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from annotations.reasons import Reason
from annotations.statistics.resampling import (
    MIN_CLUSTERS,
    RESAMPLES,
    SEED,
    expansion,
    percentile_interval,
    resampled_sums,
)
from annotations.statistics.uncertainty import Floats, Ints


class MetricDifference(NamedTuple):
    """The first system's metric less the second's, its 95 % interval, and p-values of its being zero.

    p is two-sided; where the difference is the same in each of G clusters, and not zero, there is no interval, and p is
    at least that of the sign-flip test, 2 / 2^G. p_sacrebleu is what `sacrebleu --paired-bs` prints, to compare with
    papers: it is nearly one-sided.
    """

    value: float
    interval: tuple[float, float] | None
    p: float | None
    p_sacrebleu: float | None


class PairwiseDifferences(NamedTuple):
    """Each pair's difference, and what is missing."""

    differences: dict[tuple[str, str], MetricDifference]
    undefined: Reason | None


def paired_differences(
    counts: Mapping[str, Floats],
    metric: Callable[[Floats], Floats],
    clusters: Ints,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> PairwiseDifferences:
    """Differences between systems in a metric that is computed from sums of counts of each text.

    `counts` are each system's (n, C), of the same n sources in order, and `metric` makes of sums (m, C) the metric (m):
    a resample needs only sums. `clusters` (n) are the sources' items or albums, which are resampled for all systems
    alike. A source that lacks a system's counts (NaN) has no part in any figure, so that systems are compared on the
    same sources. With d the difference and d* its B resamples, paired by source as in Koehn (2004), p = (1 + #{c |d* −
    mean d*| ≥ |d|}) / (1 + B): d* centred is the distribution with no difference (Efron and Tibshirani 1993, section
    16.4), c the `resampling.expansion` that the intervals have as well. p_sacrebleu = (1 + #{|d*| − mean |d*| > |d|}) /
    (1 + B): sacrebleu centres the absolute values, and with no difference falls below 0.05 more than one time in ten.

    Raises ValueError where systems or clusters differ in length: sacrebleu would cut them silently.
    """
    lengths = {name: len(each) for name, each in (*counts.items(), ("clusters", clusters))}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"lengths differ: {', '.join(f'{name} {count}' for name, count in lengths.items())}")
    table = np.concatenate(list(counts.values()), axis=1)
    complete = np.isfinite(table).all(axis=1)
    if not complete.any():
        return PairwiseDifferences({}, Reason("no_common_source"))
    sums = _by_cluster(table[complete], clusters[complete])

    def of_systems(rows: Floats) -> Floats:
        """(m, systems · C) → (m, systems)."""
        return np.stack([metric(part) for part in np.split(rows, len(counts), axis=1)], axis=1)

    values, drawn = of_systems(sums.sum(axis=0, keepdims=True))[0], None
    if len(sums) >= MIN_CLUSTERS:
        drawn = of_systems(resampled_sums(sums, resamples=resamples, seed=seed))
    differences = {}
    for (one, first), (other, second) in combinations(enumerate(counts), 2):
        pair = None if drawn is None else drawn[:, [one, other]]
        differences[first, second] = _difference(float(values[one] - values[other]), pair, len(sums))
    why = Reason("few_clusters", needed=MIN_CLUSTERS, found=len(sums)) if drawn is None else None
    return PairwiseDifferences(differences, why)


def why_not_compared(sources: Mapping[str, Sequence[Hashable]]) -> Reason | None:
    """Why systems cannot be compared that wrote for these sources; None where they can."""
    if len(sources) < 2:
        return Reason("few_systems_with_metric", found=len(sources))
    first = next(iter(sources.values()))
    if all(list(each) == list(first) for each in sources.values()):
        return None
    return Reason("different_items", outputs=tuple((name, len(each)) for name, each in sources.items()))


def _by_cluster(rows: Floats, clusters: Ints) -> Floats:
    _, index = np.unique(clusters, return_inverse=True)
    sums = np.zeros((int(index.max()) + 1, rows.shape[1]))
    np.add.at(sums, index, rows)
    return sums


def _difference(value: float, drawn: Floats | None, clusters: int) -> MetricDifference:
    if drawn is None:
        return MetricDifference(value, None, None, None)
    resampled = drawn[:, 0] - drawn[:, 1]
    rounding = 1e-9 * max(1.0, float(np.abs(drawn).max()))
    extreme = expansion(clusters) * np.abs(resampled - resampled.mean()) >= abs(value) - rounding
    absolute = np.abs(resampled)
    of_sacrebleu = absolute - absolute.mean() > abs(value)
    p, p_sacrebleu = (float((1 + each.sum()) / (1 + len(drawn))) for each in (extreme, of_sacrebleu))
    if np.ptp(resampled) <= rounding < abs(value):
        return MetricDifference(value, None, max(p, 2.0 ** (1 - clusters)), p_sacrebleu)
    return MetricDifference(value, percentile_interval(resampled, clusters), p, p_sacrebleu)
