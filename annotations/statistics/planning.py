"""How many items and raters it takes to find a difference between two systems, and what they cost.

A rater scores both systems on a screen, and the difference of the two scores is
d = δ + u[item] + w[rater] + e, with the variances of `Variances`. It will be tested by `clustered_mean`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri, ndtr, stdtrit

from annotations.reasons import Reason
from annotations.statistics.uncertainty import Floats, Ints

ALPHA, POWER = 0.05, 0.8
QUANTILES = (np.arange(4000) + 0.5) / 4000  # over which the estimated variance is averaged


class Variances(NamedTuple):
    """Variances of a difference, in squared points: of its true value by item and by rater, and the residual."""

    item: float
    rater: float
    residual: float


class Pilot(NamedTuple):
    """What a pilot says of the variances, None where it cannot; and what was wrong."""

    variances: Variances | None
    said: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Design:
    """`overlap` raters an item out of `raters`, who take equal shares of the items × overlap ratings."""

    items: int
    overlap: int
    raters: int

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise ValueError(f"{name}: {value} must be a whole number of at least 1")

    @property
    def ratings(self) -> int:
        return self.items * self.overlap


class Plan(NamedTuple):
    """A design with its standard error, the power for the asked difference (None if none was), the difference
    detectable with the asked power, hours of all raters together, cost (None without a pay), and why there is none."""

    design: Design
    error: float | None
    power: float | None
    detectable: float | None
    hours: float
    cost: float | None
    undefined: Reason | None


def variances_of_pilot(differences: Floats, items: Ints, raters: Ints) -> Pilot:
    """The variances of differences (n), by item (n) and rater (n), unbalanced as they may be.

    Henderson's method 1: the uncorrected sums of squares of items, raters and cells are set equal to their
    expectations (Searle, Casella and McCulloch 1992, chapter 5, for the crossed model without interaction). An
    estimate below zero becomes 0, and `said` tells. Raises ValueError for no differences.
    """
    count = len(differences)
    if not count:
        raise ValueError("there are no differences to estimate variances from")
    _, item = np.unique(items, return_inverse=True)
    _, rater = np.unique(raters, return_inverse=True)
    of_item, of_rater = np.bincount(item), np.bincount(rater)
    for enough, reason in (
        (len(of_item) > 1, Reason("single", unit="item")),
        (len(of_rater) > 1, Reason("single", unit="rater")),
        (of_item.max() > 1, Reason("no_item_rated_twice")),
        (of_rater.max() > 1, Reason("no_rater_rated_twice")),
    ):
        if not enough:
            return Pilot(None, (reason,))
    cells, sizes = np.unique(item * len(of_rater) + rater, return_counts=True)
    raters_in_items = float((sizes**2 / of_item[cells // len(of_rater)]).sum())
    items_in_raters = float((sizes**2 / of_rater[cells % len(of_rater)]).sum())
    centred = differences - differences.mean()  # the variances do not depend on the mean, and rounding is smaller
    squares = [
        float((np.bincount(item, centred) ** 2 / of_item).sum()),
        float((np.bincount(rater, centred) ** 2 / of_rater).sum()),
        float((centred**2).sum()),
    ]
    of_mean = np.array([(of_item**2).sum() / count, (of_rater**2).sum() / count, 1.0])
    expected = np.array(
        [[count, raters_in_items, len(of_item)], [items_in_raters, count, len(of_rater)], [count, count, count]]
    )
    equations = (expected - of_mean) / count
    if np.linalg.matrix_rank(equations, tol=1e-9) < 3:
        return Pilot(None, (Reason("parts_not_told_apart"),))
    found = np.linalg.solve(equations, np.array(squares) / count)
    names = zip(Variances._fields, found, strict=True)
    said = tuple(Reason("negative_variance", part=name, estimate=float(value)) for name, value in names if value < 0)
    return Pilot(Variances(*(max(0.0, float(value)) for value in found)), said)


def why_undefined(variances: Variances, design: Design) -> Reason | None:
    """Why the design has no test, or None where it has one. Raises ValueError for a negative variance."""
    for name, value in zip(Variances._fields, variances, strict=True):
        if not 0 <= value < np.inf:
            raise ValueError(f"{name} variance: {value} must be 0 or a positive number")
    reasons = (
        (design.raters < 2, Reason("single", unit="rater")),
        (design.items < 2, Reason("single", unit="item")),
        (design.overlap > design.raters, Reason("overlap_above_raters", overlap=design.overlap, raters=design.raters)),
        (design.ratings < design.raters, Reason("idle_raters", ratings=design.ratings, raters=design.raters)),
        (not any(variances), Reason("no_variance")),
    )
    return next((reason for applies, reason in reasons if applies), None)


def standard_error(variances: Variances, design: Design) -> float:
    """Of the mean difference: √(item / items + rater / raters + residual / ratings).

    Where raters take unequal shares, `raters` stands for 1 / Σ share².
    """
    item, rater, residual = variances
    return float(np.sqrt(item / design.items + rater / design.raters + residual / design.ratings))


def power(difference: float, variances: Variances, design: Design, *, alpha: float = ALPHA) -> float | None:
    """Probability that `clustered_mean` gives p < alpha (two-sided) for a true difference; None if `why_undefined`.

    The estimated variance V is taken as a multiple of χ² with the degrees of freedom 2 E(V)² / Var(V) (Satterthwaite
    1946; for cluster-robust variances Bell and McCaffrey 2002), held like the test's at half the items' part at least;
    over its distribution the normal probability is averaged that the estimate lies beyond √V times the critical value
    of the test's t with min(items, raters) − 1. Without the hold this is the noncentral t.
    """
    return None if why_undefined(variances, design) else _Test(variances, design, alpha).power(difference)


def detectable_difference(
    variances: Variances, design: Design, *, power: float = POWER, alpha: float = ALPHA
) -> float | None:
    """The smallest true difference that is found with this power; None if `why_undefined`.

    Raises ValueError for a power that is not between alpha and 1.
    """
    if not alpha < power < 1:
        raise ValueError(f"power: {power} must lie between alpha, {alpha:g}, and 1")
    return None if why_undefined(variances, design) else _Test(variances, design, alpha).detectable(power)


class _Test:
    """The test of a design whose variances are known."""

    def __init__(self, variances: Variances, design: Design, alpha: float) -> None:
        if not 0 < alpha < 1:
            raise ValueError(f"alpha: {alpha} must lie between 0 and 1")
        mean, variance = _estimated_variance(variances, design)
        self.error = standard_error(variances, design)
        freedom = 2 * mean**2 / variance
        estimated = mean * chdtri(freedom, QUANTILES) / freedom
        held = np.maximum(estimated, _items_part(variances, design) / 2)
        nominal = stdtrit(min(design.items, design.raters) - 1, 1 - alpha / 2)
        self.critical = nominal * np.sqrt(held) / self.error

    def power(self, difference: float) -> float:
        shift = abs(difference) / self.error
        return float((ndtr(shift - self.critical) + ndtr(-shift - self.critical)).mean())

    def detectable(self, power: float) -> float:
        if self.power(0.0) >= power:  # the test rejects a bit more often than alpha
            return 0.0
        high = self.error
        while self.power(high) < power:
            high *= 2
        return float(brentq(lambda difference: self.power(difference) - power, 0.0, high, xtol=1e-9 * high))


def _items_part(variances: Variances, design: Design) -> float:
    """Mean of the variance that clustering by items alone gives: raters are drawn anew for each of them."""
    within = variances.rater * (1 - design.overlap / design.raters) + variances.residual
    return variances.item / design.items + within / design.ratings


def _estimated_variance(variances: Variances, design: Design) -> tuple[float, float]:
    """Mean and variance of the squared standard error that `clustered_mean` estimates, were the differences normal.

    It is a quadratic form d'Md, so that with the covariance S of d they are tr(MS) and 2 tr(MSMS) (Searle, Casella
    and McCulloch 1992, appendix S). With A and B summing over an item and over a rater, M is
    (a A + b B − c I) / n² and S is item A + rater B + residual I. Where any two raters share equally many items (a
    balanced incomplete block design, which a campaign's drawn one comes close to) all of these act on raters − 1
    planes alike, each spanned by a contrast of raters and its part within items, cos² apart; besides on
    items − raters contrasts that move items alone, and on what is left. Raters and items change places where raters
    are more.
    """
    n = design.ratings
    sets, others = design.items, design.raters
    size, other_size = n / sets, n / others
    by_set, by_other, residual = variances
    if sets < others:
        sets, others, size, other_size, by_set, by_other = others, sets, other_size, size, by_other, by_set
    cos2 = (others - size) / (size * (others - 1))
    along = np.array([np.sqrt(cos2), np.sqrt(1 - cos2)])
    plane = (np.diag([size, 0.0]), other_size * np.outer(along, along), np.eye(2))
    alone = (np.eye(1) * size, np.zeros((1, 1)), np.eye(1))
    left = (np.zeros((1, 1)), np.zeros((1, 1)), np.eye(1))
    mean = variance = 0.0
    for times, (a, b, unit) in ((others - 1, plane), (sets - others, alone), (n - sets - others + 1, left)):
        form = a * sets / (sets - 1) + b * others / (others - 1) - unit * n / (n - 1)
        both = form @ (by_set * a + by_other * b + residual * unit)
        mean += times * float(np.trace(both))
        variance += times * 2 * float(np.trace(both @ both))
    return mean / n**2, variance / n**4


def plan(
    variances: Variances,
    design: Design,
    *,
    difference: float | None = None,
    power: float = POWER,
    alpha: float = ALPHA,
    seconds: float = 30.0,
    pay: float | None = None,
) -> Plan:
    """A design's power for a difference in points, the difference it detects with `power`, and what it costs with so
    many seconds a rating (of one screen) and so much pay an hour."""
    hours = design.ratings * seconds / 3600
    cost = None if pay is None else hours * pay
    if reason := why_undefined(variances, design):
        return Plan(design, None, None, None, hours, cost, reason)
    test = _Test(variances, design, alpha)
    found = None if difference is None else test.power(difference)
    return Plan(design, test.error, found, test.detectable(power), hours, cost, None)


def information_at(share: float, variances: Variances, design: Design) -> float:
    """The share of the final information (1 / standard error²) that there is after this share of the ratings.

    All raters are at work from the beginning, and every item is rated once before any is rated twice: the part of
    the variance that is the raters', and after the first round the items', no longer shrinks. Raises ValueError
    where the design has no test.
    """
    if reason := why_undefined(variances, design):
        raise ValueError(str(reason))
    item, rater, residual = variances
    ratings = share * design.ratings
    so_far = item / min(design.items, ratings) + rater / design.raters + residual / ratings
    return standard_error(variances, design) ** 2 / so_far
