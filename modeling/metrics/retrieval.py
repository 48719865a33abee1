"""Can a model tell which of ten sources a reference was written for? By the probability it gives the reference."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from modeling.metrics.checkpoint_metric import CheckpointMetric
from modeling.metrics.metric import Score

if TYPE_CHECKING:
    from modeling.metrics.pairs import Pairs

CANDIDATES = 10  # the true source among them
PAIRS, SEED = 1000, 1  # scored at most, drawn by the seed, as the other sources are
TIED = 1e-3  # nats; nearer is no preference (a likelihood ratio of 1.001), and the noise of float32 in other batches


class RetrievalAccuracy(CheckpointMetric):
    """1-of-10 retrieval (Humeau et al. 2020's R@1/C, with sources in the place of responses): the nine other sources
    are of other albums. A hit is 1 where the true source is the best, 1/k where it ties with k - 1. Undefined where
    some album has fewer than nine sources outside it."""

    name = "retrieval_accuracy"
    description = "how often, among ten captions, a reference is most probable given its own; chance is 0.1"

    def score(self, pairs: Pairs) -> Score | None:
        albums = {index: album for index, (album, _) in pairs.photos.items()}
        drawn, given = draw_candidates(albums, [pair.example for pair in pairs.pairs])
        if not len(drawn):
            return None
        found, counted = hits(pairs.losses_beside(drawn, given)), f"{len(drawn)}of{len(pairs.pairs)}"
        return pairs.score(f"{self.name}|of:{CANDIDATES}", drawn, found, np.ones(len(drawn)), counted=counted)


def draw_candidates(
    albums: Mapping[int, Hashable], wanted: Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places (P) in `wanted`, examples with repeats, and the ten examples (P, 10) whose sources each is given, its own
    first. Both are empty where an album has fewer than nine examples outside it."""
    examples = np.array(list(albums))
    numbers: dict[Hashable, int] = {}
    codes = np.array([numbers.setdefault(album, len(numbers)) for album in albums.values()])
    if len(codes) - np.bincount(codes).max() < CANDIDATES - 1:
        return np.empty(0, dtype=np.int64), np.empty((0, CANDIDATES), dtype=np.int64)
    generator = np.random.default_rng(SEED)
    drawn = np.sort(generator.choice(len(wanted), min(PAIRS, len(wanted)), replace=False))
    rows = []
    for place in drawn:
        others = examples[codes != numbers[albums[wanted[place]]]]
        rows.append([wanted[place], *generator.choice(others, CANDIDATES - 1, replace=False)])
    return drawn, np.array(rows, dtype=np.int64)


def hits(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """losses (P, 10), the true source's first → 1/k (P) where k sources, the true one among them, share the least."""
    best = losses <= losses.min(axis=1, keepdims=True) + TIED
    return np.where(best[:, 0], 1 / best.sum(axis=1), 0.0)
