"""Paired comparisons: which system is preferred, how strongly, and how sure that is."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from annotations.reasons import Reason
from annotations.statistics.connections import named, one_sided, why_apart
from annotations.statistics.estimate import Estimate
from annotations.statistics.logit import Spread, Worths, centring, estimates, fit, spread_of, worths
from annotations.statistics.shares import Share, clustered_share, independent_share
from annotations.statistics.uncertainty import Floats, Ints

FIRST, SECOND, TIE = 1.0, 0.0, 0.5


class PairWins(NamedTuple):
    """Wins, ties and losses of system `one` against system `other`, and its shares of them."""

    one: int
    other: int
    wins: int
    ties: int
    losses: int
    decided: Share  # ties left out
    halved: Share  # a tie counts as half a win
    undefined: Reason | None


class Strengths(NamedTuple):
    """Log-strengths λ of the systems (`worths`), the model's other parameters, and what is missing and why.

    `win_shares` is, for row against column, the share of decided comparisons that it is expected to win where neither
    is favoured by its place: 1 / (1 + exp(−(λ_row − λ_column))). `ties` is log ν: of comparisons of equal systems a
    share ν / (2 + ν) is tied. `position` is δ, what being shown first adds to a system's log-strength. `penalised` says
    why maximum likelihood had no finite estimate, `undefined` why there is no estimate or no interval.
    """

    names: Sequence[str]
    worths: Worths | None
    win_shares: Floats | None
    ties: Estimate
    position: Estimate
    penalised: Reason | None
    undefined: Reason | None


def strengths(
    first: Ints,
    second: Ints,
    outcome: Floats,
    *,
    names: Sequence[str] | None = None,
    items: Ints | None = None,
    raters: Ints | None = None,
    position: bool = True,
) -> Strengths:
    """Bradley-Terry strengths with ties (Davidson 1970) and an advantage of the place (Davidson and Beaver 1977).

    `first` (n) is the system shown first, `second` (n) the other, `outcome` (n) 1 where the first is preferred, 0 where
    the second, 0.5 for a tie. With d = λ_first − λ_second + δ the chances of first, second and tie are as exp(d/2) :
    exp(−d/2) : ν, written so that ν is the same whichever place comes first. Ties are in the model where there are
    ties, the place where a pair was shown both ways round.

    Errors are those of the information, or with items or raters (n) cluster-robust (see `logit.spread_of`). Where
    systems never lose or never win the estimates are Firth's (1993), and their errors no smaller than those of the
    information. Raises ValueError for other outcomes, arrays of unequal lengths, and a system against itself.
    """
    names = _checked(first, second, outcome, names, items, raters)
    tied = outcome == TIE
    absent = _why_none(first, second, tied, names)
    no_ties = Estimate.none(Reason("no_ties"))
    place_refused = _why_no_place(first, second, position)
    no_place = Estimate(None, undefined=place_refused)
    if absent:
        return Strengths(names, None, None, no_ties, no_place, None, absent)

    count, with_place, with_ties = len(names), place_refused is None, bool(tied.any())
    centred = centring(count)
    pairs, pair = np.unique(first * count + second, return_inverse=True)
    design = _design(centred[pairs // count] - centred[pairs % count], with_place, with_ties)
    alternative = np.where(tied, 2, np.where(outcome == FIRST, 0, 1))
    kinds = design.shape[1]
    counts = np.bincount(pair * kinds + alternative, minlength=len(pairs) * kinds).reshape(len(pairs), kinds)

    fitted, penalised = fit(design, counts), None
    if fitted is None:
        fitted, penalised = fit(design, counts, penalised=True), _why_penalised(first, second, outcome, names)
    if fitted is None:
        return Strengths(names, None, None, no_ties, no_place, None, Reason("not_even_penalised"))
    spread = spread_of(fitted, pair, alternative, items=items, raters=raters, least=bool(penalised))

    found = worths(fitted, count, spread)
    others = iter(np.eye(design.shape[2])[count - 1 :])
    place = _parameter(fitted.estimate, next(others), spread) if with_place else no_place
    ties = _parameter(fitted.estimate, next(others), spread) if with_ties else no_ties
    return Strengths(
        names, found, expit(found.differences), ties, place, penalised, None if spread else Reason("one_cluster")
    )


def win_table(
    first: Ints,
    second: Ints,
    outcome: Floats,
    *,
    names: Sequence[str] | None = None,
    items: Ints | None = None,
    raters: Ints | None = None,
) -> list[PairWins]:
    """Wins, ties, losses and shares of each pair of systems that was compared, by system code.

    The intervals of shares hold over the items and the raters (n each) of the pair's comparisons (`clustered_share`);
    without either they are Wilson's own, of comparisons that do not depend on one another. Raises ValueError as
    `strengths` does.
    """
    names = _checked(first, second, outcome, names, items, raters)
    together = items is not None or raters is not None
    one_each = np.arange(len(first))
    clusters = [one_each if part is None else part for part in (items, raters)]
    found = []
    for one in range(len(names)):
        for other in range(one + 1, len(names)):
            mine = ((first == one) & (second == other)) | ((first == other) & (second == one))
            if not mine.any():
                continue
            won = np.where(first[mine] == one, outcome[mine], 1 - outcome[mine])
            item, rater = (part[mine] for part in clusters)
            sure = won != TIE
            decided, halved = (
                clustered_share(won[some], item[some], rater[some]) if together else independent_share(won[some])
                for some in (sure, np.ones(len(won), dtype=bool))
            )
            wins, losses = int((won == FIRST).sum()), int((won == SECOND).sum())
            why = None if sure.any() else Reason("all_ties")
            found.append(PairWins(one, other, wins, len(won) - wins - losses, losses, decided, halved, why))
    return found


def _checked(
    first: Ints,
    second: Ints,
    outcome: Floats,
    names: Sequence[str] | None,
    items: Ints | None,
    raters: Ints | None,
) -> Sequence[str]:
    for what, part in (("second", second), ("outcome", outcome), ("items", items), ("raters", raters)):
        if part is not None and len(part) != len(first):
            raise ValueError(
                f"{what} has {len(part)} values but first has {len(first)}; each comparison needs one of each"
            )
    other = ~np.isin(outcome, (FIRST, SECOND, TIE))
    if other.any():
        raise ValueError(
            f"comparison {int(other.argmax())} has outcome {outcome[other.argmax()]}; it must be 1, 0 or 0.5"
        )
    same = first == second
    if same.any():
        raise ValueError(f"comparison {int(same.argmax())} shows system {first[same.argmax()]} against itself")
    return named(names, first, second)


def _tables(first: Ints, second: Ints, outcome: Floats, count: int) -> tuple[Ints, Ints]:
    """How often the row was preferred to the column, and how often they tied (systems, systems)."""
    won, tied = np.zeros((count, count), dtype=np.int64), np.zeros((count, count), dtype=np.int64)
    winner, loser = np.where(outcome == FIRST, first, second), np.where(outcome == FIRST, second, first)
    np.add.at(won, (winner[outcome != TIE], loser[outcome != TIE]), 1)
    np.add.at(tied, (first[outcome == TIE], second[outcome == TIE]), 1)
    return won, tied + tied.T


def _why_none(first: Ints, second: Ints, tied: Floats, names: Sequence[str]) -> Reason | None:
    if not len(first):
        return Reason("nothing", unit="comparison")
    if tied.all():
        return Reason("all_ties")
    compared = np.zeros((len(names), len(names)), dtype=bool)
    compared[first, second] = True
    return why_apart(compared, names)


def _why_no_place(first: Ints, second: Ints, wanted: bool) -> Reason | None:
    if not wanted:
        return Reason("not_asked_for")
    shown = set(zip(first.tolist(), second.tolist(), strict=True))
    if any((other, one) in shown for one, other in shown):
        return None
    return Reason("one_order")


def _why_penalised(first: Ints, second: Ints, outcome: Floats, names: Sequence[str]) -> Reason:
    won, tied = _tables(first, second, outcome, len(names))
    unbeaten, winless = one_sided((won + tied) > 0, names)
    if not (unbeaten or winless):
        unbeaten, winless = one_sided(won > 0, names)
    return Reason("penalised", unbeaten=unbeaten, winless=winless)


def _design(apart: Floats, with_place: bool, with_ties: bool) -> Floats:
    """(pairs, alternatives, parameters): half of d for the first, minus half for the second, log ν for a tie."""
    pairs, free = apart.shape
    design = np.zeros((pairs, 2 + with_ties, free + with_place + with_ties))
    design[:, 0, :free], design[:, 1, :free] = apart / 2, -apart / 2
    if with_place:
        design[:, 0, free], design[:, 1, free] = 0.5, -0.5
    if with_ties:
        design[:, 2, -1] = 1.0
    return design


def _parameter(estimate: Floats, contrast: Floats, spread: Spread | None) -> Estimate:
    values, errors, intervals = estimates(estimate, contrast[None, :], spread)
    if errors is None or intervals is None:
        return Estimate(float(values[0]), undefined=Reason("one_cluster"))
    return Estimate(float(values[0]), (float(intervals[0, 0]), float(intervals[0, 1])), error=float(errors[0]))
