"""How a report's numbers were made, in words that can go into a paper."""

from annotations.models import Campaign, Score, System
from annotations.protocols import protocol_named
from annotations.reports.metrics import CORRELATIONS, DIFFERENCES, WITHHELD

SCORES = (
    "Means are over ratings. Intervals are 95 %, from a two-way cluster-robust variance over albums and raters "
    "(Cameron, Gelbach and Miller 2011) with Student's t of as many degrees of freedom as there are clusters of the "
    "rarer kind, less one. Differences are paired by item. Beside them stand a linear mixed model of the raters' own "
    "differences on screens where they scored both systems, with a slope of the system by album, by item within it and "
    "by rater (restricted maximum likelihood, Satterthwaite's degrees of freedom, and never more than there are raters "
    "or albums, less one), and percentiles of a bootstrap over albums and raters. z is the mean of scores standardised "
    "by their rater, shrunk towards all raters. Agreement is Krippendorff's alpha, {level} level, a unit being one "
    "text, its interval a bootstrap over albums."
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
    "Intervals of a pair's shares are Wilson's (1927). Agreement is Krippendorff's alpha, nominal level, a unit being "
    "two texts, its interval a bootstrap over albums."
)
TESTS = (
    "The primary contrast, if one was declared with the campaign, is tested by itself, and the p-values of all others "
    "are adjusted by Holm within {family}; rank ranges and clusters follow from those at 0.05."
)
LOOKS = (
    "{looks} looks at the results were declared beforehand, at equal shares of the screens, with alpha spent as "
    "{spending} do (Lan and DeMets 1983). Before the last only the primary contrast is tested; at each look it counts "
    "where its p is below the look's boundary."
)
TEXTS = "A text that several systems wrote was shown once and counts for each."
BESIDE = (
    "Beside alpha stand intraclass correlations (Shrout and Fleiss 1979): one-way over the texts with as many ratings "
    "as most, two-way only where every rater scored every text."
)
FLEISS = "Beside alpha stands Fleiss' (1971) kappa over the pairs of texts with as many raters as most."
RATERS = (
    "A rater's severity is their mean distance from what others gave the same texts, below zero being severe, shrunk "
    "towards zero; agreement is the correlation with the mean of the others. Neither excludes anybody."
)
UNTESTED = "The campaign showed no degraded texts, so that no rater could be tested by them."
IMPORTED = "The ratings were collected elsewhere and imported; who saw what in which order is as the file says."
SPENDERS = {"obrien-fleming": "O'Brien and Fleming's boundaries", "pocock": "Pocock's boundaries"}
FAMILIES = {"criterion": "each criterion", "campaign": "the whole campaign"}


def method_of(campaign: Campaign, *, planned: bool = False) -> str:
    """Paragraphs, with an empty line between two. Of metrics only what applies is said, or with `planned` what will."""
    protocol = protocol_named(campaign.protocol)
    scored, imported = protocol.gives == "scores", campaign.imported_by_id is not None
    measured = SCORES.format(level=protocol.level) if scored else CHOICES
    beside = BESIDE if scored else FLEISS
    tests = TESTS.format(family=FAMILIES[campaign.family])
    looks = LOOKS.format(looks=campaign.looks, spending=SPENDERS[campaign.spending]) if campaign.looks > 1 else ""
    metrics = ""
    if planned or Score.objects.filter(campaign=campaign).exists():
        people = campaign.entries.filter(system__kind=System.Kind.HUMAN).exists()
        metrics = " ".join(
            [*([WITHHELD] if people and not imported else []), DIFFERENCES, *([CORRELATIONS] if scored else [])]
        )
    raters = f"{RATERS if scored else ''} {UNTESTED}".strip()
    parts = (
        f"{measured} {beside}",
        ORDINAL if scored and protocol.level == "ordinal" else "",
        tests,
        looks,
        "" if imported else TEXTS,
        metrics,
        raters,
        IMPORTED if imported else "",
    )
    return "\n\n".join(part for part in parts if part)
