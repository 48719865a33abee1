"""Does the 95 % interval of a difference hold the truth in 95 campaigns of 100, and cry wolf in five?

Simulated campaigns of two systems that do not differ (`benchmarks.designs`): an interval without zero is a false
positive: as the rating page deals them, and as other studies do. Beside `paired_difference` stand, for the former, the
percentiles of the bootstrap over items and raters, and the permutation of the two systems' labels within items, which
takes the raters as given. Width is the interval's mean width beside that of the normal interval of an estimate
whose error is known, 3.92 deviations.
"""

import argparse
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from annotations.statistics.bootstrap import two_way_bootstrap
from annotations.statistics.differences import paired_difference
from annotations.statistics.uncertainty import Floats, Ints
from benchmarks.common import print_result, print_table
from benchmarks.designs import Design, studies, today

RESAMPLES, FLIPS = 200, 200
MIN_COVERAGE, MAX_COVERAGE, MAX_FALSE_POSITIVES = 0.935, 0.975, 0.065


class Cell(NamedTuple):
    """Shares of campaigns in which each way was right, or wrong; None where it was not asked."""

    covers: float
    width: float
    bootstrap_covers: float | None
    permutation: float | None


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=2000, help="campaigns per cell")
    options.add_argument("--compared", type=int, default=200, help="of them also judged by the other two ways")
    given = options.parse_args()
    ours, others = list(today()), list(studies())
    rows: list[dict[str, Any]] = []
    with tqdm(total=(len(ours) + len(others)) * given.runs, unit="campaign", disable=None) as bar:
        for design in [*ours, *others]:
            found = cell(design, given.runs, given.compared if design in ours else 0, np.random.default_rng(1))
            rows.append({"design": str(design), "few_raters": design.few_raters, **design._asdict(), **found._asdict()})
            bar.update(given.runs)
    heads = [
        "design",
        "severity",
        "rater×system",
        "covers",
        "width",
        "bootstrap covers",
        "permutation's false positives",
    ]
    shown = [
        [
            row["design"],
            row["severity"],
            row["rater_system"],
            percent(row["covers"]),
            f"{row['width']:.2f}",
            percent(row["bootstrap_covers"]),
            percent(row["permutation"]),
        ]
        for row in rows
    ]
    print_table([heads, *shown])
    many = [row for row in rows if not row["few_raters"]]
    print_result(
        cells=rows,
        lowest_coverage=min(row["covers"] for row in rows),
        highest_coverage_over_five_raters=max(row["covers"] for row in many),
        below=[row["design"] for row in rows if row["covers"] < MIN_COVERAGE],
        above=[row["design"] for row in many if row["covers"] > MAX_COVERAGE],
        most_false_positives=max(1 - row["covers"] for row in rows),
        figure=f"coverage >= {MIN_COVERAGE:.1%}, <= {MAX_COVERAGE:.1%} with more than five raters; "
        f"false positives <= {MAX_FALSE_POSITIVES:.1%}",
    )


def percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def cell(design: Design, runs: int, compared: int, draw: np.random.Generator) -> Cell:
    covered, widths, values = np.zeros(runs, bool), np.zeros(runs), np.zeros(runs)
    bootstrap, permutation = [], []
    for run in range(runs):
        first, second, items, raters, albums = design.scores(draw)
        groups = albums if design.albums else items
        estimate = paired_difference(first, second, items, raters, groups=groups).estimate
        if estimate.value is None or estimate.interval is None:
            raise ValueError(f"{design}: campaign {run} has no interval")
        low, high = estimate.interval
        covered[run], widths[run], values[run] = low <= 0 <= high, high - low, estimate.value
        if run < compared:
            drawn = two_way_bootstrap((first - second)[:, None], groups, raters, resamples=RESAMPLES, seed=run + 1)
            low, high = np.quantile(drawn[:, 0], [0.025, 0.975])
            bootstrap.append(low <= 0 <= high)
            permutation.append(permutation_p(first - second, items, draw) <= 0.05)
    return Cell(
        float(covered.mean()),
        float(widths.mean() / (3.92 * values.std())),
        float(np.mean(bootstrap)) if compared else None,
        float(np.mean(permutation)) if compared else None,
    )


def permutation_p(differences: Floats, items: Ints, draw: np.random.Generator) -> float:
    """Two-sided p of the mean item difference under swaps of the systems' labels within items."""
    means = np.bincount(items, differences) / np.bincount(items)
    swaps = draw.choice([-1.0, 1.0], (FLIPS, len(means)))
    return float((1 + (np.abs(swaps @ means) >= abs(means.sum())).sum()) / (FLIPS + 1))


if __name__ == "__main__":
    main()
