"""Texts that have a human score and one of an automatic metric, in long form."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np

from annotations.statistics.resampling import sums_by
from annotations.statistics.uncertainty import Floats, Ints


class ScoredTexts(NamedTuple):
    """Both scores of each text and its codes from 0 of system, item and cluster (n each), and how many there are.

    Every item and system of `item_count` and `system_count` has a human score; `left_out` texts lack the other score.
    """

    human: Floats
    metric: Floats
    systems: Ints
    items: Ints
    clusters: Ints
    system_count: int
    item_count: int
    cluster_count: int
    left_out: int


def scored_texts(
    human: Floats,
    metrics: Mapping[str, Floats],
    systems: Ints,
    items: Ints,
    *,
    albums: Ints | None = None,
    leave_out: Collection[int] = (),
) -> dict[str, ScoredTexts]:
    """For each metric the texts with both scores, of all systems but those to `leave_out`; NaN is no score.

    Clusters are albums, or items where no albums are given. Raises ValueError where arrays differ in length.
    """
    clusters = items if albums is None else albums
    columns = {"human": human, "systems": systems, "items": items, "albums": clusters, **metrics}
    for name, column in columns.items():
        if np.shape(column) != np.shape(human) or np.ndim(column) != 1:
            raise ValueError(
                f"{name!r} has the shape {np.shape(column)}, but the human scores {np.shape(human)}: each text needs "
                "one value in every array"
            )
    rated = np.isfinite(human) & ~np.isin(systems, list(leave_out))
    (all_systems, system), (all_items, item), (all_clusters, cluster) = (
        np.unique(column[rated], return_inverse=True) for column in (systems, items, clusters)
    )
    counts = len(all_systems), len(all_items), len(all_clusters)
    tables = {}
    for name, metric in metrics.items():
        both = np.isfinite(metric[rated])
        scores, left_out = (human[rated][both], metric[rated][both]), int((~both).sum())
        tables[name] = ScoredTexts(*scores, system[both], item[both], cluster[both], *counts, left_out)
    return tables


def system_sums(texts: ScoredTexts) -> tuple[Floats, int]:
    """By cluster the sums of 1, human and metric scores of each system with texts, (clusters, 3 systems); how many."""
    values, systems = np.unique(texts.systems, return_inverse=True)
    cells, count = texts.clusters * len(values) + systems, texts.cluster_count * len(values)
    sums = sums_by(cells, count, [np.ones(len(systems)), texts.human, texts.metric])
    return sums.reshape(texts.cluster_count, 3 * len(values)), len(values)


def system_means(sums: Floats) -> tuple[Floats, Floats]:
    """Mean human and metric score of each system, NaN without a text: (m, 3 systems) → (m, systems) twice."""
    texts, human, metric = np.moveaxis(sums.reshape(len(sums), -1, 3), 2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return human / texts, metric / texts
