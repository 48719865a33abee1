"""How often a system's text was chosen as the best minus how often as the worst, by times shown."""

from annotations.reports.best_worst import BestWorstAnalysis
from annotations.reports.measures.relative import Relative
from annotations.reports.schema.campaign import About

SCORED = (
    "Raters chose the best and the worst text of a screen. A text chosen as the best scores 1, one chosen as the worst "
    "−1 and every other 0, so that a system's mean is how often it was the best minus how often it was the worst, "
    "divided by how often it was shown (Louviere, Flynn and Marley 2015)."
)
MODEL = (
    "Worths are those of the maxdiff model (Marley and Louviere 2005): the probability of choosing text b as the best "
    "and text w as the worst is proportional to exp(v_b − v_w), among all ordered pairs of texts on the screen. The "
    "systems' worths v add to zero; a text that several systems wrote has the mean of theirs. Their 95 % intervals are "
    "robust to albums and raters (Cameron, Gelbach and Miller 2011)."
)


class BestMinusWorst(Relative):
    name = "best_minus_worst"
    analysis = BestWorstAnalysis
    parts = ("means", "worths")
    scored = SCORED
    model = MODEL
    mean = "best − worst score"
    mean_title = "Best − worst"
    means_caption = "Best − worst scores"
    people_axis = "Best − worst score, people"
    even = 0.0
    higher = "preferred to"
    unit_after = " in best − worst score"
    difference_axis = "Difference in best − worst score"
    difference_note = ("Differences are in best − worst score, which runs from −1 (always the worst) to 1.",)
    margin_unit = "points of the best − worst score"
    row_against_column = "The row's best − worst score minus the column's"
    aggregation = (
        "For each system how often its text was chosen as the best minus how often as the worst, divided by how often "
        "it was shown. Identical texts of several systems count for each."
    )
    effect_size = (
        "the difference between two systems' best − worst scores, together with the probability of superiority and "
        "d_z (the difference in standard deviations), each with"
    )
    column_words = {
        "score": ("", "1 if the rater chose the text as the best on the screen, −1 if as the worst, otherwise 0")
    }

    def mean_axis(self, campaign: About) -> str:
        return "Best − worst score"

    def mean_of(self, campaign: About) -> str:
        return "best − worst score (times chosen as the best minus times as the worst, divided by times shown)"
