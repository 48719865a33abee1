"""Does a model look at its source at all? Its loss with others' sources, less that with the true ones.

The story so far stays the example's own; a model that is given the album's other captions has another album's across
albums, and within its own album's, of which another is said to be the photo's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modeling.metrics.checkpoint_metric import CheckpointMetric
from modeling.metrics.derangements import derangement, within_albums
from modeling.metrics.metric import Score

if TYPE_CHECKING:
    from modeling.metrics.pairs import Pairs

DERANGEMENTS = (1, 2, 3, 4, 5)  # seeds


class SourceGain(CheckpointMetric):
    """The mean of five fixed derangements across albums. Undefined where every one would put a source of the same album
    somewhere."""

    name = "source_gain"
    description = "increase in NLL when captions are swapped between albums"
    beside = "nll"
    leading = True

    def deranged(self, pairs: Pairs, seed: int) -> dict[int, int] | None:
        """Whose source stands in for which example's; no pair of another example has a part."""
        order = derangement([album for album, _ in pairs.photos.values()], seed)
        examples = list(pairs.photos)
        return None if order is None else {examples[one]: examples[other] for one, other in enumerate(order)}

    def score(self, pairs: Pairs) -> Score | None:
        rounds = [pairs.losses(taken) for seed in DERANGEMENTS if (taken := self.deranged(pairs, seed))]
        if not rounds:
            return None
        part = np.flatnonzero(np.isfinite(rounds[0]))
        gains = np.mean(rounds, axis=0) - pairs.true
        head = f"{self.name}|unit:nats_per_word"
        return pairs.score(head, part, gains[part], pairs.words[part], f"derangements:{len(rounds)}")


class SourceGainWithinAlbum(SourceGain):
    """Of the pairs whose album has two photos or more: what a model knows of this photo rather than of the day."""

    name = "source_gain_within_album"
    description = "increase in NLL when captions are swapped between photos of one album"
    leading = False

    def deranged(self, pairs: Pairs, seed: int) -> dict[int, int]:
        return within_albums(pairs.photos, seed)
