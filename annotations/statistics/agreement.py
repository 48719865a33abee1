"""Do raters agree on the same text?"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.special import ndtri

from annotations.statistics.uncertainty import Floats, Ints

Level = Literal["nominal", "ordinal", "interval", "ratio"]
RESAMPLES, SEED = 1000, 1
CELLS = 1_000_000  # numbers in the widest array of the bootstrap: 8 MB
MOST_VALUES = 3000  # of a ratio scale, which needs the distance of every two values
ALL_ONE = "all ratings are in one category, so there is nothing to agree on"
NOTHING = 1e-12  # what rounding leaves of a share that is zero

Estimate = Callable[[Floats], Floats]  # how often each group counts (resamples, groups) → coefficients, NaN: undefined


class Agreement(NamedTuple):
    """Krippendorff's alpha, its interval, and in words why one of them is missing."""

    alpha: float | None
    interval: tuple[float, float] | None
    undefined: str | None


class Coefficient(NamedTuple):
    """A kappa or an intraclass correlation, its 95 % interval, and in words why one of them is missing."""

    value: float | None
    interval: tuple[float, float] | None
    undefined: str | None


class Ratings(NamedTuple):
    """Ratings of the units that have at least two: score and unit of each (n), and each unit's group (units)."""

    scores: Floats
    unit: Ints
    group: Ints

    @property
    def sizes(self) -> Ints:
        return np.bincount(self.unit)


def alpha(
    scores: Floats,
    units: Ints,
    *,
    level: Level = "interval",
    groups: Ints | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Agreement:
    """Krippendorff's (2011) alpha of ratings in long form: score (n, NaN is no rating) and rated unit (n) of each.

    The interval is the 95 % percentile bootstrap over units, or, with `groups` (n: the album of each rating), over
    whole groups of units. Who rated does not enter alpha. Raises ValueError for an unknown level, for arrays of unequal
    lengths, and for a unit in two groups.
    """
    if level not in ESTIMATES:
        raise ValueError(f"level is {level!r}; it is one of {', '.join(ESTIMATES)}")
    groups = units if groups is None else groups
    if not len(scores) == len(units) == len(groups):
        raise ValueError(f"{len(scores)} scores, {len(units)} units and {len(groups)} groups: they must be as many")
    rated = _rated_twice(scores, units, groups)
    refusal = _why_no_alpha(rated, level)
    if refusal:
        return Agreement(None, None, refusal)
    estimate, count = ESTIMATES[level](rated), int(rated.group.max()) + 1
    value = float(estimate(np.ones((1, count)))[0])
    widest = max(count, len(rated.group), 0 if level == "interval" else len(np.unique(rated.scores)))
    return Agreement(value, *_bootstrap(estimate, count, widest, resamples, seed))


def _rated_twice(scores: Floats, units: Ints, groups: Ints) -> Ratings:
    known = ~np.isnan(scores)
    scores, units, groups = scores[known], units[known], groups[known]
    _, unit, sizes = np.unique(units, return_inverse=True, return_counts=True)
    kept = sizes[unit] > 1
    _, first, unit = np.unique(units[kept], return_index=True, return_inverse=True)
    _, of_rating = np.unique(groups[kept], return_inverse=True)
    of_unit = of_rating[first]
    if (of_unit[unit] != of_rating).any():
        raise ValueError("a unit has ratings in two groups; each unit belongs to one")
    return Ratings(scores[kept].astype(np.float64), unit, of_unit)


def _why_no_alpha(rated: Ratings, level: Level) -> str | None:
    if not len(rated.scores):
        return "no text was rated by two raters"
    if rated.scores.min() == rated.scores.max():
        return "all ratings are equal, so there is nothing to agree on"
    if level == "ratio" and rated.scores.min() < 0:
        return "some ratings are negative, and a ratio scale begins at zero"
    if level == "ratio" and len(np.unique(rated.scores)) > MOST_VALUES:
        return f"the ratings take more than {MOST_VALUES:,} different values, too many for the ratio level"
    return None


def _bootstrap(
    estimate: Estimate, groups: int, widest: int, resamples: int, seed: int
) -> tuple[tuple[float, float] | None, str | None]:
    """The 95 % percentile interval (Efron and Tibshirani 1993, section 13.3), or in words why there is none."""
    if groups < 2:
        return None, "there is one text, or one group of texts, and an interval needs two"
    generator, found = np.random.default_rng(seed), []
    at_once = max(1, CELLS // widest)
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        drawn = generator.integers(groups, size=(rows, groups)) + groups * np.arange(rows)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=rows * groups).reshape(rows, groups).astype(np.float64)
        found.append(estimate(weights))
    values = np.concatenate(found) if found else np.empty(0)
    defined = values[~np.isnan(values)]
    if not len(defined) or len(defined) < resamples / 2:
        return None, "too few texts differ for an interval"
    low, high = (float(limit) for limit in np.quantile(defined, [0.025, 0.975]))
    if high - low < NOTHING:
        return None, "every resample of the texts gives the same value, so there is no interval"
    return (low, high), None


def _one_minus(observed: Floats, expected: Floats, n: Floats, scale: Floats) -> Floats:
    """1 − (n − 1) observed / expected, NaN where the expected disagreement is nothing beside its scale."""
    defined = expected > NOTHING * scale
    return 1 - (n - 1) * np.divide(observed, expected, out=np.full(len(n), np.nan), where=defined)


def _indicator(group: Ints) -> csr_array:
    """(groups, units), 1 where the unit is of the group."""
    return csr_array((np.ones(len(group)), (group, np.arange(len(group)))))


def _counts(rated: Ratings) -> tuple[csr_array, Floats]:
    """How often each unit got each value (units, values), and the values from low to high."""
    values, index = np.unique(rated.scores, return_inverse=True)
    return csr_array((np.ones(len(index)), (rated.unit, index))), values


# With n_uc the number of times that unit u, rated m_u times, got the value c, n_c = Σ_u n_uc and n = Σ_c n_c, alpha is
# 1 − (n − 1) Σ_u Σ_ck n_uc n_uk δ²_ck / (m_u − 1) / Σ_ck n_c n_k δ²_ck. Both sums are linear in what is kept of a unit.


def _nominal(rated: Ratings) -> Estimate:
    """δ²_ck is 1 for different values: Σ_ck is a square of a sum minus a sum of squares."""
    counts, _ = _counts(rated)
    sizes = rated.sizes
    observed = (sizes**2 - counts.multiply(counts).sum(axis=1)) / (sizes - 1)
    of_groups = _indicator(rated.group)
    counts, observed = of_groups @ counts, of_groups @ observed

    def estimate(weights: Floats) -> Floats:
        totals = weights @ counts
        n = totals.sum(axis=1)
        return _one_minus(weights @ observed, n**2 - (totals**2).sum(axis=1), n, n**2)

    return estimate


def _interval(rated: Ratings) -> Estimate:
    """δ²_ck = (c − k)²: Σ_ck n_c n_k δ²_ck = 2 (n Σ x² − (Σ x)²), for a unit 2 m_u Σ (x − its mean)²."""
    sizes, centred = rated.sizes, rated.scores - rated.scores.mean()
    sums = np.bincount(rated.unit, centred)
    within = np.bincount(rated.unit, (centred - (sums / sizes)[rated.unit]) ** 2)
    kept = (sizes, sums, np.bincount(rated.unit, centred**2), 2 * sizes / (sizes - 1) * within)
    columns = _indicator(rated.group) @ np.column_stack(kept)

    def estimate(weights: Floats) -> Floats:
        n, total, squares, observed = (weights @ columns).T
        return _one_minus(observed, 2 * (n * squares - total**2), n, n * squares)

    return estimate


def _ordinal(rated: Ratings) -> Estimate:
    """δ_ck = Σ_{g=c..k} n_g − (n_c + n_k) / 2, which is the distance of the middle ranks of c and k.

    So ordinal alpha is interval alpha of the ranks r_c = Σ_{g≤c} n_g − n_c / 2, whose mean is n / 2; a resample has
    ranks of its own.
    """
    counts, _ = _counts(rated)
    sizes = rated.sizes

    def estimate(weights: Floats) -> Floats:
        of_units = weights[:, rated.group]
        totals = of_units @ counts
        n = totals.sum(axis=1)
        ranks = np.cumsum(totals, axis=1) - totals / 2 - n[:, None] / 2
        squares = ((of_units * (sizes / (sizes - 1))) @ counts * ranks**2).sum(axis=1)
        products = np.einsum("ru,ur->r", of_units / (sizes - 1), (counts @ ranks.T) ** 2)
        expected = 2 * n * (totals * ranks**2).sum(axis=1)
        return _one_minus(2 * (squares - products), expected, n, n**4)

    return estimate


def _ratio(rated: Ratings) -> Estimate:
    """δ²_ck = ((c − k) / (c + k))², 0 of two zeros. Holds a (values, values) table."""
    counts, values = _counts(rated)
    sums = values[:, None] + values
    distances = np.divide(values[:, None] - values, sums, out=np.zeros_like(sums), where=sums > 0) ** 2
    at_once = max(1, CELLS // len(values))
    parts = [counts[start : start + at_once] for start in range(0, counts.shape[0], at_once)]
    observed = np.concatenate([part.multiply(part @ distances).sum(axis=1) for part in parts])
    of_groups = _indicator(rated.group)
    grouped, observed = of_groups @ counts, of_groups @ (observed / (rated.sizes - 1))

    def estimate(weights: Floats) -> Floats:
        totals = weights @ grouped
        n = totals.sum(axis=1)
        return _one_minus(weights @ observed, ((totals @ distances) * totals).sum(axis=1), n, n**2)

    return estimate


ESTIMATES: dict[str, Callable[[Ratings], Estimate]] = {
    "nominal": _nominal,
    "ordinal": _ordinal,
    "interval": _interval,
    "ratio": _ratio,
}


def cohen_kappa(first: Floats, second: Floats, *, level: float = 0.95) -> Coefficient:
    """Cohen's (1960) kappa of two raters' categories of the same items (n); items with a NaN are left out.

    The interval is normal, with the large-sample variance of Fleiss, Cohen and Everitt (1969, equation 13). Raises
    ValueError for arrays of unequal lengths.
    """
    if len(first) != len(second):
        raise ValueError(f"the raters have {len(first)} and {len(second)} categories; they must be of the same items")
    both = ~(np.isnan(first) | np.isnan(second))
    categories, index = np.unique(np.concatenate([first[both], second[both]]), return_inverse=True)
    count, kinds = int(both.sum()), len(categories)
    if kinds < 2:
        return Coefficient(None, None, "the two raters have no item in common" if not count else ALL_ONE)
    cells = np.bincount(index[:count] * kinds + index[count:], minlength=kinds**2).reshape(kinds, kinds) / count
    rows, columns, agreed = cells.sum(axis=1), cells.sum(axis=0), np.diag(cells)
    chance = float(rows @ columns)
    kappa = (float(agreed.sum()) - chance) / (1 - chance)
    apart = (cells - np.diag(agreed)) * (columns[:, None] + rows) ** 2
    on_diagonal = agreed @ (1 - (rows + columns) * (1 - kappa)) ** 2
    spread = on_diagonal + (1 - kappa) ** 2 * apart.sum() - (kappa - chance * (1 - kappa)) ** 2
    half = float(ndtri(0.5 + level / 2) * np.sqrt(max(spread, 0.0) / count)) / (1 - chance)
    if half < NOTHING:
        return Coefficient(kappa, None, "the two raters never differ in a way that an interval could be based on")
    return Coefficient(kappa, (kappa - half, kappa + half), None)


def fleiss_kappa(counts: Ints, *, resamples: int = RESAMPLES, seed: int = SEED) -> Coefficient:
    """Fleiss' (1971) kappa of an (items, categories) table of how many raters chose each category.

    Every item must have the same number of raters, two or more (otherwise nominal `alpha` is the measure to take). The
    interval is the 95 % percentile bootstrap over items. Raises ValueError for a negative count.
    """
    if (counts < 0).any():
        raise ValueError("an item has a negative count of raters")
    if not counts.size:
        return Coefficient(None, None, "there are no items")
    raters = counts.sum(axis=1)
    if raters.min() != raters.max():
        between = f"{raters.min():g} to {raters.max():g}"
        return Coefficient(None, None, f"the items have {between} raters, and Fleiss' kappa needs as many for each")
    if raters[0] < 2:
        return Coefficient(None, None, "no item was rated by two raters")
    if (counts.sum(axis=0) > 0).sum() < 2:
        return Coefficient(None, None, ALL_ONE)
    agreed = ((counts**2).sum(axis=1) / raters[0] - 1) / (raters[0] - 1)
    shares = counts / raters[0]

    def estimate(weights: Floats) -> Floats:
        items = weights.sum(axis=1)
        chance = ((weights @ shares / items[:, None]) ** 2).sum(axis=1)
        apart = 1 - chance
        excess = weights @ agreed / items - chance
        return np.divide(excess, apart, out=np.full(len(items), np.nan), where=apart > NOTHING)

    value = float(estimate(np.ones((1, len(counts))))[0])
    return Coefficient(value, *_bootstrap(estimate, len(counts), max(counts.shape), resamples, seed))
