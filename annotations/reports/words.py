"""What a report's numbers say, in sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotations.documents.numbers import boundary, figure, interval, p_is, percent, signed
from annotations.protocols import Rules, protocol_named
from annotations.reasons import Reason, listed
from annotations.reports.measures import measure_of
from annotations.reports.pairs import primary_pair
from annotations.reports.scales import (
    LEVEL,
    adjusted,
    is_adjusted,
    limit_of,
    places_of,
    places_of_difference,
)
from annotations.reports.schema.report import Report
from annotations.reports.schema.results import CriterionResult, ExactTests, PairResult
from annotations.reports.scope import one_of, over_in, raters_in, raters_of

SHOWN = {"none": "the texts alone", "both": "photo and caption", "photo": "the photo", "caption": "the caption"}
SHOWN_OF_STORIES = {
    "none": "the texts alone",
    "both": "the photos with a caption each",
    "photo": "the photos",
    "caption": "a caption of each photo",
}
SPENDING = {"obrien-fleming": "O'Brien and Fleming", "pocock": "Pocock"}


def seen(show: str, unit: str) -> str:
    """What raters saw of a source."""
    return (SHOWN_OF_STORIES if unit == "story" else SHOWN)[show]


def simulation_sentence(simulation: Mapping[str, Any]) -> str:
    """That raters are no people, how many there are of each kind, and what was planted."""
    kinds = listed([f"{count} {kind}" for kind, count in simulation["raters"].items()])
    truth = listed([f"{system} {signed(value, 2)}" for system, value in simulation["truth"].items()])
    planted = f"Planted quality, in standard deviations: {truth}."
    if taste := simulation.get("taste"):
        words = ", ".join(taste["words"])
        planted += f" Planted taste: {signed(taste['liking'], 2)} for a text with one of the words {words}."
    return f"All raters are simulated ({kinds}): these results say nothing about what people think. {planted}"


def spaced(name: str) -> str:
    return name.replace("_", " ")


def headed(name: str) -> str:
    """A name at the start of a sentence; its other letters stay as they are."""
    return spaced(name[:1].upper() + name[1:])


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def asked(report: Report) -> str:
    """What raters were shown and asked for, on which scale; of an imported study what its file says of it."""
    campaign, criteria = report.campaign, [spaced(name) for name in report.criteria]
    about = f", on {listed(criteria)}" if criteria else ""
    if campaign.imported:
        held = measure_of(campaign).in_file(campaign, about.lstrip(","))
        return f"{held} How raters were asked is not known."
    asked_for = protocol_named(campaign.protocol).asked_for(Rules(campaign.scale, campaign.ties, campaign.categories))
    return f"Raters saw {seen(campaign.show, campaign.unit)} and were asked {asked_for}{about}."


def look_sentence(report: Report) -> str:
    """Which of the declared looks at the results this is, and what it asks of the primary comparison."""
    look, looks = report.look, report.campaign.looks
    if look:
        spending = SPENDING[look.spending]
        needs = f"needs p below {boundary(look.p)}" if look.p else "cannot be shown yet"
        declared = f"; at this analysis the primary comparison {needs}" if report.primary else ""
        return (
            f"Analysis {look.number} of {look.of} planned in advance, at {percent(look.share)} of the screens. Alpha "
            f"spending by {spending}{declared}."
        )
    return f"{looks} analyses of the results were planned in advance." if looks > 1 else ""


def untested_sentence(report: Report) -> str:
    """What is not tested before the last of several declared looks."""
    looks, look = report.campaign.looks, report.look
    if looks < 2 or (look and look.number == look.of):
        return ""
    if look:
        return (
            "At this interim analysis only the primary comparison is tested; no other difference counts before the "
            "final analysis."
        )
    return "This analysis was not planned in advance: no difference counts at it."


def early_sentence(report: Report) -> str:
    """How often results were looked at before the close without a declaration."""
    early = [look.at[:10] for look in report.looks_taken if look.number is None]
    if not early:
        return ""
    return f"Unplanned analyses before the close: {len(early)} ({listed(early)})."


def is_untested(report: Report, pair: PairResult) -> bool:
    """Whether a pair's difference cannot count at this look, whatever its p is."""
    return bool(untested_sentence(report)) and not (pair.primary and report.look)


def contrast_sentence(report: Report, pair: PairResult, *, name_criterion: bool = True) -> str:
    """One pair of systems (`system_a` minus `system_b`) as a whole sentence."""
    one, other, criterion = pair.system_a, pair.system_b, pair.criterion
    by = f" on {spaced(criterion)}" if name_criterion else ""
    if pair.difference is None:
        why = pair.undefined or Reason("no_estimate")
        return f"The difference between {one} and {other}{by} is undefined: {why}."
    if pair.unvaried:
        return unvaried_sentence(report, pair, by)
    measure, sign = measure_of(report.campaign), 1
    if pair.shown and pair.difference < 0:
        one, other, sign = other, one, -1
    size = size_in_words(report, sign * pair.difference)
    within = how_sure(report, pair, sign) + measure.beside_difference(report.criteria[criterion], one, other)
    if pair.shown:
        start = f"On {spaced(criterion)}, {one}" if name_criterion else one
        return f"{start} is {measure.higher} {other} by {size} ({within})."
    if pair.undefined:
        return f"{one} and {other} differ{by} by {size}, with no interval: {pair.undefined}."
    if is_untested(report, pair):
        return f"{one} and {other} differ{by} by {size} ({within}), which does not count at this analysis."
    return f"No difference was shown between {one} and {other}{by}: {size} ({within})."


def size_in_words(report: Report, difference: float) -> str:
    return f"{figure(difference, places_of_difference(report))} {measure_of(report.campaign).unit}"


def unvaried_sentence(report: Report, pair: PairResult, by: str) -> str:
    """A difference of which nothing varied: that is no certainty, and Student's t says nothing of it."""
    one, other, difference, exact = pair.system_a, pair.system_b, pair.difference or 0.0, pair.exact
    size = size_in_words(report, abs(difference))
    high, low = (one, other) if difference > 0 else (other, one)
    who = f"{counted(exact.raters, 'rater')}, {counted(pair.items, 'item')}"
    if exact.constant and difference == 0:
        return f"{one} and {other} were given the same score{by} for every item by every rater ({who})."
    if exact.constant:
        said = f"Nobody disagreed{by}: {high} was given {size} more than {low} for every item by every rater ({who})."
    else:
        said = (
            f"{high} is {size} above {low}{by}; the differences between raters and items cancel out, which leaves no "
            "interval."
        )
    tests = exact_sentences(exact)
    larger = ["The larger p decides."] if len(tests) > 1 else []
    return " ".join([said, *tests, *larger, counted_sentence(report, pair)])


def exact_sentences(exact: ExactTests) -> list[str]:
    """What the exact tests give, over raters and over albums."""
    return [
        f"By the exact {test.test}{'' if 'raters' in test.test else ' test'} over {units} {p_is(test.p)}"
        + (f", the smallest that {test.units} {units} can give." if test.p == test.smallest else ".")
        for units, test in (("raters", exact.by_raters), ("albums", exact.by_albums))
        if test.p is not None
    ]


def counted_sentence(report: Report, pair: PairResult) -> str:
    p = adjusted(pair)
    if p is None:
        return "It cannot be tested."
    after = " after Holm adjustment" if is_adjusted(report, pair) else ""
    verdict = "The difference counts as shown" if pair.shown else "This does not show a difference"
    return f"{verdict}: {p_is(p, limit_of(report, pair))}{after}."


def how_sure(report: Report, pair: PairResult, sign: int) -> str:
    """The interval, which is not adjusted for the number of pairs, the p-value, which is, and what both are over. Of
    the primary comparison, and of a single pair, there is nothing to adjust."""
    ends, p, over = pair.ci, adjusted(pair), over_in(report, pair)
    parts, together = [], is_adjusted(report, pair)
    if ends:
        plain = "unadjusted 95 % interval" if together else "95 % interval"
        parts.append(f"{plain} {interval(sorted(sign * end for end in ends), places_of_difference(report))}")
    if p is not None:
        parts.append(p_is(p, limit_of(report, pair)) + (" after Holm adjustment" if together else ""))
    if parts and over:
        parts[-1] += f", {over}"
    if pair.items:
        parts.append(counted(pair.items, "item"))
    if raters_in(report, pair) == 1:
        parts.append("one rater")
    return ", ".join(parts)


def declared_sentence(report: Report) -> str:
    """Which comparison was declared primary; of an imported study nobody here knows when it was."""
    primary, imported = report.primary, report.campaign.imported
    if not primary and imported:
        return "No primary comparison was stated at the import; whether the study had prespecified one is not known."
    if not primary:
        return "No primary comparison was prespecified: every difference is one of many."
    by = spaced(primary.criterion)
    contrast = f"the difference between {primary.first} and {primary.second} on {by}"
    if imported:
        return f"Stated as the primary comparison at the import: {contrast}. When it was chosen is not known."
    return f"Prespecified primary comparison: {contrast}."


def declared_label(report: Report) -> str:
    return (
        "Primary comparison, as stated at the import:"
        if report.campaign.imported
        else "Prespecified primary comparison:"
    )


def primary_sentence(report: Report) -> str:
    primary, pair = report.primary, primary_pair(report)
    if not primary:
        return ""
    if not pair:
        between = f"{primary.first} and {primary.second} on {spaced(primary.criterion)}"
        return f"The difference between {between} is undefined: {primary.undefined}."
    said = contrast_sentence(report, pair)
    if primary.boundary is not None:
        said += (
            f" At this analysis a difference counts as shown if p is below {boundary(primary.boundary)}; the interval "
            "is not adjusted for interim analyses."
        )
    return said


def leader_sentence(report: Report, criterion: str) -> str:
    """Who comes first by a criterion, alone or with whom."""
    systems = report.criteria[criterion].systems
    by = f"On {spaced(criterion)}"
    if not systems:
        return f"{by}: no ratings yet."
    best, places, measure = systems[0], places_of(report), measure_of(report.campaign)
    mean, what = f"{figure(best.mean, places)}{measure.mean_suffix}", measure.mean
    if best.ci:
        mean += f", 95 % interval {interval(best.ci, places)}"
    if len(systems) == 1:
        return f"{by}, only {best.system} was rated ({mean})."
    level = [row.system for row in systems if row.rank_range[0] == 1]
    if len(level) == 1:
        return f"{by}, {best.system} ranks first ({mean}), {ahead(report, criterion)}."
    if len(level) == len(systems):
        highest = f"{best.system} has the highest {what} ({mean})"
        if untested_sentence(report):
            only = "only the primary comparison can count" if report.look else "no difference counts"
            return f"{by}, {highest}; {only} at this analysis."
        other = "the other" if len(systems) == 2 else "any other"
        return f"{by}, no system leads: {highest}, but was not shown to differ from {other}."
    return (
        f"{by}, {listed(level)} share first place, with no difference shown between them; {best.system} has the "
        f"highest {what} ({mean})."
    )


def ahead(report: Report, criterion: str) -> str:
    """That a system is above all others, for whom and on what it was shown."""
    systems = report.criteria[criterion].systems
    others = systems[1].system if len(systems) == 2 else "every other system"
    if raters_of(report, criterion) == 1:
        return f"above {others} for the only rater"
    if report.campaign.albums == 1 or report.campaign.items == 1:
        return f"above {others} on {one_of(report)}, which says nothing about others"
    return f"ahead of {others}"


def pairs_sentence(report: Report, criterion: str) -> str:
    pairs = [pair for pair in report.pairs if pair.criterion == criterion]
    if len(pairs) < 2:
        return ""
    shown = sum(pair.shown for pair in pairs)
    if untested_sentence(report):
        return ""
    declared = ", the primary comparison by its own p" if any(pair.primary for pair in pairs) else ""
    differ = f"{shown} of {len(pairs)} pairs of systems {'differs' if shown == 1 else 'differ'} at {LEVEL:g}"
    return (
        f"{differ}, by p-values Holm-adjusted within their family{declared}; only the simultaneous intervals are "
        "adjusted."
    )


def agreement_sentence(result: CriterionResult) -> str:
    agreement = result.agreement
    if agreement.alpha is None:
        return f"undefined: {agreement.undefined}"
    said = f"Krippendorff's alpha {figure(agreement.alpha, 2)}"
    if agreement.ci:
        return f"{said} (95 % interval {interval(agreement.ci, 2)})"
    return f"{said} (no interval: {agreement.undefined or Reason('one_album')})"


def metric_sentences(report: Report) -> list[str]:
    """By criterion, the metric that most often prefers the text that people prefer."""
    said = []
    for criterion, found in report.correlation.items():
        accuracies = {
            metric: each.accuracy.text.value
            for metric, each in found.metrics.items()
            if each.accuracy.text.value is not None
        }
        if accuracies:
            most = max(accuracies.values())
            best = sorted(metric for metric, accuracy in accuracies.items() if accuracy == most)
            often = f"on which of two texts is better, in {percent(most)} of the pairs"
            agree = f"{listed(best)} {'agrees' if len(best) == 1 else 'agree'}"
            start = f"Of the metrics, {agree} most often" if len(best) < len(accuracies) else agree
            said.append(f"{start} with people's {spaced(criterion)} {often}.")
    return said


def exclusion_sentence(report: Report) -> str:
    left_out = report.exclusions.raters
    if not left_out:
        return ""
    late = sum(each.after_results for each in left_out)
    whose = "" if late == len(left_out) else f"{late} of them "
    after = f", {whose}after results had been seen" if late else ""
    was = "was" if len(left_out) == 1 else "were"
    return (
        f"{counted(len(left_out), 'rater')} {was} excluded{after}; the results with them are given as a sensitivity "
        "analysis."
    )


def withdrawn_sentence(report: Report) -> str:
    """Of raters who withdrew all of their answers; empty where nobody did."""
    count = report.exclusions.withdrew
    if not count:
        return ""
    return f"{counted(count, 'rater')} withdrew their answers, which are in no result and in no analysis."


def in_short(report: Report) -> Sequence[str]:
    """The answer, before anything else."""
    criteria = report.criteria
    agreements = [
        f"{figure(result.agreement.alpha, 2)} ({spaced(criterion)})"
        for criterion, result in criteria.items()
        if result.agreement.alpha is not None
    ]
    said = [
        primary_sentence(report),
        *(leader_sentence(report, criterion) for criterion in criteria),
        f"Inter-rater agreement (Krippendorff's alpha): {listed(agreements)}." if agreements else "",
        *metric_sentences(report),
        exclusion_sentence(report),
        withdrawn_sentence(report),
    ]
    return [sentence for sentence in said if sentence]
