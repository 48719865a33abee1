"""Campaigns drawn as they are planned and tested at every look: the power for which no formula is close enough.

With looks the estimated variances of one campaign hang together from look to look, and with few raters that moves the
power by up to eight points from what normal theory gives.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import stdtrit

from annotations.statistics.dealing import arrivals
from annotations.statistics.looks import Look
from annotations.statistics.planning import Design, Variances
from annotations.statistics.uncertainty import Floats, Ints

DRAWS, TOGETHER, SEED = 4000, 500, 1


class Rehearsal(NamedTuple):
    """Of each drawn campaign (rows) at each look (columns): the mean difference where there is none, and how far from
    0 the mean has to be to count."""

    means: Floats
    bounds: Floats

    def power(self, difference: float) -> float:
        """The share of campaigns with this true difference in which a look finds one; ± 1.5 points with 4,000."""
        return float((np.abs(self.means + difference) > self.bounds).any(axis=1).mean())

    def detectable(self, power: float) -> float:
        """The smallest true difference that is found with this power."""
        if self.power(0.0) >= power:
            return 0.0
        high = float(np.abs(self.means[:, -1]).max())
        while self.power(high) < power:
            high *= 2
        return float(brentq(lambda difference: self.power(difference) - power, 0.0, high))


def rehearse(variances: Variances, design: Design, looks: Sequence[Look]) -> Rehearsal:
    """Draw campaigns, normal in all parts, and test each as `clustered_mean` does at equal shares of its ratings.

    The design must have a test (`planning.why_undefined`).
    """
    draw = np.random.default_rng(SEED)
    item_sd, rater_sd, residual_sd = np.sqrt(variances)
    found = []
    for start in range(0, DRAWS, TOGETHER):
        runs = min(TOGETHER, DRAWS - start)
        items, raters = arrivals(design, draw)
        scores = item_sd * draw.normal(size=(runs, design.items))[:, items]
        scores += rater_sd * draw.normal(size=(runs, design.raters))[:, raters]
        scores += residual_sd * draw.normal(size=scores.shape)
        ends = [round(design.ratings * number / len(looks)) for number in range(1, len(looks) + 1)]
        found.append([_tested(scores[:, :n], items[:n], raters[:n], look) for n, look in zip(ends, looks, strict=True)])
    means, bounds = np.concatenate([np.transpose(each, (1, 2, 0)) for each in found], axis=1)
    return Rehearsal(means, bounds)


def _tested(scores: Floats, items: Ints, raters: Ints, look: Look) -> tuple[Floats, Floats]:
    """Means (runs) and bounds (runs) of scores (runs, n)."""
    means = scores.mean(axis=1)
    freedom = min(len(np.unique(items)), len(np.unique(raters))) - 1
    if not freedom:
        return means, np.full(len(means), np.inf)
    return means, float(stdtrit(freedom, 1 - look.p / 2)) * clustered_errors(scores, items, raters)


def clustered_errors(scores: Floats, items: Ints, raters: Ints) -> Floats:
    """The standard errors that `clustered_mean` gives for each row of scores (runs, n) of several items and raters."""
    n = scores.shape[1]
    residuals = (scores - scores.mean(axis=1, keepdims=True)) / n
    by_item, by_rater = _variances(residuals, items), _variances(residuals, raters)
    combined = by_item + by_rater - (residuals**2).sum(axis=1) * n / (n - 1)
    errors: Floats = np.sqrt(np.maximum(combined, by_item / 2))
    return errors


def _variances(residuals: Floats, clusters: Ints) -> Floats:
    order = np.argsort(clusters, kind="stable")
    _, starts = np.unique(clusters[order], return_index=True)
    sums = np.add.reduceat(residuals[:, order], starts, axis=1)
    squares: Floats = (sums**2).sum(axis=1) * len(starts) / (len(starts) - 1)
    return squares
