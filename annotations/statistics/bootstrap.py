"""Resampled means, for display beside the intervals that the differences are judged by."""

import numpy as np
from numpy.typing import NDArray

from annotations.statistics.uncertainty import Floats, Ints

CHUNK = 2**24  # weights held at a time


def two_way_bootstrap(scores: Floats, items: Ints, raters: Ints, *, resamples: int = 1000, seed: int = 1) -> Floats:
    """Means of each column of scores over resamples of the items and of the raters: (n, k) → (resamples, k).

    Row i is of item items[i] and rater raters[i], NaN where a column was not scored; where albums are what is drawn,
    give those for items. Items and raters are drawn with replacement and independently, and a row counts the product
    of how often both were drawn (the pigeonhole bootstrap: Owen 2007). Its intervals are too wide where raters hardly
    differ, since the noise is counted once for each clustering, and too narrow with few raters who do; hence for
    display. A resample without any score of a column is NaN there.
    """
    draw = np.random.default_rng(seed)
    _, item = np.unique(items, return_inverse=True)
    _, rater = np.unique(raters, return_inverse=True)
    scored = ~np.isnan(scores)
    complete = bool(scored.all())
    columns = np.where(scored, scores, 0).astype(np.float32)
    columns = np.hstack([columns, np.ones((len(columns), 1)) if complete else scored]).astype(np.float32)
    found = np.empty((resamples, scores.shape[1]))
    size = max(1, CHUNK // len(scores))
    for begin in range(0, resamples, size):
        count = min(size, resamples - begin)
        weights = _draw(draw, int(item.max()) + 1, count)[item] * _draw(draw, int(rater.max()) + 1, count)[rater]
        sums = weights.T @ columns
        totals = sums[:, scores.shape[1] :]
        found[begin : begin + count] = np.divide(
            sums[:, : scores.shape[1]], totals, out=np.full((count, scores.shape[1]), np.nan), where=totals > 0
        )
    return found


def _draw(draw: np.random.Generator, clusters: int, resamples: int) -> NDArray[np.float32]:
    """How often each cluster was drawn: (clusters, resamples)."""
    counts = [np.bincount(draw.integers(clusters, size=clusters), minlength=clusters) for _ in range(resamples)]
    return np.stack(counts, axis=1).astype(np.float32)
