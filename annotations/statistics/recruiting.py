"""How many raters to invite, of whom some are stopped by a rule or leave, so that every screen is answered."""

from typing import NamedTuple

from scipy.special import bdtrc

MAX_INVITED = 1_000_000


class Invited(NamedTuple):
    """Invitations that fill the screens with 95 % probability, and the middle 95 % of how many it takes."""

    enough: int
    low: int
    high: int


def invitations(needed: int, stays: float, *, sure: float = 0.95) -> int:
    """The fewest invitations of which at least `needed` raters stay with this probability, each staying with
    probability `stays` by themselves: the quantile of a negative binomial distribution (Feller 1968, section VI.8).

    Raises ValueError for a probability that is not above 0, and where more than a million would be needed.
    """
    if not 0 < stays <= 1:
        raise ValueError(f"stays: {stays} must be above 0 and at most 1")
    low, high = needed - 1, needed
    while float(bdtrc(needed - 1, high, stays)) < sure:
        low, high = high, 2 * high
        if high > MAX_INVITED:
            raise ValueError(f"more than {MAX_INVITED:,} raters would have to be invited")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if float(bdtrc(needed - 1, middle, stays)) >= sure else (middle, high)
    return high


def invited(needed: int, stays: float) -> Invited:
    return Invited(*(invitations(needed, stays, sure=sure) for sure in (0.95, 0.025, 0.975)))
