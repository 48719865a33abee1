"""What a report says of effect sizes, equivalence, expected wins and missing ratings."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotations.reports.scales import is_choice, is_shown, places_of
from annotations.reports.words import LOG_STRENGTH, counted
from annotations.templatetags.report_numbers import figure, interval, p_is, percent, reason

Report = Mapping[str, Any]
Pair = Mapping[str, Any]


def margin_sentence(report: Report) -> str:
    """The margin that was declared with the campaign, or named at an import, if any."""
    margin = report["campaign"].get("equivalence_margin")
    if margin is None:
        return ""
    chosen = any(is_choice(report, criterion) for criterion in report["criteria"])
    within = f"they win from {percent(0.5 - margin)} to {percent(0.5 + margin)} of their decided comparisons"
    source = "As the import says" if report["campaign"].get("imported") else "As declared with the campaign"
    return f"{source}, two systems count as equivalent if " + (
        f"{within}." if chosen else f"they differ by less than {margin:g} points."
    )


def primary_sentences(report: Report) -> list[str]:
    """Of the declared contrast whether equivalence was shown, and where no difference was what one would have been."""
    pair = next((pair for pair in report["pairs"] if pair.get("primary")), None)
    return [] if pair is None else [said for said in (equivalence(report, pair), undetected(report, pair)) if said]


def with_primary_effects(report: Report, short: Sequence[str]) -> list[str]:
    """The sentences in short, the first of which is of the declared contrast where there is one."""
    said = primary_sentences(report)
    return [" ".join([short[0], *said]), *short[1:]] if said and short else list(short)


def equivalence(report: Report, pair: Pair) -> str:
    found = pair.get("equivalence")
    if not found:
        return ""
    places = places_of_difference(report, pair)
    unit = "in log-strength" if is_choice(report, pair["criterion"]) else "points"
    margin = f"{found['margin']:.2f}" if unit != "points" else f"{found['margin']:g}"
    within = f"within ±{margin} {unit}"
    if found["p"] is None:
        return f"Equivalence {within} was not tested: {reason(found['undefined'])}."
    shown = "was shown" if found["shown"] else "was not shown"
    ends = interval(in_declared_order(report, pair, found["ci"]), places)
    return f"Equivalence {within} {shown} (90 % interval {ends}, {p_is(found['p'])})."


def in_declared_order(report: Report, pair: Pair, ends: Sequence[float]) -> list[float]:
    """The interval of the declared contrast in the direction in which it was declared."""
    turned = pair.get("primary") and (report.get("primary") or {}).get("first") == pair["system_b"]
    return [-ends[1], -ends[0]] if turned else list(ends)


def undetected(report: Report, pair: Pair) -> str:
    """What a difference would have had to be, where none was shown."""
    found = pair.get("detectable")
    if not found or found["difference"] is None or is_shown(report, pair):
        return ""
    size = figure(found["difference"], places_of_difference(report, pair))
    unit = " in log-strength" if is_choice(report, pair["criterion"]) else " points"
    return f"A study of this design would show a true difference of {size}{unit} with {percent(found['power'])} power."


def undetectable(pair: Pair) -> str:
    """Why a pair has no detectable difference."""
    if pair.get("unvaried"):
        return "nothing varied"
    return reason(pair.get("undefined")) or "the pair is not tested at this look"


def places_of_difference(report: Report, pair: Pair) -> int:
    return LOG_STRENGTH if is_choice(report, pair["criterion"]) else places_of(report, pair["criterion"])


def criterion_context(report: Report, name: str, pairs: Sequence[Pair]) -> dict[str, Any]:
    """Of one criterion what the template shows of effects: rows by pair and by system, and sentences."""
    result = report["criteria"][name]
    rows = [{**pair, "shown": is_shown(report, pair), "undetectable": undetectable(pair)} for pair in pairs]
    wins = {row["system"]: row for row in result.get("expected_wins") or []}
    missing = result.get("missing") or {}
    lacking = {row["system"]: row for row in missing.get("systems") or []}
    ranked = [row["system"] for row in result["systems"]]
    names = [*ranked, *sorted(set(lacking) - set(ranked))]
    choice, has_wins = is_choice(report, name), any(row.get("value") is not None for row in wins.values())
    has_missing = any(row["missing"] or row["missing_items"] for row in lacking.values())
    titles = ["Expected wins"] if has_wins and not choice else []
    if has_missing and not choice:  # of choices the table of shares says how many comparisons each system has
        titles.append("missing ratings" if has_wins else "ratings")
    return {
        "effect_pairs": [row for row in rows if row.get("effects") or (row.get("detectable") and not row["shown"])],
        "has_effects": any(row.get("effects") for row in rows),
        "equivalences": [row for row in rows if row.get("equivalence")],
        "equivalent": equivalences_sentence(report, rows),
        "detectable_level": detectable_sentence(rows),
        "by_system": [{"system": system, "wins": wins.get(system), "missing": lacking.get(system)} for system in names]
        if wins or lacking
        else [],
        "choices": choices_with_wins(result.get("choices"), wins),
        "has_wins": has_wins and not choice,
        "has_missing": has_missing and not choice,
        "by_system_title": " and ".join(titles).capitalize(),
        "missing_sentence": missing_sentence(report, name),
    }


def choices_with_wins(choices: Mapping[str, Any] | None, wins: Mapping[str, Any]) -> dict[str, Any] | None:
    """The strengths with each system's expected wins beside."""
    if not choices:
        return None
    systems = [row | {"expected_wins": wins.get(row["system"], {}).get("value")} for row in choices["systems"]]
    return {**choices, "systems": systems}


def equivalences_sentence(report: Report, pairs: Sequence[Pair]) -> str:
    tested = [pair["equivalence"] for pair in pairs if pair.get("equivalence")]
    if not tested:
        return ""
    if all(found["p"] is None for found in tested) and len({found["undefined"] for found in tested}) == 1:
        return f"{margin_sentence(report)} That was not tested: {reason(tested[0]['undefined'])}."
    shown = sum(found["shown"] for found in tested)
    return f"{margin_sentence(report)} That was shown for {shown} of {counted(len(tested), 'pair')}."


def detectable_sentence(pairs: Sequence[Pair]) -> str:
    """At which level the detectable differences are."""
    levels = sorted(
        {
            found["alpha"]
            for pair in pairs
            if (found := pair.get("detectable")) and not pair.get("primary") and not pair["shown"]
        }
    )
    if not levels or levels == [0.05]:
        return ""
    alone = " The declared contrast is tested by itself." if any(pair.get("primary") for pair in pairs) else ""
    return (
        f"It is for a test at {levels[0]:.2g}, which is 0.05 divided by the number of pairs: the strictest step of "
        f"Holm.{alone}"
    )


def missing_sentence(report: Report, name: str) -> str:
    """How many screens there are of those planned, and whether any system lacks ratings."""
    missing = report["criteria"][name].get("missing")
    if not missing:
        return ""
    screens, planned = missing["screens"], missing["planned"]
    rated = f"{screens} of {counted(planned, 'planned screen')}" if planned else counted(screens, "screen")
    said = f"{rated}, of {counted(missing['items'], 'item')}, {'was' if screens == 1 else 'were'} rated."
    if is_choice(report, name) or any(row["missing"] or row["missing_items"] for row in missing["systems"]):
        return said
    return f"{said} On these no system lacks a rating."
