"""Does the mixed model of differences end well whatever it is given, and does its interval hold where albums vary?

Small designs: drawn at random (items, raters, albums, who rated what), with differences that are constant, constant but
for a few, constant by rater, by item or by both, nearly so, or normal. A model must come without an exception, and its
p may not be below that of its own difference and error by Student's t with raters − 1 degrees of freedom.

Coverage: crossed campaigns whose difference varies by album (deviation 0.5), by item (0.3), by rater (0, 0.3) and
besides (1), with no difference, so that an interval without zero is a false positive. Beside the model with albums
stand the one that takes items for independent and `paired_difference`.
"""

import argparse
import time
from collections import Counter
from itertools import product
from typing import Any

import numpy as np
from scipy.special import stdtr
from tqdm import tqdm

from annotations.statistics.differences import paired_difference
from annotations.statistics.mixed import MixedModel, mixed_model
from annotations.statistics.uncertainty import Floats, Ints
from benchmarks.common import print_result, print_table

KINDS = ("constant", "few", "raters", "items", "additive", "nearly", "rounded", "normal")
ALBUMS, DEVIATIONS, RATERS, ITEMS_PER_ALBUM = (5, 10, 20), (0.0, 0.3), 8, 10
BY_ALBUM, BY_ITEM = 0.5, 0.3
OVERLAPS = (3, 8)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--designs", type=int, default=20_000, help="small designs of all kinds together")
    options.add_argument("--runs", type=int, default=1000, help="campaigns per cell")
    given = options.parse_args()
    start = time.process_time()
    designs = small_designs(given.designs, np.random.default_rng(1))
    print_table([["differences", "designs", "exceptions", "not defined", "least p − t's"], *designs])
    cells = [
        cell(albums, by_rater, overlap, given.runs, np.random.default_rng(1))
        for albums, by_rater, overlap in tqdm(list(product(ALBUMS, DEVIATIONS, OVERLAPS)), unit="cell", disable=None)
    ]
    print()
    print_table([list(cells[0]), *([round(value, 3) for value in row.values()] for row in cells)])
    print_result(
        designs=given.designs,
        exceptions=sum(row[2] for row in designs),
        least_p_above_t=min(row[4] for row in designs),
        cells=cells,
        lowest_coverage=min(row["covers"] for row in cells),
        cpu_seconds=round(time.process_time() - start),
        figure="no exception; no p below t's by more than 1e-3; coverage >= 93.5 %",
    )


def small_designs(count: int, draw: np.random.Generator) -> list[list[Any]]:
    """By kind of differences: how many designs, exceptions and undefined models, and the least that p is above t's."""
    tried, failed, undefined = Counter[str](), Counter[str](), Counter[str]()
    least = dict.fromkeys(KINDS, np.inf)
    for number in tqdm(range(count), unit="design", disable=None):
        kind = KINDS[number % len(KINDS)]
        differences, items, raters, albums = small_design(kind, draw)
        tried[kind] += 1
        try:
            model = mixed_model(differences, items, raters, albums=albums)
        except Exception as failure:  # noqa: BLE001
            failed[kind] += 1  # whatever it is
            print(f"{kind}: {type(failure).__name__}: {failure}")
            continue
        undefined[kind] += model.undefined is not None
        if model.undefined is None:
            least[kind] = min(least[kind], above_t(model))
    return [[kind, tried[kind], failed[kind], undefined[kind], float(least[kind])] for kind in KINDS]


def above_t(model: MixedModel) -> float:
    """How much the model's p is above that of its difference and error by t with raters − 1 degrees of freedom."""
    if model.difference is None or not model.error or model.p is None:
        raise ValueError(f"a model that is said to be defined is not: {model}")
    return model.p - 2 * float(stdtr(model.raters - 1, -abs(model.difference) / model.error))


def small_design(kind: str, draw: np.random.Generator) -> tuple[Floats, Ints, Ints, Ints | None]:
    """Differences (n) of items (n) by raters (n), and albums (n) in half of the designs."""
    many_items, many_raters = int(draw.integers(2, 13)), int(draw.integers(2, 8))
    items, raters = (part.ravel() for part in np.indices((many_items, many_raters)))
    kept = draw.random(len(items)) < draw.choice([0.4, 0.7, 1.0])
    kept[:2] |= not kept.any()
    items, raters = items[kept], raters[kept]
    albums = draw.integers(0, draw.integers(1, many_items + 1), many_items)[items] if draw.random() < 0.5 else None
    size, noise = 10.0 ** draw.integers(-3, 4), draw.normal(0, 1, len(items))
    by_rater, by_item = draw.integers(-2, 3, many_raters)[raters], draw.integers(-2, 3, many_items)[items]
    differences = {
        "constant": np.full(len(items), draw.normal()),
        "few": np.where(draw.random(len(items)) < 0.1, draw.integers(-1, 2, len(items)), 1.0),
        "raters": by_rater * 1.0,
        "items": by_item * 1.0,
        "additive": by_item + by_rater * 1.0,
        "nearly": by_rater * draw.integers(0, 2)
        + by_item * draw.integers(0, 2)
        + noise * 10.0 ** -draw.integers(1, 14),
        "rounded": np.round(draw.normal() + draw.normal(0, 1, many_raters)[raters] + 0.5 * noise),
        "normal": draw.normal() + by_rater * draw.random() + by_item * draw.random() + noise,
    }
    return size * differences[kind], items, raters, albums


def cell(albums: int, by_rater: float, overlap: int, runs: int, draw: np.random.Generator) -> dict[str, float]:
    """The shares of campaigns whose intervals hold the truth, each way; the model's width by `paired_difference`'s."""
    covers, widths = np.zeros((runs, 3)), np.zeros((runs, 3))
    for run in range(runs):
        differences, items, raters, of_albums = campaign(albums, by_rater, overlap, draw)
        nothing = np.zeros(len(differences))
        ends = [
            mixed_model(differences, items, raters, albums=of_albums).interval,
            mixed_model(differences, items, raters).interval,
            paired_difference(differences, nothing, items, raters, groups=of_albums).estimate.interval,
        ]
        for way, interval in enumerate(ends):
            low, high = interval or (-np.inf, np.inf)
            covers[run, way], widths[run, way] = low <= 0 <= high, high - low
    names = ("covers", "without_albums", "paired_difference")
    found = dict(zip(names, covers.mean(axis=0).tolist(), strict=True))
    relative = float(widths[:, 0].mean() / widths[:, 2].mean())
    return {"albums": albums, "rater_deviation": by_rater, "overlap": overlap, **found, "width_by_paired": relative}


def campaign(albums: int, by_rater: float, overlap: int, draw: np.random.Generator) -> tuple[Floats, Ints, Ints, Ints]:
    """Differences, items, raters and albums, a row a screen; raters are drawn anew for every item."""
    count = albums * ITEMS_PER_ALBUM
    items = np.repeat(np.arange(count), overlap)
    raters = np.argsort(draw.random((count, RATERS)), axis=1)[:, :overlap].ravel()
    of_albums = items // ITEMS_PER_ALBUM
    differences = draw.normal(0, BY_ALBUM, albums)[of_albums] + draw.normal(0, BY_ITEM, count)[items]
    differences += draw.normal(0, by_rater, RATERS)[raters] + draw.normal(0, 1, len(items))
    return differences, items, raters, of_albums


if __name__ == "__main__":
    main()
