"""How an automatic metric goes with human scores: over all texts, within an item, over systems."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from annotations.reasons import Reason
from annotations.statistics.coefficients import (
    Gradient,
    Order,
    coefficients_by_group,
    coefficients_of_rows,
    kendall_gradient,
    pearson_by_group,
    spearman_gradient,
)
from annotations.statistics.estimate import Estimate
from annotations.statistics.resampling import RESAMPLES, Resampled, bootstrap, sums_by, undefined
from annotations.statistics.scored_texts import ScoredTexts, scored_texts, system_means, system_sums
from annotations.statistics.uncertainty import Floats, Ints

MIN_TEXTS, MIN_SYSTEMS = 3, 5


class Level(NamedTuple):
    """Three coefficients over `units` texts, items or systems; `left_out` of them have no part in it."""

    pearson: Estimate
    spearman: Estimate
    kendall: Estimate
    units: int
    left_out: int


class Correlation(NamedTuple):
    """A metric's correlation with the human scores, by level."""

    pooled: Level
    within_item: Level
    system: Level


def correlations(
    human: Floats,
    metrics: Mapping[str, Floats],
    systems: Ints,
    items: Ints,
    *,
    albums: Ints | None = None,
    leave_out: Collection[int] = (),
    resamples: int = RESAMPLES,
) -> dict[str, Correlation]:
    """Pearson's r, Spearman's rho and Kendall's tau-b of each metric with the human scores, at three levels.

    A row is a text: its human score, its score by each metric, and codes of its system and item, all (n). A text whose
    score by a metric is NaN has no part in that metric's figures. Systems in `leave_out` have none at all: name the
    human there, whose texts stand apart in both scores.

    - pooled: over all texts. It mixes differences between items with those between systems.
    - within item: mean over items of the coefficient over an item's texts; items where a side is constant are left out.
    - system: over the systems' mean scores, from five systems on.

    A coefficient keeps its sign: for a metric where lower is better it should be negative. Intervals are the percentile
    bootstrap over items, or over `albums` (n). Systems are not resampled: the intervals are for these systems. A
    resample is computed exactly, except for pooled rho and tau: theirs is to first order in how often each text is
    drawn (the linear approximation of Davison and Hinkley 1997, section 2.7), so that nothing is ranked anew.

    Raises ValueError where arrays differ in length.
    """
    texts = scored_texts(human, metrics, systems, items, albums=albums, leave_out=leave_out)
    parts = {name: (_pooled(each), _within_item(each), _over_systems(each)) for name, each in texts.items()}
    found = iter(bootstrap([level.estimate for each in parts.values() for level in each], resamples=resamples))
    return {name: Correlation(*(_level(next(found), part) for part in each)) for name, each in parts.items()}


def _level(coefficients: tuple[Estimate, ...], part: "_Part") -> Level:
    pearson, spearman, kendall = coefficients
    return Level(pearson, spearman, kendall, part.units, part.left_out)


class Williams(NamedTuple):
    """Whether the first of two metrics goes better with the human scores than the second.

    p_better is one-sided, p two-sided. The three correlations are human-one, human-other and one-other.
    """

    t: float | None
    p_better: float | None
    p: float | None
    correlations: tuple[float, float, float] | None
    undefined: Reason | None


def williams_test(human: Floats, one: Floats, other: Floats) -> Williams:
    """Williams' test of two metrics' scores and human scores of the same units, (n) each, for which more is better.

    The units must be independent of each other: systems, or one text of each item, not all texts of all systems. From
    five units on. Raises ValueError where the arrays differ in length.
    """
    if not human.shape == one.shape == other.shape or human.ndim != 1:
        raise ValueError(
            f"the shapes are {human.shape}, {one.shape} and {other.shape}: each unit needs all three scores"
        )
    if len(human) < MIN_SYSTEMS:
        return Williams(None, None, None, None, Reason("few", needed=MIN_SYSTEMS, found=len(human), unit="unit"))
    together = np.zeros(len(human), np.int64)
    sides = ((human, one), (human, other), (one, other))
    r12, r13, r23 = (float(pearson_by_group(x, y, together, 1)[0]) for x, y in sides)
    if np.isnan([r12, r13, r23]).any():
        return Williams(None, None, None, None, Reason("equal_beside_metric"))
    return williams_of_correlations(r12, r13, r23, len(human))


def williams_of_correlations(r12: float, r13: float, r23: float, n: int) -> Williams:
    """The test from the correlations of human-one, human-other, one-other over n units (Williams 1959).

    t = (r12 − r13) √((n − 1)(1 + r23)) / √(2 K (n − 1)/(n − 3) + (r12 + r13)²/4 (1 − r23)³) with
    K = 1 − r12² − r13² − r23² + 2 r12 r13 r23 and n − 3 degrees of freedom (Steiger 1980, equation 7, as in Graham and
    Baldwin 2014, section 3). Raises ValueError for under four units.
    """
    if n < 4:
        raise ValueError(f"Williams' test has n − 3 degrees of freedom: n is {n} and must be at least 4")
    k = max(0.0, 1 - r12**2 - r13**2 - r23**2 + 2 * r12 * r13 * r23)
    under = 2 * k * (n - 1) / (n - 3) + (r12 + r13) ** 2 / 4 * (1 - r23) ** 3
    if under < 1e-12:
        why = Reason("metrics_alike")
        return Williams(None, None, None, (r12, r13, r23), why)
    t = (r12 - r13) * float(np.sqrt((n - 1) * (1 + r23) / under))
    return Williams(t, float(stdtr(n - 3, -t)), 2 * float(stdtr(n - 3, -abs(t))), (r12, r13, r23), None)


class _Part(NamedTuple):
    estimate: Resampled
    units: int
    left_out: int


def _pooled(texts: ScoredTexts) -> _Part:
    human, metric, n = texts.human, texts.metric, len(texts.human)
    if n < MIN_TEXTS:
        why = Reason("few", needed=MIN_TEXTS, found=n, unit="text")
        return _Part(undefined(3, texts.cluster_count, why), n, texts.left_out)
    together = np.zeros(n, np.int64)
    h, m = (side - side.mean() for side in (human, metric))
    pearson = pearson_by_group(human, metric, together, 1)
    if np.isnan(pearson[0]):
        why = Reason("equal_beside_metric")
        return _Part(undefined(3, texts.cluster_count, why), n, texts.left_out)
    h, m = h / np.abs(h).max(), m / np.abs(m).max()
    orders = Order(human, together), Order(metric, together)
    gradients = (spearman_gradient(*orders), kendall_gradient(*orders))
    columns = [np.ones(n), h, m, h * h, m * m, h * m, *(column for each in gradients for column in each.rows.T)]
    sums = sums_by(texts.clusters, texts.cluster_count, columns)

    def formula(drawn: Floats) -> Floats:
        ranks = [_expanded(drawn[:, 6 + 3 * at : 9 + 3 * at], gradient) for at, gradient in enumerate(gradients)]
        return np.stack([_pearson_of_moments(drawn[:, :6]), *ranks])

    values = (float(pearson[0]), *formula(sums.sum(axis=0, keepdims=True))[1:, 0].tolist())
    return _Part(Resampled(values, None, sums, formula), n, texts.left_out)


def _pearson_of_moments(sums: Floats) -> Floats:
    """From sums of 1, x, y, x², y² and xy: (resamples, 6) → (resamples)."""
    n, x, y, xx, yy, xy = sums.T
    return (n * xy - x * y) / np.sqrt((n * xx - x * x) * (n * yy - y * y))


def _expanded(sums: Floats, gradient: Gradient) -> Floats:
    """A rank coefficient to first order: its sums V, of degree k in the weights w, are w·∇V − (k − 1) V."""
    at_one = gradient.rows.sum(axis=0) / gradient.degree
    cross, one, other = (sums - (gradient.degree - 1) * at_one).T
    return np.clip(cross / np.sqrt(one * other), -1, 1)


def _within_item(texts: ScoredTexts) -> _Part:
    values = coefficients_by_group(texts.human, texts.metric, texts.items, texts.item_count)
    defined = ~np.isnan(values[0])
    used = int(defined.sum())
    if not used:
        why = Reason("equal_within_items")
        return _Part(undefined(3, texts.cluster_count, why), 0, texts.item_count)
    cluster = np.zeros(texts.item_count, np.int64)
    cluster[texts.items] = texts.clusters
    sums = sums_by(cluster[defined], texts.cluster_count, [*values[:, defined], np.ones(used)])
    means = tuple(values[:, defined].mean(axis=1).tolist())
    return _Part(
        Resampled(means, None, sums, lambda drawn: drawn[:, :3].T / drawn[:, 3]), used, texts.item_count - used
    )


def _over_systems(texts: ScoredTexts) -> _Part:
    sums, present = system_sums(texts)
    left_out = texts.system_count - present
    if present < MIN_SYSTEMS:
        why = Reason("few", needed=MIN_SYSTEMS, found=present, unit="system")
        return _Part(undefined(3, texts.cluster_count, why), present, left_out)
    values = _of_means(sums.sum(axis=0, keepdims=True))[:, 0]
    if np.isnan(values).any():
        why = Reason("equal_means")
        return _Part(undefined(3, texts.cluster_count, why), present, left_out)
    return _Part(Resampled(tuple(values.tolist()), None, sums, _of_means), present, left_out)


def _of_means(sums: Floats) -> Floats:
    return coefficients_of_rows(*system_means(sums))
