"""Do raters agree on the same text?"""

from typing import Literal, NamedTuple

import krippendorff
import numpy as np
from numpy.typing import NDArray

Level = Literal["nominal", "ordinal", "interval", "ratio"]
RESAMPLES, SEED = 200, 1


class Agreement(NamedTuple):
    """Krippendorff's alpha, its interval, and in words why there is none."""

    alpha: float | None
    interval: tuple[float, float] | None
    undefined: str | None


def alpha_with_interval(
    table: NDArray[np.float64], *, level: Level = "interval", resamples: int = RESAMPLES, seed: int = SEED
) -> Agreement:
    """Krippendorff's (2011) alpha of a (raters, texts) table, NaN where a rater did not rate a text.

    The interval is the 95 % percentile bootstrap over texts.
    """
    rated_twice = table[:, (~np.isnan(table)).sum(axis=0) > 1]
    if not rated_twice.size:
        return Agreement(None, None, "no text was rated by two raters")
    value = _alpha(rated_twice, level)
    if value is None:
        return Agreement(None, None, "all ratings are equal, so there is nothing to agree on")
    generator = np.random.default_rng(seed)
    texts = rated_twice.shape[1]
    drawn = (_alpha(rated_twice[:, generator.integers(texts, size=texts)], level) for _ in range(resamples))
    defined = [each for each in drawn if each is not None]
    if texts < 2 or len(defined) < resamples / 2:
        return Agreement(value, None, None)
    low, high = np.quantile(defined, [0.025, 0.975])
    return Agreement(value, (float(low), float(high)), None)


def _alpha(table: NDArray[np.float64], level: Level) -> float | None:
    if len(np.unique(table[~np.isnan(table)])) < 2:  # krippendorff raises
        return None
    return float(krippendorff.alpha(reliability_data=table, level_of_measurement=level))
