"""How a report's numbers were made, in words that can go into a paper."""

from collections.abc import Sequence

from annotations.models import Campaign, Score, System
from annotations.protocols import protocol_named
from annotations.querysets.outputs import PART
from annotations.reports.imported import imported_words
from annotations.reports.metrics import CORRELATIONS, DIFFERENCES, PARTS, WITHHELD

SCORES = (
    "Means are over ratings, and differences are paired by item. Intervals are 95 %, and robust to albums and raters. "
    "Where every screen has both systems, and raters and albums have about equal shares of the ratings, they come "
    "from a two-way cluster-robust variance (Cameron, Gelbach and Miller 2011) with Student's t of as many degrees of "
    "freedom as there are clusters of the rarer kind, less one. In any other design they are jackknife intervals, "
    "from leaving out a rater, and an album, at a time (MacKinnon, Nielsen and Webb 2023), with the degrees of "
    "freedom of Bell and McCaffrey (2002), which follow the system with fewer raters and raters with unequal shares; "
    "what few raters leave open of their own variance is averaged over. {used}Beside differences stand a linear mixed "
    "model of the raters' own differences on screens where they scored both systems, with a slope of the system by "
    "album, by item within it and by rater (restricted maximum likelihood, Satterthwaite's degrees of freedom, and "
    "never more than there are raters or albums, less one), and percentiles of a bootstrap over albums and raters. z "
    "is the mean of scores standardised by their rater, shrunk towards all raters. Agreement is Krippendorff's alpha, "
    "{level} level, a unit being one text, its interval a bootstrap over albums."
)
EXACT = (
    "Beside each difference stand exact tests (Fisher 1935; Pesarin and Salmaso 2010), two-sided and not adjusted for "
    "their number. The exact sign-flip test over raters asks whether other raters would agree, on these items: it "
    "takes a rater's scores to be as likely with the two systems' labels exchanged, and turns the sign of what each "
    "rater adds to the difference (their own two means, of scores less the mean of the item). Over albums it asks "
    "whether other albums would, by these raters: labels are exchanged within albums. Of up to 24 raters or albums "
    "all choices of signs are counted, of up to 2,000 of them 9,999 random ones. Where no rater scored both systems, "
    "the raters are reassigned to the systems in groups of the same sizes, as if chance had said who saw which, and "
    "there is no test over albums. "
)
EXACT_CHOICES = (
    "Beside each difference stand exact sign-flip tests of the two systems' direct comparisons (Fisher 1935; Pesarin "
    "and Salmaso 2010), two-sided and not adjusted for their number: a rater, or an album, adds what one system won "
    "less what it lost, with either sign as likely if the systems are equal. Of up to 24 raters or albums all choices "
    "of signs are counted, of up to 2,000 of them 9,999 random ones. "
)
UNVARIED = (
    "Where nothing varies there is no interval and no p by Student's t; the larger p of the exact tests over raters "
    "and over albums then decides."
)
UNADJUSTED = "Intervals of differences are not adjusted for their number."
CUT = f"Intervals are cut at the ends of the scale, where it is known. {UNADJUSTED}"
ONE_RATER = (
    "One rater gave all ratings: nothing in an interval or a test is then between raters, and all of them are over "
    "albums alone."
)
ONE_ALBUM = (
    "All ratings are of one album: nothing in an interval or a test is then between albums, and all of them are over "
    "raters alone."
)
ORDINAL = (
    "Points of the scale need not be equally far apart. Where there are not too many scores a cumulative link mixed "
    "model (Agresti 2010) takes them in their order alone: logit link, free thresholds, random intercepts and system "
    "slopes by album, item within it and rater, integrated by Laplace's approximation (Tierney and Kadane 1986); its "
    "interval is Wald's, by Student's t of one degree of freedom less than there are raters or albums."
)
CHOICES = (
    "Raters chose between two texts. Strengths are those of the Bradley-Terry model with ties (Davidson 1970) and an "
    "advantage of the place (Davidson and Beaver 1977); errors are robust to albums and raters (Cameron, Gelbach and "
    "Miller 2011), and intervals are 95 %. A share won counts a tie as half; a difference is in log-strength. "
    "Intervals of shares are Wilson's (1927), of as many independent comparisons as the clustered ones are worth (the "
    "modified Wilson interval of surveys: Franco, Little, Louis and Slud 2019), with Student's t. Agreement is "
    "Krippendorff's alpha, nominal level, a unit being two texts, either of which is as often chosen by chance, "
    "whoever wrote it, its interval a bootstrap over albums."
)
TESTS = (
    "The primary contrast, if one was declared with the campaign, is tested by itself, and the p-values of all others "
    "are adjusted by Holm within {family}; rank ranges and clusters follow from those that are below their limit."
)
EFFECTS = (
    "Simultaneous intervals are Bonferroni's (Dunn 1961) over the pairs that Holm adjusts together. {sizes}"
    "The detectable difference is the one that a study of this design would show with 80 % power, from the error and "
    "degrees of freedom of the estimate by the noncentral t, at the level of the pair's test; of a pair that Holm "
    "adjusts that is 0.05 divided by the number of pairs, the strictest step of his. "
    "Expected wins are the mean over the other systems of the share of decided comparisons won (Koehn 2012; Bojar et "
    "al. 2013)."
)
SIZES = (
    "The probability of superiority counts a tie as half (Vargha and Delaney 2000), within a rater's screen, or where "
    "nobody scored both over all pairs of an item's scores; d_z is the difference in standard deviations of the items' "
    "mean differences (Cohen 1988); both have the intervals of a difference of transformed scores (placements, Brunner "
    "and Munzel 2000; d_z linearised). "
)
EQUIVALENCE = (
    "Equivalence is a difference within ±{margin:g} {unit}, as {source}, and is tested by two one-sided tests at 0.05 "
    "(Schuirmann 1987), the primary contrast by itself and all others as Holm adjusts them{looks}."
)
LOOKS = (
    "{looks} looks at the results were {declared}, at equal shares of the screens, with alpha spent as "
    "{spending} do (Lan and DeMets 1983). Before the last only the primary contrast is tested; at each look it counts "
    "where its p is below the look's boundary."
)
TEXTS = "A text that several systems wrote was shown once and counts for each."
BESIDE = (
    "Beside alpha stand, over texts with two ratings or more: {kinds}; intervals are of the same bootstrap. Kappa is "
    "Cohen's (1960, 1968) where the same two raters scored all of these texts, otherwise Fleiss' (1971) as Gwet (2014) "
    "has it with weights and with ratings missing. Intraclass correlations (Shrout and Fleiss 1979) are one-way over "
    "the texts with as many ratings as most, two-way only where every rater scored every text."
)
KINDS = {
    "ordinal": "percent agreement, kappa, and Gwet's (2008, 2014) AC1 and AC2, without weights, and with weights that "
    "fall linearly and quadratically with the distance on the scale",
    "interval": "percent agreement, kappa, and Gwet's (2014) AC2, with weights that fall with the square of the "
    "distance on the scale",
}
BESIDE_CHOICES = (
    "Beside alpha stand, over pairs of texts with two choices or more: percent agreement, Fleiss' (1971) kappa and "
    "Gwet's (2008) AC1, as Gwet (2014) has them with ratings missing; intervals are of the same bootstrap. Chance is "
    "taken within the pair, free of the systems' names: of choices that are not ties half are expected "
    "to go either way, so that two choices agree by chance with probability P(A = B)² + P(A > B)² + P(A < B)², the "
    "last two being equal (Callison-Burch et al. 2011; Bojar et al. 2016); without ties kappa is Kendall "
    "and Babington Smith's (1940) coefficient of agreement. That raters mostly prefer the same "
    "system therefore counts as agreement. Where ties were given, AC1 of coin flips can be above zero."
)
RATERS = (
    "A rater's severity is their mean distance from what others gave the same texts, below zero being severe, shrunk "
    "towards zero; agreement is the correlation with the mean of the others. Neither excludes anybody."
)
UNTESTED = "The campaign showed no degraded texts, so that no rater could be tested by them."
SPENDERS = {"obrien-fleming": "O'Brien and Fleming's boundaries", "pocock": "Pocock's boundaries"}
FAMILIES = {"criterion": "each criterion", "campaign": "the whole campaign"}


def estimators_sentence(estimators: Sequence[str | None]) -> str:
    """By which of the two ways the differences of a report got their intervals."""
    used = sorted({each for each in estimators if each})
    if len(used) == 1:
        return f"In this report all differences have {used[0]} intervals. "
    counts = [f"{sum(each == one for each in estimators)} {one}" for one in used]
    return f"In this report the intervals of differences are {' and '.join(counts)} ones. " if used else ""


def method_of(
    campaign: Campaign,
    *,
    planned: bool = False,
    raters: int | None = None,
    albums: int | None = None,
    estimators: Sequence[str | None] = (),
) -> str:
    """Paragraphs, with an empty line between two. Of metrics only what applies is said, or with `planned` what will.
    `raters` and `albums` are how many the ratings are by and of, where there are any yet, and `estimators` those of the
    differences."""
    protocol = protocol_named(campaign.protocol)
    scored, imported = protocol.gives == "scores", campaign.imported_by_id is not None
    measured = SCORES.format(level=protocol.level, used=estimators_sentence(estimators)) if scored else CHOICES
    beside = BESIDE.format(kinds=KINDS[protocol.level]) if scored else BESIDE_CHOICES
    alone = " ".join([*([ONE_RATER] if raters == 1 else []), *([ONE_ALBUM] if albums == 1 else [])])
    exact = f"{EXACT if scored else EXACT_CHOICES}{UNVARIED} {CUT if scored else UNADJUSTED}"
    tests = TESTS.format(family=FAMILIES[campaign.family])
    effects = EFFECTS.format(sizes=SIZES if scored else "")
    if campaign.equivalence_margin:
        unit = "points" if scored else "of a share won around one half"
        at = ", at the last look alone" if campaign.looks > 1 else ""
        effects += " " + EQUIVALENCE.format(
            margin=campaign.equivalence_margin,
            unit=unit,
            source="named at the import" if imported else "declared with the campaign",
            looks=at,
        )
    declared = "declared, as named at the import" if imported else "declared beforehand"
    looks = (
        LOOKS.format(looks=campaign.looks, spending=SPENDERS[campaign.spending], declared=declared)
        if campaign.looks > 1
        else ""
    )
    metrics = ""
    scores = Score.objects.filter(campaign=campaign)
    if planned or scores.exists():
        people = campaign.entries.filter(system__kind=System.Kind.HUMAN).exists()
        metrics = " ".join(
            [
                *([WITHHELD] if people and not imported else []),
                *([PARTS] if scores.filter(signature__contains=PART).exists() else []),
                DIFFERENCES,
                *([CORRELATIONS] if scored else []),
            ]
        )
    of_raters = " ".join([*([RATERS] if scored else []), *([] if imported else [UNTESTED])])
    parts = (
        f"{measured} {beside}",
        ORDINAL if scored and protocol.level == "ordinal" else "",
        exact,
        alone,
        f"{tests} {effects}",
        looks,
        "" if imported else TEXTS,
        metrics,
        of_raters,
        imported_words(campaign),
    )
    return "\n\n".join(part for part in parts if part)
