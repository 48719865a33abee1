"""What rankings say of the systems beside their scores: the strengths behind every two texts of a ranking."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from annotations.reasons import Reason
from annotations.reports.analysis import Contrast
from annotations.reports.choices import choices_of, fitted_strengths
from annotations.reports.schema.base import Estimate
from annotations.reports.schema.results import CriterionResult, PairResult
from annotations.reports.scores import ScoreAnalysis
from annotations.reports.table import PairwiseChoices, RatingTable
from annotations.statistics.choices import FIRST, SECOND, TIE
from annotations.statistics.uncertainty import Floats


class RankingAnalysis(ScoreAnalysis):
    def results(
        self, compared: Sequence[Contrast], *, resamples: int, models: bool
    ) -> tuple[CriterionResult, list[PairResult]]:
        result, pairs = super().results(compared, resamples=resamples, models=models)
        if len(result.systems) > 1:
            broken = broken_rankings(self.table, self.criterion, self.scores)
            chosen = choices_of(broken, self.criterion, fitted_strengths(broken, self.criterion))
            not_modelled = Estimate(value=None, ci=None, undefined=Reason("places_not_modelled"))
            result.choices = chosen.model_copy(update={"position": not_modelled})
        return result, pairs


def broken_rankings(table: RatingTable, criterion: str, scores: Floats) -> RatingTable:
    """The table with each ranking as choices between every two of its texts, equal ones being ties."""
    parts: list[Floats] = [np.empty((4, 0))]
    for one, other in combinations(range(len(table.systems)), 2):
        ahead = scores[:, one] - scores[:, other]
        rows = np.flatnonzero(~np.isnan(ahead) & (table.shown[:, one] != table.shown[:, other]))
        outcome = np.select([ahead[rows] > 0, ahead[rows] < 0], [FIRST, SECOND], TIE)
        parts.append(np.stack([np.full(len(rows), one), np.full(len(rows), other), outcome, rows]))
    first, second, outcome, rows = np.concatenate(parts, axis=1)
    one_of, other_of, row = (codes.astype(np.int64) for codes in (first, second, rows))
    choices = PairwiseChoices(one_of, other_of, outcome, row)
    return replace(table, comparisons={criterion: choices}, placed=False)
