"""How many items and raters it takes to find that one of two systems is preferred.

Raters choose between the texts of both, or call it a tie. The difference in log-strength of the Bradley-Terry model
with ties is the logit of the share p of decided choices that the first system wins: ties say nothing of it. It is
tested as `strengths` tests it, and planned as a difference of scores is, whose variances are those that one choice has.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import logit

from annotations.statistics.planning import ALPHA, POWER, Design, Variances, power, why_undefined

NEAR, STEPS = 1e-4, 12  # of a share; to the highest that there can be


class Choices(NamedTuple):
    """What chance there is in choices: standard deviations, over items and over raters, of the share of decided
    choices that the first system truly wins, and the share of all choices that are ties."""

    item_sd: float
    rater_sd: float
    ties: float


def choice_variances(share: float, choices: Choices) -> Variances:
    """The variances of one choice's influence on the log-strength, for a share won of decided choices.

    A choice moves the logit by (won − p) / ((1 − ties) p (1 − p)) where it is decided, and not where it is tied: the
    influence function of a logit. The variance of that is 1 / ((1 − ties) p (1 − p)); of it items and raters have
    sd² / (p (1 − p))² each. Raises ValueError for numbers outside their range, and where more than all variance would
    be that of items and raters.
    """
    for name, value, right in (
        ("share", 0 < share < 1, "above 0 and below 1"),
        ("ties", 0 <= choices.ties < 1, "from 0 to below 1"),
        ("item sd", choices.item_sd >= 0, "0 or more"),
        ("rater sd", choices.rater_sd >= 0, "0 or more"),
    ):
        if not value:
            raise ValueError(f"{name}: must be {right}")
    spread = share * (1 - share)
    item, rater = (choices.item_sd / spread) ** 2, (choices.rater_sd / spread) ** 2
    residual = 1 / ((1 - choices.ties) * spread) - item - rater
    if residual < 0:
        raise ValueError(
            f"shares won that vary by {choices.item_sd:g} over items and {choices.rater_sd:g} over raters cannot have "
            f"{share:g} as their mean"
        )
    return Variances(item, rater, residual)


def choice_power(share: float, choices: Choices, design: Design, *, alpha: float = ALPHA) -> float | None:
    """Probability that `strengths` gives p < alpha (two-sided) where the first system truly wins this share of decided
    choices; None if the design has no test. Raises ValueError as `choice_variances` does."""
    return power(float(logit(share)), choice_variances(share, choices), design, alpha=alpha)


def detectable_share(choices: Choices, design: Design, *, power: float = POWER, alpha: float = ALPHA) -> float | None:
    """The share nearest to one half, above it, that is found with this power; None if the design has no test, or finds
    none. Raises ValueError for a power that is not between alpha and 1."""
    if not alpha < power < 1:
        raise ValueError(f"power: {power} must lie between alpha, {alpha:g}, and 1")
    least = (1 - choices.ties) * (choices.item_sd**2 + choices.rater_sd**2)  # that p (1 − p) can be
    if least >= 0.25 or why_undefined(choice_variances(0.5, choices), design):
        return None

    def missing(share: float) -> float:
        return (choice_power(share, choices, design, alpha=alpha) or 0.0) - power

    highest = min((1 + float(np.sqrt(1 - 4 * least))) / 2, 1 - NEAR) - NEAR / 10
    low = 0.5
    for share in np.linspace(0.5, highest, STEPS).tolist():  # near 1 a logit's error grows faster than the logit itself
        if missing(share) >= 0:
            return share if share == low else float(brentq(missing, low, share, xtol=NEAR / 10))
        low = share
    return None
