"""What choices of the best and the worst text say of the systems beside their scores: the maxdiff model."""

from collections.abc import Sequence

import numpy as np

from annotations.reports.analysis import Contrast
from annotations.reports.schema.results import CriterionResult, PairResult, Worth, Worths
from annotations.reports.scores import ScoreAnalysis
from annotations.statistics.agreement import Level
from annotations.statistics.best_worst import best_worst_counts, best_worst_model


class BestWorstAnalysis(ScoreAnalysis):
    @property
    def model_level(self) -> Level:
        """Not ordinal: a cumulative link model takes the scores of a screen to be independent, of which one has to be
        the best and one the worst. The maxdiff model stands in its place."""
        return "interval"

    def results(
        self, compared: Sequence[Contrast], *, resamples: int, models: bool
    ) -> tuple[CriterionResult, list[PairResult]]:
        result, pairs = super().results(compared, resamples=resamples, models=models)
        result.worths = self.worths([row.system for row in result.systems])
        return result, pairs

    def worths(self, systems: Sequence[str]) -> Worths:
        """Of these systems, all that were rated, in their order."""
        table = self.table
        columns = [table.systems.index(system) for system in systems]
        scores, texts = self.scores[:, columns], table.shown[:, columns]
        screens, shown = np.nonzero(~np.isnan(scores))
        if not len(screens):
            return Worths(systems=[], undefined=None)
        given = scores[screens, shown]
        choices = (shown, screens, given > 0, given < 0)
        albums, raters, texts = table.albums[screens], table.raters[screens], texts[screens, shown]
        counts = best_worst_counts(*choices, albums, raters, texts=texts, names=systems)
        model = best_worst_model(*choices, items=albums, raters=raters, texts=texts, names=systems)
        values = model.worths.values if model.worths else [None] * len(systems)
        ends = model.worths.intervals if model.worths else None
        return Worths(
            systems=[
                Worth(
                    system=system,
                    shown=count.shown,
                    best=count.best,
                    worst=count.worst,
                    worth=worth,
                    ci=None if ends is None else ends[place].tolist(),
                )
                for place, (system, count, worth) in enumerate(zip(systems, counts, values, strict=True))
            ],
            undefined=model.undefined,
        )
