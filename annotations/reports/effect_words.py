"""What a report says of effect sizes, equivalence, expected wins and missing ratings."""

from collections.abc import Sequence

from annotations.documents.numbers import interval, p_is, percent
from annotations.reasons import Reason
from annotations.reports.measures import measure_of
from annotations.reports.pairs import primary_pair
from annotations.reports.scales import places_of_difference
from annotations.reports.schema.report import Report
from annotations.reports.schema.results import PairResult
from annotations.reports.words import counted, size_in_words


def margin_sentence(report: Report) -> str:
    """The margin that was declared with the campaign, or named at an import, if any."""
    margin = report.campaign.equivalence_margin
    if margin is None:
        return ""
    source = "As stated at the import" if report.campaign.imported else "As prespecified"
    return f"{source}, two systems count as equivalent if {measure_of(report.campaign).equivalent(margin)}."


def primary_sentences(report: Report) -> list[str]:
    """Of the primary comparison whether equivalence was shown, and where no difference was what one would have been."""
    pair = primary_pair(report)
    return [] if pair is None else [said for said in (equivalence(report, pair), undetected(report, pair)) if said]


def equivalence(report: Report, pair: PairResult) -> str:
    found = pair.equivalence
    if not found:
        return ""
    places, measure = places_of_difference(report), measure_of(report.campaign)
    within = f"within ±{measure.margin(found.margin)} {measure.unit}"
    if found.p is None:
        return f"Equivalence {within} was not tested: {found.undefined}."
    shown = "was shown" if found.shown else "was not shown"
    ends = interval(found.ci, places)
    return f"Equivalence {within} {shown} (90 % interval {ends}, {p_is(found.p)})."


def undetected(report: Report, pair: PairResult) -> str:
    """What a difference would have had to be, where none was shown."""
    found = pair.detectable
    if not found or found.difference is None or pair.shown:
        return ""
    size = size_in_words(report, found.difference)
    return f"A study of this design would show a true difference of {size} with {percent(found.power)} power."


def undetectable(pair: PairResult) -> Reason:
    """Why a pair has no detectable difference."""
    return Reason("nothing_varied") if pair.unvaried else pair.undefined or Reason("not_tested")


def equivalences_sentence(report: Report, pairs: Sequence[PairResult]) -> str:
    tested = [pair.equivalence for pair in pairs if pair.equivalence]
    if not tested:
        return ""
    if all(found.p is None for found in tested) and len({found.undefined for found in tested}) == 1:
        return f"{margin_sentence(report)} This was not tested: {tested[0].undefined}."
    shown = sum(found.shown for found in tested)
    return f"{margin_sentence(report)} This was shown for {shown} of {counted(len(tested), 'pair')}."


def detectable_sentence(pairs: Sequence[PairResult]) -> str:
    """At which level the detectable differences are."""
    levels = sorted(
        {found.alpha for pair in pairs if (found := pair.detectable) and not pair.primary and not pair.shown}
    )
    if not levels or levels == [0.05]:
        return ""
    alone = " The primary comparison is tested on its own." if any(pair.primary for pair in pairs) else ""
    return (
        f"It is for a test at the level {levels[0]:.2g}, which is 0.05 divided by the number of pairs: the strictest "
        f"step of Holm's method.{alone}"
    )


def missing_sentence(report: Report, name: str) -> str:
    """How many screens there are of those planned, and whether any system lacks ratings."""
    missing = report.criteria[name].missing
    if not missing:
        return ""
    screens, planned = missing.screens, missing.planned
    rated = f"{screens} of {counted(planned, 'planned screen')}" if planned else counted(screens, "screen")
    said = f"{rated}, of {counted(missing.items, 'item')}, {'was' if screens == 1 else 'were'} rated."
    lacks = any(row.missing or row.missing_items for row in missing.systems)
    return said if lacks else f"{said}{measure_of(report.campaign).none_missing}"
