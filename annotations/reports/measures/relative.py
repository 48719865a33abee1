"""What is said of scores that tell how a text stands among those on its screen, whatever protocol they come from."""

from collections.abc import Mapping
from typing import ClassVar

from annotations.documents.blocks import Ends, Number
from annotations.protocols.base import Level
from annotations.reasons import Reason
from annotations.reports.measures.measure import ALPHA, MEANS, RELATIVE_RATERS, Measure, MethodWords
from annotations.reports.planning import KnownOfRelativeScores
from annotations.reports.schema.campaign import About


class Relative(Measure):
    """The mean of such scores. They add up to the same on every screen, so that no rater is more severe than another,
    and they say nothing of texts of another campaign."""

    scored: ClassVar[str]  # what a score is, as a sentence of the method
    model: ClassVar[str]  # what stands beside the means, as a paragraph of the method
    planning = KnownOfRelativeScores
    no_severity = Reason("relative_scores")
    not_compared = "has scores relative to the texts of its own screens ({protocol}), which are not compared."
    rater_columns = {"With others": lambda rater, places: Number(rater.agreement, 2)}
    rater_caption = "With others: correlation with the mean of the others. Nobody is excluded for this."
    mean_columns = {"Bootstrap": lambda row, places: Ends(row.bootstrap_ci, places)}

    def scale_facts(self, campaign: About) -> Mapping[str, str]:
        return {}

    def method(self, level: Level) -> MethodWords:
        measured = " ".join([self.scored, MEANS, ALPHA.replace("{level}", level)])
        return super().method(level)._replace(measured=measured, more=self.model, raters=RELATIVE_RATERS)
