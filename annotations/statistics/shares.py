"""Intervals of shares when the same items and the same raters stand behind many of the answers."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

from annotations.reasons import Reason
from annotations.statistics.means import clustered_mean
from annotations.statistics.uncertainty import UPPER, Floats, Ints


class Share(NamedTuple):
    """A share and its interval, which stays between 0 and 1; the effective sample size behind it; what there is to say
    of the interval, or why there is none. Without answers all are None."""

    share: float | None
    interval: tuple[float, float] | None
    effective: float | None = None
    note: Reason | None = None


def independent_share(won: Floats) -> Share:
    """The mean of answers of 0, ½ and 1 (n) that do not depend on one another, with Wilson's (1927) interval; with
    halves it is too wide if anything, since a half varies less."""
    if not len(won):
        return Share(None, None)
    share = float(won.mean())
    return Share(share, wilson(share, len(won)), float(len(won)))


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's (1927) limits of a share of n answers that do not depend on one another."""
    return _wilson(share, n, float(ndtri(UPPER)))


def clustered_share(won: Floats, items: Ints, raters: Ints) -> Share:
    """The mean of answers of 0, ½ and 1 (n), of items (n) by raters (n), with Wilson's interval of as many independent
    answers as these are worth.

    With the variance V that is robust to both clusterings (`clustered_mean`) the n answers are worth n' = p (1 − p) / V
    independent ones (Kish 1965, section 8.2), at most as many as they are: no clustering is taken to help. Wilson's
    (1927) limits are then taken with n' for n and Student's t, of V's degrees of freedom, for the normal quantile: the
    modified Wilson interval of surveys (Korn and Graubard 1998; Franco, Little, Louis and Slud 2019, section 2.3).
    Of one rater only items are clusters, of one item only raters; of both single there is no interval.

    Where all answers are the same nothing tells how raters and items differ. Each cluster of the rarer kind
    then counts as one answer, as if within it all had to be alike, and the limits are the normal ones: `note` says so.
    """
    if not len(won):
        return Share(None, None)
    found = clustered_mean(won, items, raters)
    share, clusters = float(won.mean()), {"rater": len(np.unique(raters)), "album": len(np.unique(items))}
    several = {unit: count for unit, count in clusters.items() if count > 1}
    if not several:
        return Share(share, None, None, Reason("one_cluster"))
    if np.ptp(won) == 0:
        unit = min(several, key=lambda unit: several[unit])
        limits = wilson(share, several[unit])
        return Share(share, limits, several[unit], Reason("same_way", unit=unit))
    least = float(won.var()) / len(won)  # of answers that do not depend on one another
    worth = share * (1 - share) / max(least, (found.error or 0.0) ** 2)
    freedom = found.freedom or float(min(several.values()) - 1)
    return Share(share, _wilson(share, worth, float(stdtrit(freedom, UPPER))), worth)


def _wilson(share: float, n: float, z: float) -> tuple[float, float]:
    """For the quantile z, or one of Student's t."""
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * float(np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)))
    return max(0.0, middle - half), min(1.0, middle + half)
