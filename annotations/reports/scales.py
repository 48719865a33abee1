"""The scale that a report's scores are on, and how many decimals such scores are shown with."""

from annotations.reports.measures import measure_of
from annotations.reports.schema.report import Report
from annotations.reports.schema.results import PairResult

FINE = 26  # points: a shorter scale shows two decimals
SHARES = 3
LEVEL = 0.05


def places_of(report: Report) -> int:
    return places_on(*measure_of(report.campaign).scale(report.campaign))


def places_of_difference(report: Report) -> int:
    return measure_of(report.campaign).difference_places(places_of(report))


def places_on(lowest: float, highest: float) -> int:
    return SHARES if highest - lowest <= 1 else 2 if highest - lowest < FINE else 1


def adjusted(pair: PairResult) -> float | None:
    """The p-value that decides: of the primary comparison its own, of all others the one that Holm adjusted. Where
    nothing varied both are those of the exact tests."""
    if not pair.primary:
        return pair.p_holm
    return exact_p(pair) if pair.unvaried else pair.p


def is_adjusted(report: Report, pair: PairResult) -> bool:
    """Whether Holm had anything to adjust: another pair of the same family that was tested."""
    if pair.primary:
        return False
    whole = report.campaign.family == "campaign"
    family = [
        each
        for each in report.pairs
        if not each.primary and each.p_holm is not None and (whole or each.criterion == pair.criterion)
    ]
    return len(family) > 1


def exact_p(pair: PairResult) -> float | None:
    """The larger p of the exact tests over raters and over albums."""
    tests = pair.exact.by_raters, pair.exact.by_albums
    return max((test.p for test in tests if test.p is not None), default=None)


def limit_of(report: Report, pair: PairResult) -> float | None:
    """The look's boundary that a pair's p is read against beside 0.05; None where there is none."""
    return report.primary.boundary if report.primary and pair.primary else None
