"""Whom a report's intervals and tests speak for: other raters and other items, or only one of the two."""

from collections.abc import Mapping, Sequence
from typing import Any

Report = Mapping[str, Any]
FEW_RATERS = 3  # with so few the bootstrap over raters is far too narrow
BUSY = 1.5  # equal shares, and no less than half of all: more than that is said


def raters_of(report: Report, criterion: str) -> int | None:
    """How many people's ratings a criterion's results stand on; of kept reports, those of the whole campaign."""
    found = [pair["exact"]["raters"] for pair in report["pairs"] if pair["criterion"] == criterion and "exact" in pair]
    rows = [row.get("raters") or 0 for row in report["criteria"][criterion]["systems"]]
    every: int | None = report["campaign"].get("raters")
    return every if every == 1 or not (found or rows) else max([*found, *rows])


def raters_in(report: Report, pair: Mapping[str, Any]) -> int | None:
    found: int | None = (pair.get("exact") or {}).get("raters") or report["campaign"].get("raters")
    return found


def over(raters: int | None, albums: int | None) -> str:
    """What an interval or a p-value is over, where that is not raters and items both; of old reports nothing is known,
    and nothing said."""
    if raters == 1 and albums == 1:
        return ""
    return "over items alone" if raters == 1 else "over raters alone" if albums == 1 else ""


def over_in(report: Report, pair: Mapping[str, Any]) -> str:
    """The same of a pair of systems, by the raters, albums and items that it stands on."""
    albums = ((pair.get("exact") or {}).get("by_albums") or {}).get("units") or report["campaign"].get("albums")
    return over(raters_in(report, pair), 1 if pair.get("items") == 1 else albums)


def one_of(report: Report) -> str:
    """What there is one of where all was rated on one item, or on items of one album."""
    return "one item" if report["campaign"]["items"] == 1 else "the items of one album"


def populations(report: Report, criterion: str) -> str:
    """What the criterion's intervals hold over, as a caption says it."""
    raters, albums = raters_of(report, criterion), report["campaign"].get("albums")
    if raters == 1:
        return "over other albums, for the one rater alone"
    return f"over other raters, on {one_of(report)} alone" if albums == 1 else "over other albums and other raters"


def scope_sentences(report: Report, criterion: str) -> list[str]:
    """What the criterion's results cannot say, for want of raters, of items, or of raters who saw both systems."""
    systems = report["criteria"][criterion]["systems"]
    if not systems:
        return []
    raters, albums = raters_of(report, criterion), report["campaign"].get("albums")
    said = []
    if busy := busy_sentence(report):
        said.append(busy)
    if raters == 1 and albums == 1:
        said.append(f"One rater rated {one_of(report)}: nothing says what other raters, or other items, would give.")
    elif raters == 1:
        said.append(
            "One rater gave all ratings. Intervals and p-values are over items alone: they hold for other items as "
            "this rater would rate them, and say nothing of what others would give."
        )
    elif albums == 1:
        said.append(
            f"All ratings are of {one_of(report)}. Intervals and p-values are over raters alone: they hold for other "
            "raters like these, and say nothing of other items."
        )
    if raters != 1:
        single = [row["system"] for row in systems if row.get("raters") == 1]
        if single:
            said.append(
                f"Rated by one person only: {', '.join(single)}. The intervals of these means are over items alone."
            )
    if apart := split_pairs(report, criterion):
        every = len(apart) == sum(pair["criterion"] == criterion for pair in report["pairs"])
        alone = "No rater scored two of the systems" if every else f"No rater scored both {listed_pairs(apart)}"
        said.append(
            f"{alone}. Such a difference contains that between the two groups of raters as well, "
            "which an interval can allow for only where both groups have several raters; and z, which takes out the "
            "level at which each rater scores, takes out with it what such systems differ by."
        )
    return said


def busy_sentence(report: Report) -> str:
    """That one of several raters gave most of what there is."""
    counts = [row.get("screens") or 0 for row in report.get("raters") or [] if not row.get("excluded")]
    if len(counts) < 2 or max(counts) <= max(0.5, BUSY / len(counts)) * sum(counts):
        return ""
    return f"One rater answered {max(counts)} of all {sum(counts)} screens: the results rest mostly on one person."


def listed_pairs(pairs: Sequence[Mapping[str, Any]]) -> str:
    """Up to three pairs by name, to go on after "both"."""
    if len(pairs) > 3:
        return f"systems of {len(pairs)} of the pairs"
    return ", or both ".join(f"{pair['system_a']} and {pair['system_b']}" for pair in pairs)


def split_pairs(report: Report, criterion: str) -> list[Mapping[str, Any]]:
    """The pairs of which no rater scored both systems."""
    return [
        pair
        for pair in report["pairs"]
        if pair["criterion"] == criterion and "exact" in pair and pair["items"] and not pair["exact"]["raters_both"]
    ]


def bootstrap_sentence(report: Report, criterion: str) -> str:
    """How far the bootstrap's intervals can be trusted, by the number of raters."""
    raters = raters_of(report, criterion)
    drawn = "The bootstrap draws albums and raters anew, and is for comparison"
    if raters == 1:
        return "The bootstrap draws albums anew, since there is one rater, and is for comparison."
    if report["campaign"].get("albums") == 1:
        return "The bootstrap draws raters anew, since there is one album, and is for comparison."
    if raters is not None and raters <= FEW_RATERS:
        return (
            f"{drawn}: with {raters} raters its intervals are too narrow where raters differ. In simulated studies of "
            "two or three raters who did they held the truth in 64 to 83 %, instead of 95 %."
        )
    return (
        f"{drawn}: it counts what is left to chance once for albums and once for raters, so that its intervals are too "
        "wide where raters hardly differ, and too narrow where a handful of raters differ much."
    )
