"""The share of the other texts on a screen that a system's text was ranked above."""

from annotations.reports.measures.relative import Relative
from annotations.reports.rankings import RankingAnalysis
from annotations.reports.schema.campaign import About

SCORED = (
    "Raters ranked the texts of a screen. A text's score is the share of the other texts on the screen that it was "
    "ranked above, an equal rank counting as half."
)
MODEL = (
    "Strengths are those of the Bradley-Terry model with ties (Davidson 1970) of all pairs of texts on a screen, equal "
    "ranks being ties; standard errors are robust to albums and raters (Cameron, Gelbach and Miller 2011), which "
    "includes that the pairs of one ranking depend on each other. The order on the screen is not part of the model."
)


class ShareRankedAbove(Relative):
    name = "share_ranked_above"
    analysis = RankingAnalysis
    parts = ("means", "strengths")
    scored = SCORED
    model = MODEL
    mean = "share ranked above"
    mean_title = "Share ranked above"
    means_caption = (
        "Shares of the other texts on a screen that a system was ranked above, an equal rank counting as half"
    )
    people_axis = "Share ranked above, people"
    even = 0.5
    higher = "ranked higher than"
    unit = "in share ranked above"
    unit_after = " in share ranked above"
    difference_axis = "Difference in share ranked above"
    difference_note = ("Differences are in the share of the other texts on a screen that a system was ranked above.",)
    margin_unit = "in share ranked above"
    row_against_column = "The row's share ranked above minus the column's"
    aggregation = (
        "For each system the mean share of the other texts on a screen that its text was ranked above, an equal rank "
        "counting as half. Identical texts of several systems count for each."
    )
    effect_size = (
        "the difference between two systems' shares, together with the probability of superiority and d_z (the "
        "difference in standard deviations), each with"
    )
    column_words = {
        "score": (
            "share",
            "the share of the other texts on the screen that the rater ranked the text above, an equal rank counting "
            "as half: 1 for the best, 0 for the worst",
        )
    }

    def mean_axis(self, campaign: About) -> str:
        return "Share of the other texts ranked above"

    def mean_of(self, campaign: About) -> str:
        return "share of the other texts on a screen that it was ranked above, an equal rank counting as half,"

    def equivalent(self, margin: float) -> str:
        return f"they differ by less than {margin:g} in share ranked above"
