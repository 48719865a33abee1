"""A report's intervals cut at the ends of the scale: what lies beyond them no mean, share or difference can be."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from annotations.reports.scales import is_choice, scale_is_found, scale_of

ENDS = ("ci", "ci_simultaneous", "bootstrap_ci")
Ends = Sequence[float] | None
Row = dict[str, Any]


def cut(ends: Ends, lowest: float, highest: float) -> Ends:
    """The interval within these limits, of the type it has."""
    if ends is None:
        return None
    return type(ends)(min(max(end, lowest), highest) for end in ends)  # type: ignore[call-arg]


def cut_at_scale(report: dict[str, Any]) -> dict[str, Any]:
    """The report with its intervals cut. Where a scale was only found as the range of an import's scores it may go on
    beyond them, and nothing is cut."""
    for row, keys, lowest, highest in limited(report):
        row.update({key: cut(row[key], lowest, highest) for key in keys if row.get(key)})
    return report


def limited(report: Mapping[str, Any]) -> Iterator[tuple[Row, Sequence[str], float, float]]:
    """Each part of the report that has intervals, their keys, and the limits of what they are of."""
    known, excluded = not scale_is_found(report["campaign"]), report["exclusions"]
    for criterion in report["criteria"]:
        if known or is_choice(report, criterion):
            low, high = scale_of(report, criterion)
            for row in [*report["criteria"][criterion]["systems"], *excluded["criteria_with_all"].get(criterion, [])]:
                yield row, ENDS, low, high
        agreement = report["criteria"][criterion]["agreement"]
        for row in [agreement, *agreement.get("coefficients", [])]:
            yield row, ("ci",), float("-inf"), 1.0
    of_scores = [
        pair
        for pair in [*report["pairs"], *excluded["pairs_with_all"], *filter(None, [report["primary"]])]
        if known and not is_choice(report, pair["criterion"])
    ]
    for pair in of_scores:
        low, high = scale_of(report, pair["criterion"])
        yield pair, ENDS, low - high, high - low
        for beside in (pair.get("mixed_model"), pair.get("equivalence")):
            yield beside or {}, ("ci",), low - high, high - low
    if known and report["criteria"]:
        low, high = scale_of(report, next(iter(report["criteria"])))
        for rater in report["raters"]:
            yield rater, ("severity_ci",), low - high, high - low
