"""The exact tests beside each difference, and what is to be said of one in which nothing varied."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from annotations.reports.table import RatingTable
from annotations.statistics.differences import Difference
from annotations.statistics.exact import ExactTests, exact_choice_tests, exact_tests
from annotations.statistics.permutation import Exact
from annotations.statistics.uncertainty import Mean

ROUNDING = 1e-9  # of the numbers' size: a smaller error is one of rounding
UNVARIED = "nothing varied, so that there is no interval and no p by Student's t"
ONE_CLUSTER = "one album and one rater give no interval"
FLIPPED, DIVIDED = "sign-flip", "permutation of raters"


def exact_of(table: RatingTable, criterion: str, pairs: Sequence[tuple[str, str]]) -> list[ExactTests]:
    """The exact tests of these pairs of systems: of scores, or of direct comparisons where raters chose."""
    places = [(table.systems.index(one), table.systems.index(other)) for one, other in pairs]
    if criterion in table.comparisons:
        first, second, outcome, rows = table.comparisons[criterion]
        return exact_choice_tests(places, first, second, outcome, table.raters[rows], table.albums[rows])
    scores = table.scores[criterion]
    columns = [(scores[:, one], scores[:, other]) for one, other in places]
    return exact_tests(columns, table.items, table.raters, table.albums)


def size_of(table: RatingTable, criterion: str) -> float:
    """What an error is compared with to be told from rounding: the largest score, or 1 for log-strengths."""
    scores = np.abs(table.scores[criterion])
    return 1.0 if criterion in table.comparisons or np.isnan(scores).all() else float(np.nanmax(scores))


def nothing_varied(estimate: Mean | None, size: float) -> bool:
    """Whether an estimate's error is nothing but rounding: it is no sure estimate, but one whose error is unknown."""
    return bool(estimate and estimate.error is not None and estimate.error <= ROUNDING * size)


def testable_p(found: Difference, size: float) -> float | None:
    """The p of the main test; None where there is none, or nothing varied."""
    if found.undefined or found.estimate is None or nothing_varied(found.estimate, size):
        return None
    return found.estimate.p


def deciding_p(found: Difference, exact: ExactTests, size: float) -> float | None:
    """The p by which a difference counts: the main test's, or where nothing varied the exact tests' larger one."""
    unvaried = not found.undefined and nothing_varied(found.estimate, size)
    return exact.p if unvaried else testable_p(found, size)


def exact_row(exact: ExactTests) -> dict[str, Any]:
    """`constant`: the difference is the same for every rater and item. `raters_both` scored, or compared, both."""
    return {
        "constant": exact.constant,
        "raters": exact.raters,
        "raters_both": exact.both,
        "by_raters": test_row(exact.by_raters, DIVIDED if exact.raters and not exact.both else FLIPPED),
        "by_albums": test_row(exact.by_albums, FLIPPED),
    }


def test_row(test: Exact, name: str) -> dict[str, Any]:
    """`smallest` is the least p that so many units can give."""
    return {
        "test": name,
        "p": test.p,
        "units": test.units,
        "smallest": test.smallest,
        "complete": test.complete,
        "undefined": test.undefined,
    }


def why_no_interval(found: Difference, size: float) -> str | None:
    """In words, where a difference has an estimate and no interval."""
    if found.undefined or not found.estimate or nothing_varied(found.estimate, size):
        return found.undefined
    return ONE_CLUSTER if found.estimate.interval is None else None
