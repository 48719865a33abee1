"""What raters' choices between two texts say of the systems: shares won, strengths, every pair."""

from collections.abc import Sequence
from functools import cached_property
from itertools import combinations

import numpy as np
from scipy.special import logit

from annotations.reasons import Reason
from annotations.reports.agreement import choice_agreement
from annotations.reports.analysis import Analysis, Contrast, Pairs, Rated
from annotations.reports.contrasts import pair_result, ranked
from annotations.reports.estimates import estimate_of
from annotations.reports.schema.results import Choices, CriterionResult, PairResult, Strength, SystemMean, WinRow
from annotations.reports.table import RatingTable
from annotations.statistics.choices import Strengths, strengths, win_table
from annotations.statistics.differences import SystemDifference
from annotations.statistics.estimate import Estimate
from annotations.statistics.exact import ExactTests, exact_choice_tests
from annotations.statistics.shares import clustered_share


class ChoiceAnalysis(Analysis):
    """Means are shares won, differences are in log-strength, and no bootstrap or mixed model stands beside them."""

    size = 1.0

    @cached_property
    def strengths(self) -> Strengths:
        return fitted_strengths(self.table, self.criterion)

    def differences(self) -> Pairs:
        return choice_differences(self.table, self.criterion, self.strengths)

    def exact(self, pairs: Sequence[tuple[int, int]]) -> list[ExactTests]:
        """Of direct comparisons."""
        first, second, outcome, rows = self.table.comparisons[self.criterion]
        return exact_choice_tests(pairs, first, second, outcome, self.table.raters[rows], self.table.albums[rows])

    def results(
        self, compared: Sequence[Contrast], *, resamples: int, models: bool
    ) -> tuple[CriterionResult, list[PairResult]]:
        table, fitted = self.table, self.strengths
        pairs = [pair_result(each, expected_share=expected_share(fitted, each.one, each.other)) for each in compared]
        result = CriterionResult(
            systems=ranked(shares_won(table, self.criterion), compared),
            agreement=choice_agreement(table, self.criterion),
            choices=choices_of(table, self.criterion, fitted),
        )
        return result, pairs

    def effects(self, pair: PairResult) -> None:
        return None

    def bound(self, margin: float) -> float:
        """`margin` is the distance of a share won from one half."""
        return float(logit(0.5 + margin))

    def rated(self, result: CriterionResult) -> Rated:
        first, second, _, rows = self.table.comparisons[self.criterion]
        systems = self.table.systems
        wins = np.zeros((len(systems),) * 2, dtype=np.int64)
        for row in result.choices.table if result.choices else ():
            one, other = systems.index(row.system_a), systems.index(row.system_b)
            wins[one, other], wins[other, one] = row.wins, row.losses
        given = np.zeros((len(self.table.items), len(systems)), dtype=bool)
        given[rows, first] = given[rows, second] = True
        counts = np.bincount(first, minlength=len(systems)) + np.bincount(second, minlength=len(systems))
        return Rated(given, wins, counts, int(counts.max()))


def fitted_strengths(table: RatingTable, criterion: str) -> Strengths:
    """The Bradley-Terry model of a criterion's choices; errors are robust to albums and raters.

    Only systems that were compared have a place in it: `Strengths.names`.
    """
    first, second, outcome, rows = table.comparisons[criterion]
    compared, codes = np.unique([first, second], return_inverse=True)
    names = [table.systems[place] for place in compared]
    one, other = codes.reshape(2, -1)
    return strengths(
        one, other, outcome, names=names, items=table.albums[rows], raters=table.raters[rows], position=table.placed
    )


def choice_differences(table: RatingTable, criterion: str, fitted: Strengths) -> Pairs:
    """Of every pair of compared systems the difference in log-strength."""
    first, second, _, rows = table.comparisons[criterion]
    found: Pairs = {}
    for one, other in combinations(range(len(fitted.names)), 2):
        codes = [table.systems.index(fitted.names[place]) for place in (one, other)]
        both = np.isin(first, codes) & np.isin(second, codes)
        screens, items = int(both.sum()), len(np.unique(table.items[rows[both]]))
        pair = (fitted.names[one], fitted.names[other])
        if fitted.worths is None:
            found[pair] = SystemDifference(Estimate(None, undefined=fitted.undefined, n=screens), items)
            continue
        worths, errors = fitted.worths, fitted.worths.difference_errors
        interval, p = worths.difference_intervals, worths.difference_p
        estimate = Estimate(
            float(worths.differences[one, other]),
            None if interval is None else (float(interval[one, other, 0]), float(interval[one, other, 1])),
            fitted.undefined,
            error=None if errors is None else float(errors[one, other]),
            p=None if p is None or np.isnan(p[one, other]) else float(p[one, other]),
            freedom=worths.freedom,
            n=screens,
        )
        found[pair] = SystemDifference(estimate, items)
    return found


def expected_share(fitted: Strengths, one: str, other: str) -> float | None:
    """The share of their decided choices that the model expects the first to win."""
    if fitted.win_shares is None:
        return None
    return float(fitted.win_shares[fitted.names.index(one), fitted.names.index(other)])


def shares_won(table: RatingTable, criterion: str) -> dict[str, SystemMean]:
    """Of each compared system the share of its comparisons that it won, a tie being half."""
    first, second, outcome, rows = table.comparisons[criterion]
    found = {}
    for place, name in enumerate(table.systems):
        as_first, as_second = first == place, second == place
        mine = as_first | as_second
        if not mine.any():
            continue
        won = np.where(as_first, outcome, 1 - outcome)[mine]
        theirs = rows[mine]
        share = clustered_share(won, table.albums[theirs], table.raters[theirs])
        found[name] = SystemMean(
            system=name,
            n=int(mine.sum()),
            raters=len(np.unique(table.raters[theirs])),
            items=len(np.unique(table.items[theirs])),
            mean=float(won.mean()),
            ci=share.interval,
            note=share.note,
            bootstrap_ci=None,
            z=None,
        )
    return found


def choices_of(table: RatingTable, criterion: str, fitted: Strengths) -> Choices:
    """The model's parameters and the table of wins, ties and losses."""
    first, second, outcome, rows = table.comparisons[criterion]
    albums, raters = table.albums[rows], table.raters[rows]
    position = fitted.position if table.placed else fitted.position._replace(undefined=Reason("places_unknown"))
    return Choices(
        systems=strengths_of(fitted),
        ties=estimate_of(fitted.ties),
        position=estimate_of(position),
        table=[
            WinRow(
                system_a=table.systems[pair.one],
                system_b=table.systems[pair.other],
                wins=pair.wins,
                ties=pair.ties,
                losses=pair.losses,
                share=pair.decided.share,
                ci=pair.decided.interval,
                halved=pair.halved.share,
                halved_ci=pair.halved.interval,
                undefined=pair.undefined,
                note=pair.decided.note or pair.halved.note,
            )
            for pair in win_table(first, second, outcome, names=table.systems, items=albums, raters=raters)
        ],
        penalised=fitted.penalised,
        undefined=fitted.undefined,
    )


def strengths_of(fitted: Strengths) -> list[Strength]:
    if fitted.worths is None:
        return []
    intervals, shares = fitted.worths.intervals, fitted.win_shares
    return [
        Strength(
            system=name,
            worth=float(fitted.worths.values[place]),
            ci=None if intervals is None else intervals[place].tolist(),
            win_share=None if shares is None else float(np.delete(shares[place], place).mean()),
        )
        for place, name in enumerate(fitted.names)
    ]
