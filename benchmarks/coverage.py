"""Does the 95 % interval of a difference hold the truth in 95 campaigns of 100, and cry wolf in five?

Simulated campaigns of two systems, 200 items × 3 ratings: a score is its item's and its rater's mean, both systems'
own effect on the item (deviation 0.5), the rater's own effect on the system (0, 0.3 or 0.5), and noise of deviation 1.
There is no difference, so that an interval without zero is a false positive. Beside `paired_difference` stand the
percentiles of the bootstrap over items and raters, and the permutation of the two systems' labels within items,
which takes the raters as given.
"""

import argparse
from itertools import product
from typing import Any

import numpy as np
from tqdm import tqdm

from annotations.statistics.bootstrap import two_way_bootstrap
from annotations.statistics.differences import paired_difference
from annotations.statistics.uncertainty import Floats, Ints
from benchmarks.common import print_result, print_table

ITEMS, OVERLAP = 200, 3
ITEM_SYSTEM, NOISE = 0.5, 1.0
RATERS, DEVIATIONS = (8, 20), (0.0, 0.3, 0.5)
ALBUM = 5  # items an album, in the cells whose items come from albums
RESAMPLES, FLIPS = 200, 200


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=10_000, help="campaigns a cell; the first fifth for coverage")
    options.add_argument("--compared", type=int, default=500, help="of them also judged by the other two ways")
    given = options.parse_args()
    cells = list(product((False, True), RATERS, DEVIATIONS))
    rows: list[dict[str, Any]] = []
    with tqdm(total=len(cells) * given.runs, unit="campaign", disable=None) as bar:
        for albums, raters, deviation in cells:
            row = cell(albums, raters, deviation, given.runs, given.compared, np.random.default_rng(1))
            rows.append(
                {"albums": ITEMS // ALBUM if albums else ITEMS, "raters": raters, "deviation": str(deviation), **row}
            )
            bar.update(given.runs)
    heads = ["clusters of items", "raters", "rater×system", "covers", "false positives", "bootstrap covers"]
    shown = [[f"{value:.1%}" if isinstance(value, float) else value for value in row.values()] for row in rows]
    print_table([[*heads, "permutation's false positives"], *shown])
    print_result(
        cells=rows,
        lowest_coverage=min(row["covers"] for row in rows),
        highest_coverage=max(row["covers"] for row in rows),
        most_false_positives=max(row["false_positives"] for row in rows),
        figure="coverage 93.5 to 97 % and false positives <= 6 % in every cell",
    )


def cell(
    albums: bool, raters: int, deviation: float, runs: int, compared: int, draw: np.random.Generator
) -> dict[str, float]:
    """The shares of campaigns in which each way was right, or wrong."""
    covered, bootstrap, permutation = np.zeros(runs, bool), [], []
    for run in range(runs):
        first, second, items, rater = campaign(raters, deviation, draw)
        groups = items // ALBUM if albums else items
        estimate = paired_difference(first, second, items, rater, groups=groups).estimate
        low, high = (estimate and estimate.interval) or (0.0, 0.0)
        covered[run] = low <= 0 <= high
        if run < compared:
            drawn = two_way_bootstrap((first - second)[:, None], groups, rater, resamples=RESAMPLES, seed=run + 1)
            low, high = np.quantile(drawn[:, 0], [0.025, 0.975])
            bootstrap.append(low <= 0 <= high)
            permutation.append(permutation_p(first - second, items, draw) <= 0.05)
    return {
        "covers": float(covered[: runs // 5].mean()),
        "false_positives": float(1 - covered.mean()),
        "bootstrap_covers": float(np.mean(bootstrap)),
        "permutation": float(np.mean(permutation)),
    }


def campaign(raters: int, deviation: float, draw: np.random.Generator) -> tuple[Floats, Floats, Ints, Ints]:
    """Scores of both systems, items and raters, a row a screen; raters are drawn anew for every item."""
    items = np.repeat(np.arange(ITEMS), OVERLAP)
    rater = np.argsort(draw.random((ITEMS, raters)), axis=1)[:, :OVERLAP].ravel()
    common = draw.normal(0, 1, ITEMS)[items] + draw.normal(0, 1, raters)[rater]
    both = [
        common
        + draw.normal(0, ITEM_SYSTEM, ITEMS)[items]
        + draw.normal(0, deviation, raters)[rater]
        + draw.normal(0, NOISE, len(items))
        for _ in range(2)
    ]
    return both[0], both[1], items, rater


def permutation_p(differences: Floats, items: Ints, draw: np.random.Generator) -> float:
    """Two-sided p of the mean item difference under swaps of the systems' labels within items."""
    means = np.bincount(items, differences) / np.bincount(items)
    swaps = draw.choice([-1.0, 1.0], (FLIPS, len(means)))
    return float((1 + (np.abs(swaps @ means) >= abs(means.sum())).sum()) / (FLIPS + 1))


if __name__ == "__main__":
    main()
