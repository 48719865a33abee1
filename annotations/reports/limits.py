"""A report's intervals cut at the ends of the scale: what lies beyond them no mean, share or difference can be."""

from collections.abc import Iterator

from annotations.reports.measures import measure_of
from annotations.reports.schema.base import Interval, Part
from annotations.reports.schema.raters import PairWithAll
from annotations.reports.schema.report import Report
from annotations.reports.schema.results import PairResult, Primary

ENDS = ("ci", "ci_simultaneous", "bootstrap_ci")


def cut(ends: Interval | None, lowest: float, highest: float) -> Interval | None:
    """The interval within these limits."""
    return ends and (min(max(ends[0], lowest), highest), min(max(ends[1], lowest), highest))


def cut_at_scale(report: Report) -> Report:
    """The report with its intervals cut. Where a scale was only found as the range of an import's scores it may go on
    beyond them, and nothing is cut."""
    for part, names, lowest, highest in limited(report):
        for name in names:
            if ends := getattr(part, name, None):
                setattr(part, name, cut(ends, lowest, highest))
    return report


def limited(report: Report) -> Iterator[tuple[Part, tuple[str, ...], float, float]]:
    """Each part of the report that has intervals, their names, and the limits of what they are of."""
    measure, excluded = measure_of(report.campaign), report.exclusions
    means, differences = measure.mean_ends(report.campaign), measure.difference_ends(report.campaign)
    for name, result in report.criteria.items():
        if means:
            yield from ((row, ENDS, *means) for row in [*result.systems, *excluded.criteria_with_all.get(name, [])])
        for coefficient in [result.agreement, *result.agreement.coefficients]:
            yield coefficient, ("ci",), float("-inf"), 1.0
    pairs: list[PairResult | PairWithAll | Primary] = [*report.pairs, *excluded.pairs_with_all]
    if not differences:
        return
    for pair in [*pairs, report.primary] if report.primary else pairs:
        yield pair, ENDS, *differences
        for beside in (pair.mixed_model, pair.equivalence) if isinstance(pair, PairResult) else ():
            if beside:
                yield beside, ("ci",), *differences
    for rater in report.raters:
        yield rater, ("severity_ci",), *differences
