"""Whom a report's intervals and tests speak for: other raters and other items, or only one of the two."""

from collections.abc import Sequence

from annotations.reports.schema.report import Report
from annotations.reports.schema.results import PairResult

FEW_RATERS = 3  # with so few the bootstrap over raters is far too narrow
BUSY = 1.5  # equal shares, and no less than half of all: more than that is said


def raters_of(report: Report, criterion: str) -> int:
    """How many people's ratings a criterion's results stand on."""
    found = [pair.exact.raters for pair in report.pairs if pair.criterion == criterion]
    rows = [row.raters for row in report.criteria[criterion].systems]
    every = report.campaign.raters
    return every if every == 1 or not (found or rows) else max([*found, *rows])


def raters_in(report: Report, pair: PairResult) -> int:
    return pair.exact.raters or report.campaign.raters


def over(raters: int, albums: int) -> str:
    """What an interval or a p-value is over, where that is not raters and items both."""
    if raters == 1 and albums == 1:
        return ""
    return "over items only" if raters == 1 else "over raters only" if albums == 1 else ""


def over_in(report: Report, pair: PairResult) -> str:
    """The same of a pair of systems, by the raters, albums and items that it stands on."""
    albums = pair.exact.by_albums.units or report.campaign.albums
    return over(raters_in(report, pair), 1 if pair.items == 1 else albums)


def one_of(report: Report) -> str:
    """What there is one of where all was rated on one item, or on items of one album."""
    return "one item" if report.campaign.items == 1 else "the items of one album"


def populations(report: Report, criterion: str) -> str:
    """What the criterion's intervals hold over, as a caption says it."""
    raters, albums = raters_of(report, criterion), report.campaign.albums
    if raters == 1:
        return "over albums, for the one rater only"
    return f"over raters, on {one_of(report)} only" if albums == 1 else "over albums and raters"


def scope_sentences(report: Report, criterion: str) -> list[str]:
    """What the criterion's results cannot say, for want of raters, of items, or of raters who saw both systems."""
    systems = report.criteria[criterion].systems
    if not systems:
        return []
    raters, albums = raters_of(report, criterion), report.campaign.albums
    said = []
    if busy := busy_sentence(report):
        said.append(busy)
    if raters == 1 and albums == 1:
        said.append(f"One rater rated {one_of(report)}: the results say nothing about other raters or other items.")
    elif raters == 1:
        said.append(
            "All ratings are by one rater. Intervals and p-values are over items only: they generalise to other items "
            "as this rater would rate them, and say nothing about what others would give."
        )
    elif albums == 1:
        said.append(
            f"All ratings are on {one_of(report)}. Intervals and p-values are over raters only: they generalise to "
            "other raters like these, and say nothing about other items."
        )
    if raters != 1:
        single = [row.system for row in systems if row.raters == 1]
        if single:
            said.append(
                f"Rated by only one person: {', '.join(single)}. The intervals of these means are over items only."
            )
    if apart := split_pairs(report, criterion):
        every = len(apart) == sum(pair.criterion == criterion for pair in report.pairs)
        alone = "No rater scored two of the systems" if every else f"No rater scored both {listed_pairs(apart)}"
        said.append(
            f"{alone}. Such a difference includes the difference between the two groups of raters, which an interval "
            "can account for only if both groups have several raters; and z, which removes the level at which each "
            "rater scores, also removes the difference between such systems."
        )
    return said


def busy_sentence(report: Report) -> str:
    """That one of several raters gave most of what there is."""
    counts = [row.screens for row in report.raters if not row.excluded]
    if len(counts) < 2 or max(counts) <= max(0.5, BUSY / len(counts)) * sum(counts):
        return ""
    return f"One rater answered {max(counts)} of all {sum(counts)} screens: the results are based mostly on one person."


def listed_pairs(pairs: Sequence[PairResult]) -> str:
    """Up to three pairs by name, to go on after "both"."""
    if len(pairs) > 3:
        return f"systems of {len(pairs)} of the pairs"
    return ", or both ".join(f"{pair.system_a} and {pair.system_b}" for pair in pairs)


def split_pairs(report: Report, criterion: str) -> list[PairResult]:
    """The pairs of which no rater scored both systems."""
    return [pair for pair in report.pairs if pair.criterion == criterion and pair.items and not pair.exact.raters_both]


def bootstrap_sentence(report: Report, criterion: str) -> str:
    """How far the bootstrap's intervals can be trusted, by the number of raters."""
    raters = raters_of(report, criterion)
    drawn = "The bootstrap resamples albums and raters, and is given for comparison"
    if raters == 1:
        return "The bootstrap resamples albums, since there is one rater, and is given for comparison."
    if report.campaign.albums == 1:
        return "The bootstrap resamples raters, since there is one album, and is given for comparison."
    if raters <= FEW_RATERS:
        return (
            f"{drawn}: with {raters} raters its intervals are too narrow if raters differ. In simulated studies with "
            "two or three such raters their coverage was 64 to 83 %, instead of 95 %."
        )
    return (
        f"{drawn}: it counts residual variation once for albums and once for raters, so its intervals are too wide if "
        "raters hardly differ, and too narrow if a handful of raters differ a lot."
    )
