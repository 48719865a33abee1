"""The share of screens on which raters took a system's text, and not the one beside it, for a person's."""

from collections.abc import Iterator, Mapping

from annotations.campaigns.models import Campaign
from annotations.documents.numbers import percent
from annotations.protocols.base import Level
from annotations.reports.forced_choice import forced_choice_of
from annotations.reports.looks import Rule
from annotations.reports.measures.measure import MethodWords
from annotations.reports.measures.strength import STRENGTHS, Strength, shares_won
from annotations.reports.planning import KnownOfSureChoices
from annotations.reports.rows import SureChoiceRow, sure_choice_rows
from annotations.reports.schema.campaign import About
from annotations.reports.schema.forced_choice import ForcedChoice
from annotations.reports.schema.results import CriterionResult
from annotations.reports.table import RatingTable, SureChoiceColumns

MEASURED = (
    "Raters saw a person's text and a system's, and chose the one that they thought a person had written: a "
    "two-alternative forced choice, with a chance of one half. "
)
TOLD = (
    " Accuracy, the share of right choices, has the interval of such a share; that of accuracy − 1/2, and its p-value, "
    "are of a mean, two-way clustered by album and rater with Student's t (Cameron, Gelbach and Miller 2011; jackknife "
    "intervals where shares are unequal). d′ is (z(H) − z(F)) / √2 and the bias c is −(z(H) + z(F)) / 2, H and F being "
    "the shares of choices of the first text where it was the person's and where it was not (Macmillan and Creelman "
    "2005, chapter 7), with half a choice added to each and one to each total (Hautus 1995); for raters who prefer "
    "neither place, d′ is √2 z(accuracy). Their intervals are those of the linearised form. Accuracy counts as "
    "equivalent to chance if accuracy − 1/2 lies within the equivalence margin, by two one-sided tests at 0.05 "
    "(Schuirmann 1987)."
)


class ChosenAsHuman(Strength):
    """Choices in which people's texts take part every time: strengths compare the systems through these."""

    name = "chosen_as_human"
    columns = SureChoiceColumns
    planning = KnownOfSureChoices
    row = SureChoiceRow
    no_examples = ("Raters chose the person's text and gave no scores, so there is no best or worst text.",)
    mean_title = "Chosen as human"
    mean_suffix = " of its texts chosen as human"
    means_caption = "Shares of texts chosen as human"
    people_axis = "Share chosen as human, people"
    higher = "chosen as human more than"
    margin_unit = "in the share chosen as human, around one half, and of accuracy from one half"
    row_against_column = "The share of screens with both on which the row's text was chosen as human"
    row_against_column_title = "share of screens with both on which the row was chosen"
    aggregation = (
        "The share of a system's texts that were chosen as human against the text beside them, and its strength in a "
        "model of paired comparisons. Identical texts of several systems count for each."
    )
    column_words = {"choice": ("", "the system whose text was chosen as human")}

    def mean_axis(self, campaign: About) -> str:
        return "Share of texts chosen as human"

    def mean_of(self, campaign: About) -> str:
        return "share of its texts chosen as human,"

    def beside_difference(self, result: CriterionResult, one: str, other: str) -> str:
        share = shares_won(result).get((one, other))
        return "" if share is None else f"; {one} was chosen on {percent(share)} of their screens"

    def equivalent(self, margin: float) -> str:
        return f"either is chosen against the other on {percent(0.5 - margin)} to {percent(0.5 + margin)} of screens"

    def method(self, level: Level) -> MethodWords:
        return super().method(level)._replace(measured=f"{MEASURED}{STRENGTHS}{TOLD}")

    def rows(self, campaign: Campaign) -> Iterator[SureChoiceRow]:
        return sure_choice_rows(campaign)

    def forced_choice(self, campaign: Campaign, table: RatingTable, rule: Rule) -> Mapping[str, ForcedChoice]:
        return {criterion: forced_choice_of(campaign, table, criterion, rule) for criterion in table.criteria}
