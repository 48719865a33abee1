"""What a report's numbers say, in sentences."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from annotations.reports.scales import (
    LEVEL,
    adjusted,
    boundary_of,
    is_adjusted,
    is_choice,
    is_shown,
    limit_of,
    places_of,
    scale_is_found,
    shares_won,
)
from annotations.reports.scope import one_of, over_in, raters_in, raters_of
from annotations.templatetags.report_numbers import boundary, figure, interval, p_is, percent, reason

Report = Mapping[str, Any]

ASKED = {
    "slider": "for a number from {low:g} to {high:g} for every text, by a slider",
    "likert": "for a point from {low:g} to {high:g} for every text",
    "pairwise": "which of two texts is better, or whether neither is",
    "best_worst": "for the best and the worst of the texts",
    "ranking": "to put the texts in order, the best first",
    "human_or_machine": "whether a person or a machine wrote the text, and how sure they were",
    "edit": "to correct every text",
}
SHOWN = {"none": "the texts alone", "both": "photo and caption", "photo": "the photo", "caption": "the caption"}
SPENDING = {"obrien-fleming": "O'Brien and Fleming", "pocock": "Pocock"}
LOG_STRENGTH = 2  # decimals


def spaced(name: str) -> str:
    return name.replace("_", " ")


def listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def asked(report: Report) -> str:
    """What raters were shown and asked for, on which scale; of an imported study what its file says of it."""
    campaign, criteria = report["campaign"], [spaced(name) for name in report["criteria"]]
    about = f", by {listed(criteria)}" if criteria else ""
    if campaign.get("imported"):
        return f"{found_in_file(report, about.lstrip(','))} How raters were asked is not known to this report."
    low, high = campaign.get("scale") or (0, 100)
    asked_for = ASKED.get(campaign["protocol"], f"by the protocol {campaign['protocol']}").format(low=low, high=high)
    about = about.replace(", by ", ", on ", 1)
    return f"Raters saw {SHOWN.get(campaign['show'], campaign['show'])} and were asked {asked_for}{about}."


def found_in_file(report: Report, about: str) -> str:
    """What the file of an imported study holds, `about` being by which criteria."""
    campaign = report["campaign"]
    if campaign["protocol"] not in ("slider", "likert"):
        return f"The file holds choices between texts{about}."
    low, high = campaign.get("scale") or (0, 100)
    if scale_is_found(campaign):
        return f"The file holds scores{about} from {low:g} to {high:g}; where their scale ends was not said."
    return f"The file holds scores{about}, on a scale from {low:g} to {high:g} as was said at the import."


def look_sentence(report: Report) -> str:
    """Which of the declared looks at the results this is, and what it asks of the declared contrast."""
    look, looks = report.get("look"), report["campaign"].get("looks") or 1
    if look:
        spending = SPENDING.get(look.get("spending"), look.get("spending"))
        needs = f"needs p below {boundary(look['p'])}" if look.get("p") else "cannot be shown yet"
        declared = f"; at this look the declared contrast {needs}" if report.get("primary") else ""
        return (
            f"Look {look['number']} of {look['of']} that were declared beforehand, at {percent(look.get('share'))} of "
            f"the screens. Alpha is spent as by {spending}{declared}."
        )
    return f"{counted(looks, 'look')} at the results were declared beforehand." if looks > 1 else ""


def untested_sentence(report: Report) -> str:
    """What is not tested before the last of several declared looks."""
    looks, look = report["campaign"].get("looks") or 1, report.get("look")
    if looks < 2 or (look and look["number"] == look["of"]):
        return ""
    if look:
        return "At this look only the declared contrast is tested; no other difference counts before the last look."
    return "This look was not among those declared: no difference counts at it."


def early_sentence(report: Report) -> str:
    """How often results were looked at before the close without a declaration."""
    early = [look["at"][:10] for look in report.get("looks_taken") or [] if look.get("number") is None]
    if not early:
        return ""
    return f"Results were looked at before the close, undeclared, {counted(len(early), 'time')}: {listed(early)}."


def is_untested(report: Report, pair: Mapping[str, Any]) -> bool:
    """Whether a pair's difference cannot count at this look, whatever its p is."""
    return bool(untested_sentence(report)) and not (pair.get("primary") and report.get("look"))


def contrast_sentence(report: Report, pair: Mapping[str, Any], *, name_criterion: bool = True) -> str:
    """One pair of systems (`system_a` minus `system_b`) as a whole sentence."""
    one, other, criterion = pair["system_a"], pair["system_b"], pair["criterion"]
    by = f" by {spaced(criterion)}" if name_criterion else ""
    if pair.get("difference") is None:
        why = reason(pair.get("undefined")) or "it has no estimate"
        return f"The difference between {one} and {other}{by} is undefined: {why}."
    if pair.get("unvaried"):
        return unvaried_sentence(report, pair, by)
    choice, sign = is_choice(report, criterion), 1
    if is_shown(report, pair) and pair["difference"] < 0:
        one, other, sign = other, one, -1
    places = LOG_STRENGTH if choice else places_of(report, criterion)
    size = size_in_words(sign * pair["difference"], places, choice)
    within = how_sure(report, pair, sign, places)
    share = shares_won(report["criteria"][criterion]).get((one, other)) if choice else None
    if share is not None:
        within += f"; {one} won {percent(share)} of their decided comparisons"
    if is_shown(report, pair):
        than = "preferred to" if choice else "rated higher than"
        start = f"By {spaced(criterion)}, {one}" if name_criterion else one
        return f"{start} is {than} {other} by {size} ({within})."
    if pair.get("undefined"):
        return f"{one} and {other} differ{by} by {size}, with no interval: {reason(pair['undefined'])}."
    if is_untested(report, pair):
        return f"{one} and {other} differ{by} by {size} ({within}), which does not count at this look."
    return f"No difference was shown between {one} and {other}{by}: {size} ({within})."


def size_in_words(difference: float, places: int, choice: bool) -> str:
    return f"{figure(difference, places)} {'in log-strength' if choice else 'points'}"


def unvaried_sentence(report: Report, pair: Mapping[str, Any], by: str) -> str:
    """A difference of which nothing varied: that is no certainty, and Student's t says nothing of it."""
    one, other, difference, exact = pair["system_a"], pair["system_b"], pair["difference"], pair["exact"]
    choice = is_choice(report, pair["criterion"])
    size = size_in_words(abs(difference), LOG_STRENGTH if choice else places_of(report, pair["criterion"]), choice)
    high, low = (one, other) if difference > 0 else (other, one)
    who = f"{counted(exact['raters'], 'rater')}, {counted(pair['items'], 'item')}"
    if exact["constant"] and difference == 0:
        return f"{one} and {other} were given the same{by} on every item by every rater ({who})."
    if exact["constant"]:
        said = f"Nobody disagreed{by}: {high} was given {size} more than {low} on every item by every rater ({who})."
    else:
        said = (
            f"{high} is {size} above {low}{by}; what raters and items differ by cancels out, which leaves no interval."
        )
    tests = exact_sentences(exact)
    larger = ["The larger p decides."] if len(tests) > 1 else []
    return " ".join([said, *tests, *larger, counted_sentence(report, pair)])


def exact_sentences(exact: Mapping[str, Any]) -> list[str]:
    """What the exact tests give, over raters and over albums."""
    return [
        f"By the exact {test['test']}{'' if 'raters' in test['test'] else ' test'} over {units} {p_is(test['p'])}"
        + (f", the smallest that {test['units']} {units} can give." if test["p"] == test["smallest"] else ".")
        for units, test in (("raters", exact["by_raters"]), ("albums", exact["by_albums"]))
        if test["p"] is not None
    ]


def counted_sentence(report: Report, pair: Mapping[str, Any]) -> str:
    p = adjusted(pair)
    if p is None:
        return "No test can be made of it."
    after = " after Holm" if is_adjusted(report, pair) else ""
    verdict = "The difference counts as shown" if is_shown(report, pair) else "That does not show a difference"
    return f"{verdict}: {p_is(p, limit_of(report, pair))}{after}."


def how_sure(report: Report, pair: Mapping[str, Any], sign: int, places: int) -> str:
    """The interval, which is not adjusted for the number of pairs, the p-value, which is, and what both are over. Of
    the declared contrast, and of a single pair, there is nothing to adjust."""
    ends, p, over = pair.get("ci"), adjusted(pair), over_in(report, pair)
    parts, together = [], is_adjusted(report, pair)
    if ends:
        plain = "unadjusted 95 % interval" if together else "95 % interval"
        parts.append(f"{plain} {interval(sorted(sign * end for end in ends), places)}")
    if p is not None:
        parts.append(p_is(p, limit_of(report, pair)) + (" after Holm" if together else ""))
    if parts and over:
        parts[-1] += f", {over}"
    if pair.get("items"):
        parts.append(counted(pair["items"], "item"))
    if raters_in(report, pair) == 1:
        parts.append("one rater")
    return ", ".join(parts)


def primary_pair(report: Report) -> dict[str, Any] | None:
    """The declared contrast, as a pair in the direction in which it was declared."""
    primary = report.get("primary")
    return primary and {**primary, "system_a": primary["first"], "system_b": primary["second"], "primary": True}


def declared_sentence(report: Report) -> str:
    """Which contrast was declared; of an imported study nobody here knows when it was."""
    primary, imported = report.get("primary"), report["campaign"].get("imported")
    if not primary and imported:
        return "No contrast was named at the import; whether the study had declared one is not known to this report."
    if not primary:
        return "No contrast was declared beforehand: every difference is one of many."
    by = spaced(primary["criterion"])
    contrast = f"the difference between {primary['first']} and {primary['second']} by {by}"
    if imported:
        return (
            f"Named as the primary contrast at the import: {contrast}. When it was chosen is not known to this report."
        )
    return f"Declared beforehand: {contrast}."


def declared_label(report: Report) -> str:
    return "Primary contrast, as the import says:" if report["campaign"].get("imported") else "Declared beforehand:"


def primary_sentence(report: Report) -> str:
    pair = primary_pair(report)
    if not pair:
        return ""
    said = contrast_sentence(report, pair)
    if (report.get("primary") or {}).get("boundary") is not None:
        limit = boundary(boundary_of(report, pair))
        said += (
            f" At this look a difference counts as shown where p is below {limit}; the interval is not adjusted for "
            "looks."
        )
    return said


def leader_sentence(report: Report, criterion: str) -> str:
    """Who comes first by a criterion, alone or with whom."""
    systems = report["criteria"][criterion]["systems"]
    by = f"By {spaced(criterion)}"
    if not systems:
        return f"{by}: no ratings yet."
    best, places = systems[0], places_of(report, criterion)
    mean, what = figure(best["mean"], places), "mean"
    if is_choice(report, criterion):
        mean, what = f"{mean} of its comparisons won", "share"
    if best.get("ci"):
        mean += f", 95 % interval {interval(best['ci'], places)}"
    if len(systems) == 1:
        return f"{by}, {best['system']} alone was rated ({mean})."
    level = [row["system"] for row in systems if row["rank_range"][0] == 1]
    if len(level) == 1:
        return f"{by}, {best['system']} comes first ({mean}), {ahead(report, criterion)}."
    if len(level) == len(systems):
        highest = f"{best['system']} has the highest {what} ({mean})"
        if untested_sentence(report):
            only = "only the declared contrast can count" if report.get("look") else "no difference counts"
            return f"{by}, {highest}; {only} at this look."
        other = "the other" if len(systems) == 2 else "any other"
        return f"{by}, no system leads: {highest}, but was not shown to differ from {other}."
    return (
        f"{by}, {listed(level)} share the top, with no difference shown between them; {best['system']} has the highest "
        f"{what} ({mean})."
    )


def ahead(report: Report, criterion: str) -> str:
    """That a system is above all others, for whom and on what it was shown."""
    systems = report["criteria"][criterion]["systems"]
    others = systems[1]["system"] if len(systems) == 2 else "every other system"
    if raters_of(report, criterion) == 1:
        return f"above {others} for the one rater there was"
    if report["campaign"].get("albums") == 1 or report["campaign"]["items"] == 1:
        return f"above {others} on {one_of(report)}, and nothing says whether on others"
    return f"ahead of {others}"


def pairs_sentence(report: Report, criterion: str) -> str:
    pairs = [pair for pair in report["pairs"] if pair["criterion"] == criterion]
    if len(pairs) < 2:
        return ""
    shown = sum(is_shown(report, pair) for pair in pairs)
    if untested_sentence(report):
        return ""
    declared = ", the declared one by its own p" if any(pair.get("primary") for pair in pairs) else ""
    differ = f"{shown} of {len(pairs)} pairs of systems {'differs' if shown == 1 else 'differ'} at {LEVEL:g}"
    return (
        f"{differ}, by p-values that Holm adjusted within their family{declared}; of their intervals only those called "
        "simultaneous are adjusted."
    )


def agreement_sentence(result: Mapping[str, Any]) -> str:
    agreement = result.get("agreement") or {}
    if agreement.get("alpha") is None:
        return f"undefined: {reason(agreement.get('undefined')) or 'no reason was kept'}"
    said = f"Krippendorff's alpha {figure(agreement['alpha'], 2)}"
    if agreement.get("ci"):
        return f"{said} (95 % interval {interval(agreement['ci'], 2)})"
    return f"{said} (no interval: {reason(agreement.get('undefined')) or 'one album alone'})"


def metric_sentences(report: Report) -> list[str]:
    """By criterion, the metric that most often prefers the text that people prefer."""
    said = []
    for criterion, found in (report.get("correlation") or {}).items():
        accuracies = {
            metric: levels["accuracy"]["text"]["value"]
            for metric, levels in (found.get("metrics") or {}).items()
            if (levels.get("accuracy") or {}).get("text", {}).get("value") is not None
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
    left_out = (report.get("exclusions") or {}).get("raters") or []
    if not left_out:
        return ""
    late = sum(bool(each.get("after_results")) for each in left_out)
    whose = "" if late == len(left_out) else f"{late} of them "
    after = f", {whose}after results had been seen" if late else ""
    was = "was" if len(left_out) == 1 else "were"
    return f"{counted(len(left_out), 'rater')} {was} left out{after}; the results with them stand beside."


def in_short(report: Report) -> Sequence[str]:
    """The answer, before anything else."""
    criteria = report["criteria"]
    agreements = [
        f"{figure(result['agreement']['alpha'], 2)} ({spaced(criterion)})"
        for criterion, result in criteria.items()
        if (result.get("agreement") or {}).get("alpha") is not None
    ]
    said = [
        primary_sentence(report),
        *(leader_sentence(report, criterion) for criterion in criteria),
        f"How far raters agree, by Krippendorff's alpha: {listed(agreements)}." if agreements else "",
        *metric_sentences(report),
        exclusion_sentence(report),
    ]
    return [sentence for sentence in said if sentence]
