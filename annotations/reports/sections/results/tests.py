"""The same differences by exact tests, and the matrix of all pairs."""

from collections.abc import Iterator, Sequence

from annotations.documents.blocks import Block, Cell, Figure, Fold, PValue, Row, table, undefined_row
from annotations.reports.measures import measure_of
from annotations.reports.scales import is_adjusted, limit_of
from annotations.reports.schema.report import Report
from annotations.reports.schema.results import PairResult
from annotations.reports.words import headed

ABOUT = (
    "exact two-sided tests of the differences, over raters (a rater's labels exchanged; if no rater scored both "
    "systems, the raters reassigned to the two) and over albums (an album's labels exchanged), not adjusted for "
    "multiple comparisons."
)


def blocks(report: Report, name: str, pairs: Sequence[PairResult]) -> Iterator[Block]:
    titles = ("Systems", *("Over raters", "p", "Raters", "Smallest p"), *("Over albums", "p", "Albums", "Smallest p"))
    rows = [exact_row(report, pair) for pair in pairs]
    together = any(is_adjusted(report, pair) for pair in pairs)
    caption = exact_caption(report, together=together)
    made = table(f"exact-{name}", f"{headed(name)}: {ABOUT}", titles, rows, caption=caption)
    yield Fold("Exact tests, over raters and over albums", [made])
    yield Figure([f"matrix:{name}"], matrix_caption(report, name, pairs))


def exact_row(report: Report, pair: PairResult) -> Row:
    limit, cells = limit_of(report, pair), list[Cell]()
    for test in (pair.exact.by_raters, pair.exact.by_albums):
        if test.p is None:
            cells.append(undefined_row(test.undefined, 4))
        else:
            cells += [test.test, PValue(test.p, limit), test.units, PValue(test.smallest)]
    return [f"{pair.system_a} − {pair.system_b}", *cells]


def exact_caption(report: Report, *, together: bool) -> str:
    adjusted = "Not adjusted for the number of pairs. " if together else ""
    return (
        f"{adjusted}Over raters: {measure_of(report.campaign).over_raters}. Over albums: the two systems' labels "
        "exchanged within albums. Smallest p: the smallest that this number of raters or albums can give. The first "
        "test says nothing about other items, the second nothing about other raters. They are given for comparison: "
        "they decide only if nothing varied."
    )


def matrix_caption(report: Report, name: str, pairs: Sequence[PairResult]) -> str:
    what = measure_of(report.campaign).row_against_column
    primary = ", the primary comparison's unadjusted" if any(pair.primary for pair in pairs) else ""
    return (
        f"{what}, with its Holm-adjusted p-value{primary}; in bold if a difference was shown. Blue: the row is ahead."
    )
