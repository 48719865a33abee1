"""The strength of a system among those that raters chose between: Bradley and Terry's, and the share it won."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from annotations.campaigns.models import Campaign
from annotations.documents.numbers import figure, percent
from annotations.protocols import AnyProtocol
from annotations.protocols.base import Level
from annotations.reasons import Reason
from annotations.reports.choices import ChoiceAnalysis
from annotations.reports.measures.measure import Advantage, Measure, MethodWords, RepeatedRating, Unit
from annotations.reports.pilot import PilotCampaign, choices_pilot
from annotations.reports.planning import KnownOfChoices
from annotations.reports.rows import AnyRow, ChoiceRow, choice_rows
from annotations.reports.schema.base import Interval
from annotations.reports.schema.campaign import About
from annotations.reports.schema.results import CriterionResult
from annotations.reports.table import ChoiceColumns
from annotations.statistics.estimate import Estimate
from annotations.statistics.raters import Consistency, choice_consistencies
from annotations.statistics.uncertainty import Ints

PLACES = 2  # decimals of a log-strength
STRENGTHS = (
    "Strengths are those of the Bradley-Terry model with ties (Davidson 1970) and a "
    "position effect (Davidson and Beaver 1977); standard errors are robust to albums and raters (Cameron, Gelbach "
    "and Miller 2011), and intervals are 95 %. A share won counts a tie as half; a difference is in log-strength. "
    "Intervals of shares are Wilson's (1927), for as many independent comparisons as the clustered ones are worth "
    "(the modified Wilson interval of surveys: Franco, Little, Louis and Slud 2019), with Student's t. Agreement is "
    "Krippendorff's alpha, nominal level, a unit being two texts, each equally likely to be chosen by chance, whoever "
    "wrote it, with an interval from a bootstrap over albums."
)
EXACT = (
    "For each difference there are also exact sign-flip tests of the two systems' direct comparisons (Fisher 1935; "
    "Pesarin and Salmaso 2010), two-sided and not adjusted for multiple comparisons: each rater, or album, "
    "contributes the comparisons one system won minus those it lost, with either sign equally likely if the systems "
    "are equal. With up to 24 raters or albums all sign assignments are enumerated, with up to 2,000 of them 9,999 "
    "random ones. "
)
AGREEMENT = (
    "In addition to alpha, over pairs of texts with at least two choices: percent agreement, Fleiss' (1971) kappa and "
    "Gwet's (2008) AC1, as generalised by Gwet (2014) to missing ratings; intervals are from the same bootstrap. "
    "Chance is defined within the pair, independently of the systems' names: half of the choices that are not ties "
    "are expected to go either way, so that two choices agree by chance with probability P(A = B)² + P(A > B)² + P(A "
    "< B)², the last two being equal (Callison-Burch et al. 2011; Bojar et al. 2016); without ties kappa is Kendall "
    "and Babington Smith's (1940) coefficient of agreement. That raters mostly prefer the same system therefore "
    "counts as agreement. If there are ties, AC1 of coin flips can be above zero."
)


class Strength(Measure):
    name = "strength"
    analysis = ChoiceAnalysis
    columns = ChoiceColumns
    planning = KnownOfChoices
    row: ClassVar[type[AnyRow]] = ChoiceRow
    parts = ("strengths", "means")
    pair_parts = ("differences", "effects", "missing", "tests")
    no_scores = Reason("raters_chose")
    no_examples = ("Raters chose between texts and gave no scores, so there is no best or worst text.",)
    not_compared = "was rated by choices ({protocol}); only campaigns with scores are compared."
    imported = "choices between texts"
    ordered = "Of two texts, the one that the file names first is assumed to have been shown first."
    mean = "share"
    mean_title = "Share won"
    mean_suffix = " of its comparisons won"
    means_caption = "Shares of comparisons won, a tie counting as half"
    people_axis = "Share won, people"
    even = 0.5
    higher = "preferred to"
    unit = "in log-strength"
    unit_after = " in log-strength"
    difference_axis = "Difference in log-strength"
    difference_note = ("Differences are in log-strength.",)
    margin_unit = "in the share won, around one half"
    over_raters = (
        "for each rater, the comparisons that the first system won minus those it lost, with the sign flipped for "
        "every subset of raters"
    )
    row_against_column = "The share of decided comparisons that the row won against the column"
    row_against_column_title = "share of comparisons that the row won"
    agreement_caption = (
        "Krippendorff's alpha over the ratings of the same two texts: 1 is perfect agreement, 0 is what coin flips "
        "between the two give. If raters mostly prefer the same system, that is agreement too."
    )
    agreement_unit = Unit("Pairs", "pair")
    agreement_of = "two texts, each equally likely to be chosen by chance"
    none_missing = ""
    aggregation = (
        "The share of comparisons that a system won, a tie counting as half, and its strength in a model of paired "
        "comparisons with ties."
    )
    effect_size = "the difference between two systems in log-strength, with"
    mean_columns = {}

    def scale(self, campaign: About) -> Interval:
        return 0.0, 1.0

    def mean_ends(self, campaign: About) -> Interval | None:
        return self.scale(campaign)

    def difference_ends(self, campaign: About) -> Interval | None:
        return None

    def difference_places(self, places: int) -> int:
        return PLACES

    def scale_facts(self, campaign: About) -> Mapping[str, str]:
        return {}

    def imported_scale(self, campaign: About) -> dict[str, str]:
        return {}

    def in_file(self, campaign: About, about: str) -> str:
        return f"The file contains choices between texts{about}."

    def mean_axis(self, campaign: About) -> str:
        return "Share of comparisons won"

    def mean_of(self, campaign: About) -> str:
        return "share of comparisons won, a tie counting as half,"

    def beside_difference(self, result: CriterionResult, one: str, other: str) -> str:
        share = shares_won(result).get((one, other))
        return "" if share is None else f"; {one} won {percent(share)} of their decided comparisons"

    def equivalent(self, margin: float) -> str:
        return f"they win from {percent(0.5 - margin)} to {percent(0.5 + margin)} of their decided comparisons"

    def margin(self, margin: float) -> str:
        return f"{margin:.2f}"

    def advantages(
        self, result: CriterionResult, largest: float, places: int
    ) -> Callable[[str, str, float], Advantage | None]:
        shares = shares_won(result)

        def advantage(one: str, other: str, found: float) -> Advantage | None:
            share = shares.get((one, other))
            return None if share is None else Advantage(figure(share, places), abs(share - 0.5) * 2, share > 0.5)

        return advantage

    def method(self, level: Level) -> MethodWords:
        measured = f"Raters chose between two texts. {STRENGTHS}"
        return MethodWords(measured, AGREEMENT, more="", exact=EXACT, cut="", sizes="", correlations=False, raters="")

    def rows(self, campaign: Campaign) -> Iterator[AnyRow]:
        return choice_rows(campaign)

    def pilot(self, campaign: Campaign, systems: tuple[str, str], criterion: str) -> PilotCampaign:
        return choices_pilot(campaign, systems, criterion)

    def answered(
        self, protocol: AnyProtocol, answer: Any, systems: Mapping[str, str]
    ) -> Mapping[tuple[str, str], float | str]:
        return {(criterion, ""): systems.get(chosen, chosen) for criterion, chosen in protocol.choices(answer).items()}

    def repeat_agreement(self, pairs: Sequence[RepeatedRating], level: Level) -> tuple[Estimate, float | None]:
        return Estimate.none(self.no_scores), None

    def consistencies(
        self, raters: int, codes: Ints, pairs: Sequence[RepeatedRating], *, tolerance: float
    ) -> list[Consistency]:
        return choice_consistencies(raters, codes, np.array([pair.first == pair.later for pair in pairs]))


def shares_won(result: CriterionResult) -> dict[tuple[str, str], float]:
    """Of the decided comparisons of two systems the share that the first won, in both directions."""
    shares = {}
    for row in result.choices.table if result.choices else ():
        if row.share is not None:
            shares[row.system_a, row.system_b] = row.share
            shares[row.system_b, row.system_a] = 1 - row.share
    return shares
