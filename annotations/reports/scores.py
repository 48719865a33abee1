"""What scores say of the systems: means, their differences, and models of them."""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import ClassVar, cast

import numpy as np

from annotations.reasons import Reason
from annotations.reports.agreement import score_agreement
from annotations.reports.analysis import Analysis, Contrast, Pairs, Rated
from annotations.reports.contrasts import pair_result, ranked
from annotations.reports.estimates import estimate_of
from annotations.reports.exact import nothing_varied
from annotations.reports.mixed_models import NO_MODELS, models_of
from annotations.reports.schema.base import Interval
from annotations.reports.schema.results import Agreement, CriterionResult, Distribution, Effects, PairResult, SystemMean
from annotations.reports.table import RatingTable
from annotations.statistics.agreement import Level
from annotations.statistics.bootstrap import two_way_bootstrap
from annotations.statistics.differences import paired_difference
from annotations.statistics.effects import standardised_difference, superiority
from annotations.statistics.estimate import Estimate
from annotations.statistics.exact import ExactTests, exact_tests
from annotations.statistics.means import clustered_mean
from annotations.statistics.scores import shrunk_z
from annotations.statistics.uncertainty import Floats, Ints
from annotations.statistics.wins import wins_by_scores

MeanOf = Callable[[Floats, Ints, Ints], Estimate]  # of scores, albums and raters (n)
MIDDLE = (0.025, 0.975)
RESAMPLED = 1e-6  # resampled means are summed in single precision: less is rounding
MAX_BINS = 20
MAX_EFFECT_SCREENS = 20_000  # screens of which intervals of effect sizes are worked out


class ScoreAnalysis(Analysis):
    max_bins: ClassVar[int] = MAX_BINS  # a bin a point

    @property
    def scores(self) -> Floats:
        return self.table.scores[self.criterion]

    @property
    def model_level(self) -> Level:
        """The level of the scores in models: of ordinal ones there are models that use their order alone."""
        return self.level

    @property
    def size(self) -> float:
        """The largest score."""
        scores = np.abs(self.scores)
        return 1.0 if np.isnan(scores).all() else float(np.nanmax(scores))

    def mean(self, scores: Floats, albums: Ints, raters: Ints) -> Estimate:
        """Of one system's scores (n); without an interval where nothing varied."""
        mean = clustered_mean(scores, albums, raters)
        if nothing_varied(mean, float(np.abs(scores).max())):
            return mean._replace(interval=None, undefined=Reason("nothing_varied"))
        return mean

    def differences(self) -> Pairs:
        """Paired by item."""
        table, scores = self.table, self.scores
        rated = [place for place in range(len(table.systems)) if not np.isnan(scores[:, place]).all()]
        return {
            (table.systems[one], table.systems[other]): paired_difference(
                scores[:, one], scores[:, other], table.items, table.raters, groups=table.albums
            )
            for one, other in combinations(rated, 2)
        }

    def exact(self, pairs: Sequence[tuple[int, int]]) -> list[ExactTests]:
        columns = [(self.scores[:, one], self.scores[:, other]) for one, other in pairs]
        return exact_tests(columns, self.table.items, self.table.raters, self.table.albums)

    def results(
        self, compared: Sequence[Contrast], *, resamples: int, models: bool
    ) -> tuple[CriterionResult, list[PairResult]]:
        table, scores = self.table, self.scores
        if np.isnan(scores).all():
            nothing = Agreement(alpha=None, ci=None, level=self.level, undefined=Reason("nothing", unit="rating"))
            return CriterionResult(systems=[], agreement=nothing), []
        drawn = two_way_bootstrap(scores, table.albums, table.raters, resamples=resamples)
        named = [(each.one, each.other, each.primary) for each in compared]
        fitted = models_of(table, scores, named, self.model_level) if models else [NO_MODELS] * len(named)
        pairs = []
        for each, beside in zip(compared, fitted, strict=True):
            gap = drawn[:, table.systems.index(each.one)] - drawn[:, table.systems.index(each.other)]
            pairs.append(pair_result(each, bootstrap_ci=percentiles(gap), models=beside))
        result = CriterionResult(
            systems=ranked(means_of(table, scores, drawn, self.mean), compared),
            agreement=score_agreement(table, scores, self.level, self.scale),
            distribution=distribution(table, scores, self.scale, most=self.max_bins),
        )
        return result, pairs

    def effects(self, pair: PairResult) -> Effects | None:
        """The probability of superiority of `system_a` and d_z."""
        table = self.table
        one, other = (self.scores[:, table.systems.index(system)] for system in (pair.system_a, pair.system_b))
        used = ~(np.isnan(one) & np.isnan(other))
        rated = (one[used], other[used], table.items[used], table.raters[used])
        groups = table.albums[used]
        return Effects(
            superiority=estimate_of(superiority(*rated, groups=groups, most=MAX_EFFECT_SCREENS)),
            d_z=estimate_of(standardised_difference(*rated, groups=groups, most=MAX_EFFECT_SCREENS)),
        )

    def bound(self, margin: float) -> float:
        return margin

    def rated(self, result: CriterionResult) -> Rated:
        given = ~np.isnan(self.scores)
        return Rated(given, wins_by_scores(self.scores), given.sum(axis=0), int(given.any(axis=1).sum()))


def distribution(table: RatingTable, scores: Floats, scale: Sequence[float], *, most: int = MAX_BINS) -> Distribution:
    """How often each system was given which scores: a bin a point where all are whole and the scale has at most so many
    of them, else twenty."""
    low, high = scale
    given = scores[~np.isnan(scores)]
    by_point = high - low < most and bool((given == given.round()).all())
    edges = np.arange(low, high + 2) - 0.5 if by_point else np.linspace(low, high, MAX_BINS + 1)
    counts = {
        name: np.histogram(column[~np.isnan(column)], bins=edges)[0].tolist()
        for name, column in zip(table.systems, scores.T, strict=True)
        if not np.isnan(column).all()
    }
    return Distribution(edges=edges.tolist(), counts=counts)


def means_of(table: RatingTable, scores: Floats, drawn: Floats, mean_of: MeanOf) -> dict[str, SystemMean]:
    """Each rated system's mean with its intervals, standardised mean and counts."""
    given = ~np.isnan(scores)
    once = given & table.first
    z = np.full(scores.shape, np.nan)
    z[once] = shrunk_z(scores[once], np.broadcast_to(table.raters[:, None], scores.shape)[once])
    same = table.candidates[:, :, None] == table.candidates[:, None, :]
    z = np.take_along_axis(z, same.argmax(axis=2)[table.items], axis=1)  # each text's score stands in its first column
    means = {}
    for place in np.flatnonzero(given.any(axis=0)):
        rated = given[:, place]
        mean = mean_of(scores[rated, place], table.albums[rated], table.raters[rated])
        means[table.systems[place]] = SystemMean(
            system=table.systems[place],
            n=int(rated.sum()),
            raters=len(np.unique(table.raters[rated])),
            items=len(np.unique(table.items[rated])),
            mean=cast(float, mean.value),  # there are scores
            ci=mean.interval,
            note=mean.undefined,
            bootstrap_ci=percentiles(drawn[:, place]),
            z=float(z[rated, place].mean()),
        )
    return means


def percentiles(drawn: Floats) -> Interval | None:
    """The middle 95 % of resampled values; None where under half of the resamples have any, or all are the same."""
    defined = drawn[~np.isnan(drawn)]
    if len(defined) * 2 < len(drawn) or np.ptp(defined) <= RESAMPLED * max(1.0, float(np.abs(defined).max())):
        return None
    low, high = np.quantile(defined, MIDDLE).tolist()
    return low, high
