"""Exact permutation tests: labels exchanged within each unit (the sign-flip test), or between units."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import comb

from annotations.reasons import Reason
from annotations.statistics.uncertainty import Floats

EXACT_FLIPS = 24  # units whose 2^n signs are all counted
EXACT_LABELS = 18  # raters whose divisions into two groups are all counted
DRAWS, SEED = 9_999, 1  # where there are more
MAX_UNITS = 2_000  # for which it is made
AT_ONCE = 200  # units whose random signs are held
SAME = 1e-9  # of the sums' size: what rounding makes of two equal ones


class Exact(NamedTuple):
    """Two-sided p; the units (raters or albums) whose labels were exchanged; the smallest p that so many can give;
    whether every exchange was counted or `DRAWS` were drawn; why there is no p."""

    p: float | None
    units: int
    smallest: float | None
    complete: bool
    undefined: Reason | None = None


def sign_flips(contributions: Sequence[Floats]) -> list[Exact]:
    """The sign-flip test of each of several sums: how many of the 2^n choices of signs give one as large as that of
    +…+.

    Its `contributions` (n) are what each unit adds to the estimate; exchanging its two labels turns the sign of its own
    and changes nothing else. If the unit's scores would be as likely with the labels exchanged, every choice of signs
    is equally likely (Fisher 1935, section 21; Pesarin and Salmaso 2010, section 1.9), whatever the units' weights.
    Up to `EXACT_FLIPS` units all are counted, by two halves of the units whose sums are sorted; of more, `DRAWS`
    random ones, with p = (b + 1) / (m + 1) (Phipson and Smyth 2010), which are drawn once for all of the sums.
    """
    values = [np.asarray(each, dtype=np.float64) for each in contributions]
    found = [_counted(each) for each in values]
    drawn = [place for place, each in enumerate(found) if each is None]
    if drawn:
        sums = _random_sums([values[place] for place in drawn])
        for place, each in zip(drawn, sums, strict=True):
            extreme = int((np.abs(each) >= _reached(values[place])).sum())
            found[place] = Exact((extreme + 1) / (DRAWS + 1), len(values[place]), 1 / (DRAWS + 1), False)
    return [each for each in found if each is not None]


def _counted(values: Floats) -> Exact | None:
    """From all choices of signs; None where they are too many."""
    units, reached = len(values), _reached(values)
    if not units:
        return Exact(None, 0, None, True, Reason("nothing_to_exchange"))
    if units > MAX_UNITS:
        return Exact(None, units, None, False, Reason("too_many", most=MAX_UNITS, unit="unit"))
    moved = values[values != 0]  # one that adds nothing doubles every count
    if len(moved) > EXACT_FLIPS:
        return None
    half = len(moved) // 2
    left, right = _signed_sums(moved[:half]), np.sort(_signed_sums(moved[half:]))
    beyond = len(right) - np.searchsorted(right, reached - left, side="left")
    beyond = beyond + np.searchsorted(right, -reached - left, side="right")
    p = float(beyond.sum()) / float(len(left) * len(right))
    return Exact(1.0 if reached <= 0 else p, units, 2.0 ** (1 - units), True)


def _reached(values: Floats) -> float:
    """What a sum has to reach to be as large as the one that there is."""
    return abs(float(values.sum())) - SAME * float(np.abs(values).sum())


def _random_sums(values: Sequence[Floats]) -> Floats:
    """(k, draws): the sums of each of k arrays under random signs. A unit's signs depend on its place alone, so that
    what an array gives does not depend on those beside it."""
    generator, sums = np.random.default_rng(SEED), np.zeros((len(values), DRAWS))
    size = max(map(len, values))
    for begin in range(0, size, AT_ONCE):
        count = min(AT_ONCE, size - begin)
        bits = np.frombuffer(generator.bytes(AT_ONCE * (DRAWS + 1) // 8), dtype=np.uint8)
        signs = np.unpackbits(bits).reshape(AT_ONCE, DRAWS + 1)[:count, :DRAWS] * 2.0 - 1
        part = np.zeros((len(values), count))
        for place, each in enumerate(values):
            here = each[begin : begin + count]
            part[place, : len(here)] = here
        sums += part @ signs
    return sums


def label_permutation(sums: Floats, counts: Floats, first: np.ndarray) -> Exact:
    """The two-sample permutation test of raters who each saw one of the systems (Fisher 1935; Pitman 1937).

    Of each rater (n) the sum and the number of their scores, and whether they saw the first system. The statistic is
    the mean of all scores of the first's raters less that of the second's; p the share of the divisions into groups of
    the same sizes in which it is as large, up to `EXACT_LABELS` raters over all, of more over `DRAWS` random ones. It
    holds if who saw which system was left to chance, and raters would give either what they gave.
    """
    first = np.asarray(first, dtype=bool)
    units, size = len(first), int(first.sum())
    if not 0 < size < units:
        return Exact(None, units, None, True, Reason("same_system"))
    sums, counts = (np.asarray(each, dtype=np.float64) for each in (sums, counts))
    complete = units <= EXACT_LABELS
    members = _divisions(units, size) if complete else _draws(first)
    totals, numbers = members @ sums, members @ counts
    differences = np.abs(totals / numbers - (sums.sum() - totals) / (counts.sum() - numbers))
    mine = abs(float(sums[first].sum() / counts[first].sum() - sums[~first].sum() / counts[~first].sum()))
    extreme = int((differences >= mine - SAME * max(1.0, float(np.abs(sums / counts).max()))).sum())
    if not complete:
        return Exact((extreme + 1) / (DRAWS + 1), units, 1 / (DRAWS + 1), False)
    fewest = 2 if 2 * size == units else 1  # with equal groups each division has its mirror image
    return Exact(extreme / len(members), units, fewest / float(comb(units, size, exact=True)), True)


def _signed_sums(values: Floats) -> Floats:
    """Of n values the 2^n sums over all choices of signs."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


@lru_cache(maxsize=4)
def _divisions(units: int, size: int) -> Floats:
    """Every choice of `size` of the units: (choices, units) of ones and zeros."""
    codes = np.arange(2**units)
    bits = (codes[:, None] >> np.arange(units)) & 1
    return bits[bits.sum(axis=1) == size].astype(np.float64)


def _draws(first: np.ndarray) -> Floats:
    """`DRAWS` random divisions of the raters into groups of the same sizes: (draws, units)."""
    generator = np.random.default_rng(SEED)
    return generator.permuted(np.tile(first.astype(np.float64), (DRAWS, 1)), axis=1)
