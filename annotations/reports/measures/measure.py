"""What is computed of raters' answers, and how reports say it: first of scores, whose measure is the mean."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from annotations.campaigns.models import Campaign
from annotations.documents.blocks import Ends, Inline, Number
from annotations.documents.numbers import signed
from annotations.protocols import AnyProtocol
from annotations.protocols.base import Level
from annotations.reasons import Reason
from annotations.reports.analysis import Analysis
from annotations.reports.looks import Rule
from annotations.reports.pilot import PilotCampaign, scores_pilot
from annotations.reports.planning import Known, KnownOfScores
from annotations.reports.rows import AnyRow, Row, rating_rows
from annotations.reports.schema.base import Interval
from annotations.reports.schema.campaign import About
from annotations.reports.schema.detection import Detection
from annotations.reports.schema.errors import Errors
from annotations.reports.schema.forced_choice import ForcedChoice
from annotations.reports.schema.raters import RaterResult
from annotations.reports.schema.results import CriterionResult, SystemResult
from annotations.reports.schema.rewrites import RewrittenSystem
from annotations.reports.scores import ScoreAnalysis
from annotations.reports.table import Columns, RatingTable, ScoreColumns
from annotations.statistics.agreement import alpha
from annotations.statistics.estimate import Estimate
from annotations.statistics.raters import Consistency, Repeats, consistencies
from annotations.statistics.uncertainty import Ints

RESAMPLES = 1000  # of repeated ratings
MEANS = (
    "Means are over ratings, and differences are paired by item. Intervals are 95 %, and robust to albums and raters. "
    "If every screen has both systems, and raters and albums have about equal shares of the ratings, they come from a "
    "two-way cluster-robust variance (Cameron, Gelbach and Miller 2011) with Student's t and as many degrees of "
    "freedom as there are clusters of the less numerous kind, minus one. In any other design they are jackknife "
    "intervals, from leaving out one rater, and one album, at a time (MacKinnon, Nielsen and Webb 2023), with the "
    "degrees of freedom of Bell and McCaffrey (2002), which account for the system with fewer raters and for raters "
    "with unequal shares; the uncertainty of the raters' variance that comes from few raters is averaged over. "
    "{used}For comparison, differences are also estimated by a linear mixed model of the raters' own differences on "
    "screens where they scored both systems, with a system slope by album, by item within album and by rater "
    "(restricted maximum likelihood, Satterthwaite's degrees of freedom, but never more than the number of raters or "
    "albums, minus one), and by percentiles of a bootstrap over albums and raters."
)
STANDARDISED = "z is the mean of scores standardised within rater, shrunk towards all raters."
ALPHA = (
    "Agreement is Krippendorff's alpha, {level} level, a unit being one text, with an interval from a bootstrap over "
    "albums."
)
EXACT = (
    "For each difference there are also exact tests (Fisher 1935; Pesarin and Salmaso 2010), two-sided and not "
    "adjusted for multiple comparisons. The exact sign-flip test over raters asks whether other raters would agree, "
    "on these items: it takes a rater's scores to be equally likely with the two systems' labels exchanged, and flips "
    "the sign of each rater's contribution to the difference (their own two means, of scores minus the mean of the "
    "item). The test over albums asks whether other albums would give the same, with these raters: labels are "
    "exchanged within albums. With up to 24 raters or albums all sign assignments are enumerated, with up to 2,000 of "
    "them 9,999 random ones. If no rater scored both systems, the raters are reassigned to the systems in groups of "
    "the same sizes, as if chance had decided who saw which, and there is no test over albums. "
)
SIZES = (
    "The probability of superiority counts a tie as half (Vargha and Delaney 2000), within a rater's screen, or, if "
    "nobody scored both, over all pairs of an item's scores; d_z is the difference in standard deviations of the "
    "items' mean differences (Cohen 1988); the intervals of both are those of a difference of transformed scores "
    "(placements, Brunner and Munzel 2000; d_z linearised). "
)
ORDINAL = (
    "The scale points need not be equally far apart. If there are not too many scores, a cumulative link mixed model "
    "(Agresti 2010) uses only their order: logit link, free thresholds, random intercepts and system slopes by album, "
    "item within album and rater, integrated by Laplace's approximation (Tierney and Kadane 1986); its interval is a "
    "Wald interval, by Student's t with the number of raters or albums, minus one, as degrees of freedom."
)
AGREEMENT = (
    "In addition to alpha, over texts with at least two ratings: {kinds}; intervals are from the same bootstrap. "
    "Kappa is Cohen's (1960, 1968) if the same two raters scored all of these texts, otherwise Fleiss' (1971) as "
    "generalised by Gwet (2014) to weights and missing ratings. Intraclass correlations (Shrout and Fleiss 1979) are "
    "one-way over the texts that have the most common number of ratings, two-way only if every rater scored every "
    "text."
)
KINDS = {
    "ordinal": "percent agreement, kappa, and Gwet's (2008, 2014) AC1 and AC2, without weights, and with weights that "
    "fall linearly and quadratically with the distance on the scale",
    "interval": "percent agreement, kappa, and Gwet's (2014) AC2, with weights that fall with the square of the "
    "distance on the scale",
}
MORE = {"ordinal": ORDINAL}
CUT = "Intervals are truncated at the ends of the scale, if it is known. "
RATERS = (
    "A rater's severity is their mean difference from others' scores of the same texts, negative values being severe, "
    "shrunk towards zero; agreement is the correlation with the mean of the others. Neither excludes anybody."
)


RELATIVE_RATERS = (
    "Agreement of a rater is the correlation of their scores with the mean of the others. It excludes nobody. Scores "
    "are relative to the other texts on a screen, so that no rater is more severe than another."
)
SEVERITY = (
    "Severity: points above (+) or below (−) others' scores of the same texts; negative is severe. With others: "
    "correlation with the mean of the others. Nobody is excluded for any of these."
)


class Unit(NamedTuple):
    """What raters agree on: in a column's title, and each of them."""

    title: str
    each: str


class RepeatedRating(NamedTuple):
    """A first and a later rating, by one rater of one text by one criterion; of choices what was chosen."""

    rater: int
    criterion: str
    text: tuple[int, str]  # source, system
    first: float | str
    later: float | str


class MethodWords(NamedTuple):
    """Parts of the paragraphs on how numbers were made; empty where there is nothing to say."""

    measured: str
    agreement: str
    more: str
    exact: str
    cut: str
    sizes: str
    correlations: bool
    raters: str


class Advantage(NamedTuple):
    """A cell of the matrix of systems: what it says, how strong its colour is from 0 to 1, and who is ahead."""

    text: str
    strength: float
    ahead: bool


class Measure:
    """The mean of scores, and how reports speak of it; another measure says what is different with it. `parts` and
    `pair_parts` are the report's parts of a criterion, the latter where there are two systems."""

    name: ClassVar[str] = "mean"
    analysis: ClassVar[type[Analysis]] = ScoreAnalysis
    columns: ClassVar[type[Columns]] = ScoreColumns
    planning: ClassVar[type[Known]] = KnownOfScores
    row: ClassVar[type[AnyRow]] = Row  # of an export
    parts: ClassVar[tuple[str, ...]] = ("means",)
    pair_parts: ClassVar[tuple[str, ...]] = ("differences", "effects", "by_system", "tests", "models")
    no_scores: ClassVar[Reason | None] = None  # why nothing can be said of single texts
    no_severity: ClassVar[Reason | None] = None  # why no rater can be more severe than another
    no_examples: ClassVar[tuple[str, ...]] = ()
    not_compared = ""  # why campaigns are not compared; empty where they are
    imported = "scores"  # what an imported study's file holds
    ordered = ""  # what is assumed where a file tells the order of texts
    mean = "mean"  # in a sentence
    mean_title = "Mean"
    mean_suffix = ""  # behind the number
    means_caption = "Means over all ratings"
    people_axis = "Mean score, people"
    even: ClassVar[float | None] = None  # where no system is better than another
    higher = "rated higher than"
    unit = "points"  # of differences
    unit_after = ""  # behind the word difference
    difference_axis = "Difference in points"
    difference_note: ClassVar[tuple[str, ...]] = ()
    margin_unit = "points"
    over_raters = (
        "the difference of a rater's own means, with the sign flipped for every subset of raters; if no rater scored "
        "both, the raters are reassigned to the two systems"
    )
    row_against_column = "The row's mean minus the column's"
    row_against_column_title = "row minus column"
    agreement_caption = "Krippendorff's alpha over the ratings of the same text: 1 is perfect agreement, 0 is chance."
    agreement_unit = Unit("Texts", "text")
    agreement_of = "one text"
    none_missing = " No system lacks a rating on these."
    aggregation = (
        "The mean over ratings for each system, raw, and standardised by evaluator (z, shrunk). Identical texts of "
        "several systems count for each."
    )
    effect_size = (
        "the difference between two systems' means, together with the probability of superiority and d_z (the "
        "difference in standard deviations), each with"
    )
    mean_columns: ClassVar[Mapping[str, Callable[[SystemResult, int], Inline]]] = {
        "Bootstrap": lambda row, places: Ends(row.bootstrap_ci, places),
        "z": lambda row, places: Number(row.z, 2),
    }
    rater_columns: ClassVar[Mapping[str, Callable[[RaterResult, int], Inline]]] = {
        "Mean score": lambda rater, places: Number(rater.mean, places),
        "Severity": lambda rater, places: Number(rater.severity, places),
        "95 % interval": lambda rater, places: Ends(rater.severity_ci, places),
        "With others": lambda rater, places: Number(rater.agreement, 2),
    }
    rater_caption = SEVERITY
    column_words: ClassVar[Mapping[str, tuple[str, str]]] = {}  # unit and meaning, where the dictionary's do not fit

    def scale(self, campaign: About) -> Interval:
        """Lowest and highest of what means can be."""
        return campaign.scale

    def mean_ends(self, campaign: About) -> Interval | None:
        """Between which means must lie, where that is known."""
        return None if campaign.scale_found else campaign.scale

    def difference_ends(self, campaign: About) -> Interval | None:
        """Between which differences must lie, where that is known."""
        low, high = campaign.scale
        return None if campaign.scale_found else (low - high, high - low)

    def difference_places(self, places: int) -> int:
        """Decimals of a difference, where means have so many."""
        return places

    def scale_facts(self, campaign: About) -> Mapping[str, str]:
        """The scale as the report's facts have it."""
        low, high = campaign.scale
        return {"Observed range" if campaign.scale_found else "Scale": f"{low:g} to {high:g}"}

    def imported_scale(self, campaign: About) -> dict[str, str]:
        """Of the datasheet's answers, by number, that on the scale of an imported study."""
        low, high = campaign.scale
        found = f"Scores from {low:g} to {high:g} were observed; the ends of the scale are not known."
        return {"4.3.4": found if campaign.scale_found else f"From {low:g} to {high:g}, as stated at the import."}

    def in_file(self, campaign: About, about: str) -> str:
        """What the file of an imported study holds, `about` being by which criteria."""
        low, high = campaign.scale
        if campaign.scale_found:
            return f"The file contains scores{about} from {low:g} to {high:g}; the ends of their scale were not stated."
        return f"The file contains scores{about}, on a scale from {low:g} to {high:g} as stated at the import."

    def mean_axis(self, campaign: About) -> str:
        low, high = campaign.scale
        return "Mean score, " + (f"observed {low:g} to {high:g}" if campaign.scale_found else f"of {low:g} to {high:g}")

    def mean_of(self, campaign: About) -> str:
        """What a system's mean is, in the caption of the table."""
        low, high = campaign.scale
        scale = "of scores with an observed range" if campaign.scale_found else "on a scale"
        return f"mean {scale} from {low:g} to {high:g}"

    def beside_difference(self, result: CriterionResult, one: str, other: str) -> str:
        """What stands behind the interval of a difference."""
        return ""

    def equivalent(self, margin: float) -> str:
        """When two systems count as equivalent."""
        return f"they differ by less than {margin:g} points"

    def margin(self, margin: float) -> str:
        """A margin in the unit of differences."""
        return f"{margin:g}"

    def advantages(
        self, result: CriterionResult, largest: float, places: int
    ) -> Callable[[str, str, float], Advantage | None]:
        """Of two systems and their difference a cell of the matrix; `largest` is the largest difference."""
        return lambda one, other, found: Advantage(signed(found, places), abs(found) / largest, found > 0)

    def method(self, level: Level) -> MethodWords:
        return MethodWords(
            measured=" ".join([MEANS, STANDARDISED, ALPHA.replace("{level}", level)]),
            agreement=AGREEMENT.format(kinds=KINDS[level]),
            more=MORE.get(level, ""),
            exact=EXACT,
            cut=CUT,
            sizes=SIZES,
            correlations=True,
            raters=RATERS,
        )

    def detection(self, campaign: Campaign, table: RatingTable, rule: Rule) -> Mapping[str, Detection]:
        """How well raters told people's texts from machines', by criterion; empty where they were not asked."""
        return {}

    def forced_choice(self, campaign: Campaign, table: RatingTable, rule: Rule) -> Mapping[str, ForcedChoice]:
        """How well raters told a person's text from the one beside it, by criterion; empty where not asked."""
        return {}

    def rewrites(self, campaign: Campaign, table: RatingTable) -> Mapping[str, list[RewrittenSystem]]:
        """How much raters changed each system's texts, by criterion; empty where they were not asked."""
        return {}

    def errors(self, campaign: Campaign, table: RatingTable) -> Mapping[str, Errors]:
        """Which errors raters marked, by criterion; empty where they marked none."""
        return {}

    def rows(self, campaign: Campaign) -> Iterator[AnyRow]:
        """What is exported."""
        return rating_rows(campaign)

    def pilot(self, campaign: Campaign, systems: tuple[str, str], criterion: str) -> PilotCampaign:
        """How much ratings vary, to plan the next campaign from."""
        return scores_pilot(campaign, systems, criterion)

    def answered(
        self, protocol: AnyProtocol, answer: Any, systems: Mapping[str, str]
    ) -> Mapping[tuple[str, str], float | str]:
        """What a stored answer says, by criterion and system; `systems` are by the primary key of their text."""
        return {
            (criterion, systems[candidate]): score
            for criterion, scores in protocol.scores(answer).items()
            for candidate, score in scores.items()
        }

    def repeat_agreement(self, pairs: Sequence[RepeatedRating], level: Level) -> tuple[Estimate, float | None]:
        """Krippendorff's alpha, a unit being one text as one rater rated it."""
        firsts = {(pair.rater, pair.text): float(pair.first) for pair in pairs}
        units = {key: code for code, key in enumerate(firsts)}
        scores = np.array([*firsts.values(), *(float(pair.later) for pair in pairs)])
        codes = np.array([*units.values(), *(units[pair.rater, pair.text] for pair in pairs)])
        distance = float(np.mean([abs(float(pair.first) - float(pair.later)) for pair in pairs]))
        return alpha(scores, codes, level=level, resamples=RESAMPLES), distance

    def consistencies(
        self, raters: int, codes: Ints, pairs: Sequence[RepeatedRating], *, tolerance: float
    ) -> list[Consistency]:
        """How far each rater agrees with themselves; `codes` say who each pair is by."""
        first, later = (
            np.array(column, dtype=np.float64) for column in zip(*(pair[3:] for pair in pairs), strict=True)
        )
        return consistencies(raters, Repeats(codes, first, later), tolerance=tolerance)
