"""What may be said where no difference is shown: equivalence within a margin, and what would have been shown."""

from typing import NamedTuple

import numpy as np
from scipy.special import nctdtrinc, ndtri, stdtr

from annotations.reasons import Reason
from annotations.statistics.estimate import Estimate
from annotations.statistics.uncertainty import UPPER, quantile

ALPHA, POWER, ROUNDING = 0.05, 0.8, 1e-12


class Equivalence(NamedTuple):
    """The interval of 90 %, of level 1 − 2 alpha, and the p of two one-sided tests; why there are none."""

    interval: tuple[float, float] | None
    p: float | None
    undefined: Reason | None = None


def equivalence(estimate: Estimate, margin: float) -> Equivalence:
    """Whether a difference lies within ± margin: two one-sided t tests (Schuirmann 1987).

    p is the larger of the two; it is below 0.05 where the interval lies inside ± margin. Raises ValueError for a
    margin that is not above 0.
    """
    if not margin > 0:
        raise ValueError(f"margin: {margin} must be above 0")
    if estimate.value is None or estimate.error is None or estimate.freedom is None:
        return Equivalence(None, None, Reason("difference_without_interval"))
    if estimate.error < ROUNDING * margin:
        return Equivalence(None, None, Reason("nothing_varied"))
    below = float(stdtr(estimate.freedom, (estimate.value - margin) / estimate.error))
    above = float(stdtr(estimate.freedom, -(estimate.value + margin) / estimate.error))
    half = quantile(estimate.freedom, 1 - ALPHA) * estimate.error
    return Equivalence((estimate.value - half, estimate.value + half), max(below, above))


def detectable(error: float, freedom: float, *, alpha: float = ALPHA, power: float = POWER) -> float | None:
    """The smallest true difference that a two-sided t test with this error shows, on its side, with that power.

    The test statistic is a noncentral t (Cohen 1988, chapter 2). The error is what the study had, the difference any
    that may be true: this is a property of the design, and no power of the observed difference (Hoenig and Heisey
    2001). None where the numbers are beyond what can be computed.
    """
    if not alpha < power < 1:
        raise ValueError(f"power: {power} must lie between alpha, {alpha:g}, and 1")
    critical = quantile(freedom, 1 - alpha / 2)
    shift = critical + ndtri(power) if np.isinf(freedom) else nctdtrinc(freedom, 1 - power, critical)
    return float(shift) * error if np.isfinite(shift) and error > 0 else None


def simultaneous_interval(estimate: Estimate, count: int) -> tuple[float, float] | None:
    """The interval of one of `count` differences all of which are covered together with a probability of 95 % at least.

    Bonferroni's, each with its own degrees of freedom (Dunn 1961): whatever hangs together with what. It goes with
    Holm's (1979) adjusted p-values: an interval without 0 belongs to an adjusted p below 0.05. Holm's steps may
    show a few differences more, for which no shorter intervals cover together.
    """
    if estimate.value is None or estimate.error is None or estimate.freedom is None or count < 1:
        return None
    half = quantile(estimate.freedom, 1 - (1 - UPPER) / count) * estimate.error
    return estimate.value - half, estimate.value + half
