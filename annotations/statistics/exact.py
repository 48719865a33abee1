"""Exact tests of a difference of two systems: their labels exchanged within raters or albums, or between raters.

A test holds for the population that its units are of. Labels exchanged within raters say whether other raters would
agree, on these items; exchanged within albums, whether other albums would, by these raters.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotations.reasons import Reason
from annotations.statistics.permutation import SAME, Exact, label_permutation, sign_flips
from annotations.statistics.uncertainty import Floats, Ints


class ExactTests(NamedTuple):
    """Of one pair of systems: the test over raters and that over albums; how many raters gave a score that counts, and
    how many of them scored both systems. Where none did, the raters were divided anew (`label_permutation`).
    `constant`: the difference is the same for every rater and item."""

    by_raters: Exact
    by_albums: Exact
    raters: int
    both: int
    constant: bool

    @property
    def p(self) -> float | None:
        """The larger of the two, for a claim about other raters and other albums at once; with one rater, or one album,
        that of the others alone."""
        return max((each.p for each in (self.by_raters, self.by_albums) if each.p is not None), default=None)


class _Parts(NamedTuple):
    """What each rater who scored both, and each album, adds to a difference; how many raters there are; and what is to
    be said instead of a sign-flip test over either."""

    by_rater: Floats
    by_album: Floats
    raters: int
    constant: bool
    instead_by_raters: Exact | None = None
    instead_by_albums: Exact | None = None


def exact_tests(pairs: Sequence[tuple[Floats, Floats]], items: Ints, raters: Ints, albums: Ints) -> list[ExactTests]:
    """The exact tests of the differences that `paired_difference` estimates, from the same scores.

    Shapes: all (n), a row per rater and item, NaN where the rater did not score that system; items with scores of
    both count. Within an album labels are exchanged for all its items at once; an item weighs as in
    `paired_difference`, the same either way round, so that the sum tested is that estimate. Within a rater they are
    exchanged for all that the rater scored: each adds the difference of their own two means, weighted by 2 / (1/a +
    1/b) of their a and b scores, after the mean of each item is taken off, which does not ask for labels. Where every
    rater scored both on each screen this is the estimate as well. Raters who scored one system alone have no labels
    to exchange; where nobody scored both, the raters are divided anew (`label_permutation`), by the mean of their
    scores after the items'.
    """
    (_, item), (_, rater), (_, album) = (np.unique(each, return_inverse=True) for each in (items, raters, albums))
    return _tested([_scored(first, second, item, rater, album) for first, second in pairs])


def exact_choice_tests(
    pairs: Sequence[tuple[int, int]], first: Ints, second: Ints, outcome: Floats, raters: Ints, albums: Ints
) -> list[ExactTests]:
    """The exact tests of which system of a pair wins the more of their direct comparisons.

    `first`, `second` and `outcome` (n) are as in `choices.strengths`. A rater, or an album, adds the comparisons that
    the first system of the pair won less those that it lost; a tie adds nothing.
    """
    parts = []
    for one, other in pairs:
        mine = ((first == one) & (second == other)) | ((first == other) & (second == one))
        if not mine.any():
            parts.append(_nothing(Reason("never_compared")))
            continue
        won = np.where(first[mine] == one, 2 * outcome[mine] - 1, 1 - 2 * outcome[mine])
        by_rater, by_album = (_sums(codes[mine], won) for codes in (raters, albums))
        parts.append(_of_units(by_rater, by_album, len(by_rater), _equal(won)))
    return _tested(parts)


def _tested(parts: Sequence[_Parts]) -> list[ExactTests]:
    by_raters, by_albums = sign_flips([each.by_rater for each in parts]), sign_flips([each.by_album for each in parts])
    return [
        ExactTests(
            by_raters=each.instead_by_raters or over_raters,
            by_albums=each.instead_by_albums or over_albums,
            raters=each.raters,
            both=len(each.by_rater),
            constant=each.constant,
        )
        for each, over_raters, over_albums in zip(parts, by_raters, by_albums, strict=True)
    ]


def _scored(first: Floats, second: Floats, item: Ints, rater: Ints, album: Ints) -> _Parts:
    scored = np.stack([~np.isnan(first), ~np.isnan(second)])
    scores_of_both = np.stack([np.bincount(item, each) for each in scored]).min(axis=0) > 0
    used = scored & scores_of_both[item]
    rows = used.any(axis=0)
    if not rows.any():
        return _nothing(Reason("no_item_with_both"))
    values, used = np.where(used, np.stack([first, second]), 0.0)[:, rows], used[:, rows]
    item, album = (np.unique(each[rows], return_inverse=True)[1] for each in (item, album))
    joined, rater = np.unique(rater[rows], return_inverse=True)
    counts, sums = _by(item, used), _by(item, values)
    weights = 2 / (1 / counts).sum(axis=0)
    weights /= weights.sum()
    of_album = np.zeros(len(weights), dtype=np.int64)
    of_album[item] = album
    by_album = _sums(of_album, weights * (sums[0] / counts[0] - sums[1] / counts[1]))

    constant = _equal(values[0] - values[1]) if used.all() else _equal_apart(values, used, sums / counts, item)
    level = sums.sum(axis=0) / counts.sum(axis=0)
    numbers, totals = _by(rater, used), _by(rater, np.where(used, values - level[item], 0.0))
    both = (numbers > 0).all(axis=0)
    if not both.any():
        divided = label_permutation(totals.sum(axis=0), numbers.sum(axis=0), numbers[0] > 0)
        confounded = Exact(None, len(by_album), None, True, Reason("raters_apart"))
        return _Parts(np.zeros(0), by_album, len(joined), constant, divided, confounded)
    numbers, totals = numbers[:, both], totals[:, both]
    weights = 2 / (1 / numbers).sum(axis=0)
    by_rater = weights / weights.sum() * (totals[0] / numbers[0] - totals[1] / numbers[1])
    return _of_units(by_rater, by_album, len(joined), constant)


def _of_units(by_rater: Floats, by_album: Floats, raters: int, constant: bool) -> _Parts:
    """Of a single rater, or a single album, nothing can be exchanged but everything."""
    one_rater = Exact(None, 1, None, True, Reason("one_rater")) if len(by_rater) == 1 else None
    one_album = Exact(None, 1, None, True, Reason("one_album")) if len(by_album) == 1 else None
    return _Parts(by_rater, by_album, raters, constant, one_rater, one_album)


def _nothing(why: Reason) -> _Parts:
    nothing = Exact(None, 0, None, True, why)
    return _Parts(np.zeros(0), np.zeros(0), 0, False, nothing, nothing)


def _equal_apart(values: Floats, used: NDArray[np.bool_], means: Floats, item: Ints) -> bool:
    """Where some scored one system alone: whether all gave an item's system the same, and items' differences agree."""
    return _equal(np.where(used, values - means[:, item], 0.0)) and _equal(means[0] - means[1])


def _equal(values: Floats) -> bool:
    return bool(np.ptp(values) <= SAME * max(1.0, float(np.abs(values).max())))


def _by(codes: Ints, columns: NDArray[np.generic]) -> Floats:
    """Sums of both rows (2, n) by code: (2, codes)."""
    sums = [np.bincount(codes, each, minlength=int(codes.max()) + 1) for each in columns]
    return np.stack(sums).astype(np.float64)


def _sums(codes: Ints, values: Floats) -> Floats:
    sums: Floats = np.bincount(np.unique(codes, return_inverse=True)[1], values).astype(np.float64)
    return sums
