"""How a report's numbers were made, in words that can go into a paper."""

from collections.abc import Sequence

from django.db.models import Count

from annotations.campaigns.models import Campaign, NamedItem
from annotations.campaigns.recruiting import pay_in_words, recruiting_in_words
from annotations.plurals import counted
from annotations.protocols import protocol_named
from annotations.reports.imported import imported_words
from annotations.reports.measures import measure_of
from annotations.reports.metrics import CORRELATIONS, DIFFERENCES, PARTS, WITHHELD
from annotations.systems.models import Score, System

UNVARIED = (
    "If nothing varies there is no interval and no p-value from Student's t; the larger p-value of the exact tests "
    "over raters and over albums then decides."
)
UNADJUSTED = "Intervals of differences are not adjusted for multiple comparisons."
ONE_RATER = (
    "All ratings are by one rater: intervals and tests do not include variation between raters, and all of them are "
    "over albums only."
)
ONE_ALBUM = (
    "All ratings are on one album: intervals and tests do not include variation between albums, and all of them are "
    "over raters only."
)
TESTS = (
    "The primary comparison, if one was prespecified, is tested on its own, and the p-values of all others are "
    "Holm-adjusted within {family}; rank ranges and clusters follow from those that are below their limit."
)
EFFECTS = (
    "Simultaneous intervals are Bonferroni-adjusted (Dunn 1961) over the pairs of a family. {sizes}The minimum "
    "detectable effect is the one that a study of this design would show with 80 % power, from the standard error and "
    "degrees of freedom of the estimate by the noncentral t distribution, at the level of the pair's test; for a "
    "Holm-adjusted pair that is 0.05 divided by the number of pairs, the strictest step. Expected wins are the share "
    "of decided comparisons won, averaged over the other systems (Koehn 2012; Bojar et al. 2013)."
)
EQUIVALENCE = (
    "Equivalence is a difference within ±{margin:g} {unit}, as {source}, and is tested by two one-sided tests at 0.05 "
    "(Schuirmann 1987), the primary comparison on its own and all others with Holm's adjustment{looks}."
)
LOOKS = (
    "{looks} analyses were {declared}, at equal shares of the screens, the interim ones included, with alpha spending "
    "by {spending} (Lan and DeMets 1983). Before the final analysis only the primary comparison is tested; at each "
    "analysis it counts as shown if its p-value is below that analysis's boundary."
)
TEXTS = "Identical texts of several systems were shown once and count for each."
NAMED = (
    "{screens}, on {items}, were assigned in advance to {raters}, who were given only these; the other screens went to "
    "others. Who rates a named item was thus chosen, not drawn."
)
UNTESTED = "The campaign showed no degraded texts, so raters could not be tested with them."
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
    measure, imported = measure_of(campaign), campaign.imported_by_id is not None
    words = measure.method(protocol.level)
    measured = words.measured.replace("{used}", estimators_sentence(estimators))
    alone = " ".join([*([ONE_RATER] if raters == 1 else []), *([ONE_ALBUM] if albums == 1 else [])])
    exact = f"{words.exact}{UNVARIED} {words.cut}{UNADJUSTED}"
    tests = TESTS.format(family=FAMILIES[campaign.family])
    effects = EFFECTS.format(sizes=words.sizes)
    if campaign.equivalence_margin:
        at = ", only at the final analysis" if campaign.looks > 1 else ""
        effects += " " + EQUIVALENCE.format(
            margin=campaign.equivalence_margin,
            unit=measure.margin_unit,
            source="stated at the import" if imported else "prespecified",
            looks=at,
        )
    declared = "planned, as stated at the import" if imported else "planned in advance"
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
                *([PARTS] if scores.filter(sources__isnull=False).exists() else []),
                DIFFERENCES,
                *([CORRELATIONS] if words.correlations else []),
            ]
        )
    rules = [recruiting_in_words(campaign.recruited), pay_in_words(campaign.recruited), *campaign.quality_rules]
    rules += [] if campaign.quality_control.degraded else [UNTESTED]
    of_raters = " ".join(filter(None, [words.raters, named_words(campaign), *([] if imported else rules)]))
    parts = (
        f"{measured} {words.agreement}",
        words.more,
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


def named_words(campaign: Campaign) -> str:
    """How many of the screens were assigned to named raters; nothing where none were."""
    counts = NamedItem.objects.filter(campaign=campaign).aggregate(
        screens=Count("pk"), items=Count("item", distinct=True), raters=Count("outside_id", distinct=True)
    )
    if not counts["screens"]:
        return ""
    return NAMED.format(
        screens=f"{counts['screens']} of {counted(campaign.screens, 'screens')}",
        items=counted(counts["items"], "items"),
        raters=counted(counts["raters"], "named raters"),
    )
