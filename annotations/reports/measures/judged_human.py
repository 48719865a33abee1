"""The share of a system's texts that raters judged to be written by a person."""

from collections.abc import Iterator, Mapping

from annotations.campaigns.models import Campaign
from annotations.protocols.base import Level
from annotations.reports.judgements import JudgementAnalysis, detection_of
from annotations.reports.looks import Rule
from annotations.reports.measures.measure import CUT, EXACT, RATERS, Measure, MethodWords
from annotations.reports.pilot import PilotCampaign, judgements_pilot
from annotations.reports.planning import KnownOfJudgements
from annotations.reports.rows import JudgementRow, judgement_rows
from annotations.reports.schema.campaign import About
from annotations.reports.schema.detection import Detection
from annotations.reports.table import JudgementColumns, RatingTable

MEASURED = (
    "Raters judged of one text at a time whether a person or a machine had written it. A system's share judged human "
    "is over judgements, with Wilson's (1927) interval for as many independent judgements as the clustered ones are "
    "worth (the modified Wilson interval of surveys: Franco, Little, Louis and Slud 2019), with Student's t. "
    "Differences of shares are paired by item; intervals are 95 %, robust to albums and raters, and come from leaving "
    "out one rater, and one album, at a time (MacKinnon, Nielsen and Webb 2023), with the degrees of freedom of Bell "
    "and McCaffrey (2002). {used}Chance is the accuracy that the same answers would have if they did not depend on who "
    "wrote: h q + (1 − h)(1 − q), h being the share of human texts and q that of answers “a person” (as in Cohen's "
    "1960 kappa). d′ is z(H) − z(F) and c is −(z(H) + z(F)) / 2, H and F being the shares of people's and of machines' "
    "texts judged human, with half a judgement added to each and one to each total (Hautus 1995). The area under the "
    "ROC curve is of the six answers in their order, a tie counting as half. Intervals of accuracy − chance, d′, c and "
    "the area (in its logit) are those of their linearised form (for the area: placements, DeLong, DeLong and "
    "Clarke-Pearson 1988), two-way clustered by album and rater with Student's t (Cameron, Gelbach and Miller 2011; "
    "jackknife intervals where shares are unequal). Accuracy counts as equivalent to chance if accuracy − chance lies "
    "within the equivalence margin, by two one-sided tests at 0.05 (Schuirmann 1987). Agreement is Krippendorff's "
    "alpha, {level} level, a unit being one text, with an interval from a bootstrap over albums."
)
AGREEMENT = (
    "In addition to alpha, over texts with at least two judgements: percent agreement, kappa, and Gwet's (2008) AC1; "
    "intervals are from the same bootstrap. Kappa is Cohen's (1960) if the same two raters judged all of these texts, "
    "otherwise Fleiss' (1971) as generalised by Gwet (2014) to missing ratings. Intraclass correlations (Shrout and "
    "Fleiss 1979) are of judgements as 1 and 0, one-way over the texts that have the most common number of judgements, "
    "two-way only if every rater judged every text."
)


class JudgedHuman(Measure):
    name = "judged_human"
    analysis = JudgementAnalysis
    columns = JudgementColumns
    planning = KnownOfJudgements
    row = JudgementRow
    pair_parts = ("differences", "effects", "missing", "tests")
    imported = "judgements of who wrote"
    mean = "share"
    mean_title = "Judged human"
    mean_suffix = " of its texts judged human"
    means_caption = "Shares of texts judged human"
    people_axis = "Share judged human, people"
    higher = "judged human more often than"
    unit = "in the share judged human"
    unit_after = " in the share judged human"
    difference_axis = "Difference in the share judged human"
    margin_unit = "in the share judged human, and of accuracy from chance"
    over_raters = (
        "the difference of a rater's own shares judged human, with the sign flipped for every subset of raters; if no "
        "rater judged both, the raters are reassigned to the two systems"
    )
    row_against_column = "The row's share judged human minus the column's"
    aggregation = (
        "The share of a system's texts that were judged human. Identical texts of several systems count for each."
    )
    effect_size = "the difference between two systems' shares judged human, with"
    mean_columns = {}

    def scale_facts(self, campaign: About) -> Mapping[str, str]:
        return {}

    def imported_scale(self, campaign: About) -> dict[str, str]:
        return {}

    def in_file(self, campaign: About, about: str) -> str:
        return f"The file contains judgements of who wrote{about}."

    def mean_axis(self, campaign: About) -> str:
        return "Share of texts judged human"

    def mean_of(self, campaign: About) -> str:
        return "share of its texts judged human"

    def equivalent(self, margin: float) -> str:
        return f"the shares of their texts judged human differ by less than {margin:g}"

    def method(self, level: Level) -> MethodWords:
        return MethodWords(
            measured=MEASURED.replace("{level}", level),
            agreement=AGREEMENT,
            more="",
            exact=EXACT,
            cut=CUT,
            sizes="",
            correlations=True,
            raters=RATERS,
        )

    def rows(self, campaign: Campaign) -> Iterator[JudgementRow]:
        return judgement_rows(campaign)

    def pilot(self, campaign: Campaign, systems: tuple[str, str], criterion: str) -> PilotCampaign:
        return judgements_pilot(campaign, systems, criterion)

    def detection(self, campaign: Campaign, table: RatingTable, rule: Rule) -> Mapping[str, Detection]:
        return {criterion: detection_of(campaign, table, criterion, rule) for criterion in table.criteria}
