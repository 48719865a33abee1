"""Minus the sum of the errors that raters marked in a text, by their weights."""

from collections.abc import Iterator, Mapping

from annotations.campaigns.models import Campaign
from annotations.protocols.base import Level
from annotations.reports.marked_errors import ErrorAnalysis, errors_of
from annotations.reports.measures.measure import Measure, MethodWords
from annotations.reports.rows import ErrorRow, error_rows
from annotations.reports.schema.campaign import About
from annotations.reports.schema.errors import Errors
from annotations.reports.table import ErrorColumns, RatingTable

SCORED = (
    "Raters marked the errors in each text, at most five, each with a category and a severity. A text's error score is "
    "minus the sum of its errors, a minor one weighing 1 and a major one 5 (Freitag et al. 2021, after MQM), so that 0 "
    "is a text without errors and more is better."
)
SPANS = (
    "Weights per 100 words are ratios of sums, with the intervals of their linearised form. Agreement on where errors "
    "are is Krippendorff's (2011) alpha, nominal level, a unit being one code point of a text that several raters "
    "rated: whether it was marked, with which severity, and with which category, not marked being a value of its own; "
    "its interval is from a bootstrap over albums. "
)


class ErrorScore(Measure):
    name = "error_score"
    analysis = ErrorAnalysis
    columns = ErrorColumns
    row = ErrorRow
    mean = "error score"
    mean_title = "Error score"
    means_caption = "Mean error scores over all ratings: minus the weight of a text's errors, so that 0 is none"
    people_axis = "Error score, people"
    higher = "marked with less weight of errors than"
    unit = "points of the error score"
    unit_after = " in error score"
    difference_axis = "Difference in error score"
    difference_note = ("Differences are in error score: a minor error is 1 point, a major one 5; above 0 is better.",)
    margin_unit = "points of the error score"
    row_against_column = "The row's error score minus the column's"
    aggregation = (
        "For each system the mean over ratings of minus the sum of a text's errors by their weights (minor 1, major "
        "5), raw, and standardised by evaluator (z, shrunk). Identical texts of several systems count for each."
    )
    effect_size = (
        "the difference between two systems' mean error scores, together with the probability of superiority and d_z "
        "(the difference in standard deviations), each with"
    )
    column_words = {
        "score": (
            "points",
            "minus the sum of the errors that the rater marked in the text by their weights, a minor one weighing 1 "
            "and a major one 5: 0 is none",
        )
    }

    def scale_facts(self, campaign: About) -> Mapping[str, str]:
        categories = ", ".join(name.replace("_", " ") for name in campaign.categories)
        return {"Categories of errors": categories} | dict(super().scale_facts(campaign))

    def mean_axis(self, campaign: About) -> str:
        low, high = campaign.scale
        return f"Mean error score, of {low:g} to {high:g} (no errors)"

    def mean_of(self, campaign: About) -> str:
        return "mean error score (minus the weight of a text's errors: minor 1, major 5; 0 is none)"

    def equivalent(self, margin: float) -> str:
        return f"their error scores differ by less than {margin:g}"

    def method(self, level: Level) -> MethodWords:
        words = super().method(level)
        return words._replace(measured=f"{SCORED} {words.measured}", more=f"{SPANS}{words.more}".strip())

    def rows(self, campaign: Campaign) -> Iterator[ErrorRow]:
        return error_rows(campaign)

    def errors(self, campaign: Campaign, table: RatingTable) -> Mapping[str, Errors]:
        return {criterion: errors_of(campaign, table, criterion) for criterion in table.criteria}
