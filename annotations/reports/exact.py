"""The exact tests beside each difference, and what is to be said of one in which nothing varied."""

from annotations.reports.schema import results as schema
from annotations.statistics.differences import SystemDifference
from annotations.statistics.estimate import Estimate
from annotations.statistics.exact import ExactTests
from annotations.statistics.permutation import Exact

ROUNDING = 1e-9  # of the numbers' size: a smaller error is one of rounding
FLIPPED, DIVIDED = "sign-flip", "permutation of raters"


def nothing_varied(estimate: Estimate, size: float) -> bool:
    """Whether an estimate's error is nothing but rounding: it is no sure estimate, but one whose error is unknown."""
    return estimate.error is not None and estimate.error <= ROUNDING * size


def testable_p(found: SystemDifference, size: float) -> float | None:
    """The p of the main test; None where there is none, or nothing varied."""
    return None if nothing_varied(found.estimate, size) else found.estimate.p


def deciding_p(found: SystemDifference, exact: ExactTests, size: float) -> float | None:
    """The p by which a difference counts: the main test's, or where nothing varied the exact tests' larger one."""
    return exact.p if nothing_varied(found.estimate, size) else testable_p(found, size)


def tests_shown(exact: ExactTests) -> schema.ExactTests:
    """The tests as a report has them."""
    return schema.ExactTests(
        constant=exact.constant,
        raters=exact.raters,
        raters_both=exact.both,
        by_raters=test_shown(exact.by_raters, DIVIDED if exact.raters and not exact.both else FLIPPED),
        by_albums=test_shown(exact.by_albums, FLIPPED),
    )


def test_shown(test: Exact, name: str) -> schema.ExactTest:
    return schema.ExactTest(
        test=name,
        p=test.p,
        units=test.units,
        smallest=test.smallest,
        complete=test.complete,
        undefined=test.undefined,
    )
