"""Which of two systems scores higher on the same items: the primary result of a campaign."""

from typing import Literal, NamedTuple

import numpy as np

from annotations.reasons import Reason
from annotations.statistics.estimate import Estimate
from annotations.statistics.jackknife import Cells, Side, jackknife
from annotations.statistics.uncertainty import (
    Floats,
    Ints,
    clustered_estimate,
    codes_of_pairs,
    dense,
    even,
    sums_by,
)


class SystemDifference(NamedTuple):
    """First minus second, of n screens; how many items it stands on; and where its error comes from."""

    estimate: Estimate
    items: int
    estimator: Literal["cluster-robust", "jackknife"] | None = None


def paired_difference(
    first: Floats, second: Floats, items: Ints, raters: Ints, *, groups: Ints | None = None
) -> SystemDifference:
    """The difference of two systems' scores, paired by item, with an error that is robust to items and to raters.

    Shapes: all (n), a row per rater and item, NaN where the rater did not score that system. Items that have scores of
    both count; with a and b scores of them an item weighs 2 / (1/a + 1/b), so that where every rater scored both the
    result is the mean of the raters' own differences. Where some scored one only, the item's means are compared.

    Clusters are raters, and `groups` of items (albums), or items where none are given. Where raters scored both systems
    of their items alike, and raters and groups have about equal shares of the scores, the error is that of
    `clustered_estimate`, of the raters' own differences; in any other design that of `jackknife`.
    """
    cells = _Cells.of(first, second, items, raters, items if groups is None else groups)
    if cells is None:
        return SystemDifference(Estimate.none(Reason("no_item_with_both")), 0)
    largest = max(float(np.nanmax(np.abs(side), initial=0.0)) for side in (first, second))
    if cells.crossed and even(cells.by_rater) and even(cells.by_cluster):
        return SystemDifference(cells.clustered(largest)._replace(n=cells.screens), cells.items, "cluster-robust")
    found = jackknife(cells.cells, largest=largest)._replace(n=cells.screens)
    return SystemDifference(found, cells.items, "jackknife" if found.interval else None)


class _Cells(NamedTuple):
    """Scores of the items that have both systems', by cell (one item, one rater): sums and counts (2, n)."""

    cells: Cells
    sums: Floats
    counts: Floats
    screens: int
    items: int

    @classmethod
    def of(cls, first: Floats, second: Floats, items: Ints, raters: Ints, groups: Ints) -> "_Cells | None":
        scored = ~np.isnan(np.stack([first, second]))
        item, count = dense(items)
        of_item = np.stack([np.bincount(item, side, minlength=count) for side in scored])
        used = scored.any(axis=0) & (of_item.min(axis=0) > 0)[item]
        if not used.any():
            return None
        (item, items_used), (rater, _), (cluster, clusters) = (dense(c[used]) for c in (items, raters, groups))
        cell, keys = codes_of_pairs(item, rater)
        scores = np.where(scored[:, used], np.stack([first, second])[:, used], 0.0)
        sums, counts = (
            np.stack([sums_by(cell, side, len(keys)) for side in of_rows]) for of_rows in (scores, scored[:, used])
        )
        item_of, rater_of = keys // (int(rater.max()) + 1), keys % (int(rater.max()) + 1)
        cluster_of_item = np.empty(items_used, dtype=np.int64)
        cluster_of_item[item] = cluster
        totals, numbers = (
            np.stack([sums_by(item_of, side, items_used) for side in of_cells]) for of_cells in (sums, counts)
        )
        weights, differences = _of_items(totals, numbers)
        without = numbers[:, item_of] - counts
        weights_without, differences_without = _of_items(totals[:, item_of] - sums, without)
        products = weights * differences
        sides = tuple(
            Side(
                coefficients=weights[item_of] * counts[side] / numbers[side, item_of],
                counts=counts[side],
                change=weights_without / np.maximum(without[side], 1) - (weights / numbers[side])[item_of],
            )
            for side in range(2)
        )
        cells = Cells(
            items=item_of,
            raters=rater_of,
            clusters=cluster_of_item[item_of],
            numerator=float(products.sum()),
            weight=float(weights.sum()),
            numerator_changes=weights_without * differences_without - products[item_of],
            weight_changes=weights_without - weights[item_of],
            cluster_numerators=sums_by(cluster_of_item, products, clusters),
            cluster_weights=sums_by(cluster_of_item, weights, clusters),
            sides=sides,
        )
        return cls(cells, sums, counts, int(used.sum()), items_used)

    @property
    def value(self) -> float:
        return self.cells.numerator / self.cells.weight

    @property
    def crossed(self) -> bool:
        """Whether each rater scored both systems of an item equally often: then the items cancel in every cell."""
        return bool((self.counts[0] == self.counts[1]).all())

    @property
    def by_rater(self) -> Floats:
        return sums_by(self.cells.raters, self.counts[0], int(self.cells.raters.max()) + 1)

    @property
    def by_cluster(self) -> Floats:
        return self.cells.cluster_weights

    def clustered(self, largest: float) -> Estimate:
        influences = (self.sums[0] - self.sums[1] - self.counts[0] * self.value) / self.cells.weight
        return clustered_estimate(self.value, influences, self.cells.clusters, self.cells.raters, largest=largest)


def _of_items(totals: Floats, numbers: Floats) -> tuple[Floats, Floats]:
    """Weights and differences of means where both systems have scores, 0 elsewhere: (2, n), (2, n) → (n), (n)."""
    both = numbers.min(axis=0) > 0
    numbers = np.where(both, numbers, 1)
    means = totals / numbers
    return np.where(both, 2 / (1 / numbers).sum(axis=0), 0.0), np.where(both, means[0] - means[1], 0.0)
