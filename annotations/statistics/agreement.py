"""Do raters agree on the same text?"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from annotations.reasons import Reason
from annotations.statistics.estimate import Estimate
from annotations.statistics.uncertainty import Floats, Ints

Level = Literal["nominal", "ordinal", "interval", "ratio"]
RESAMPLES, SEED = 1000, 1
CELLS = 1_000_000  # numbers in the widest array of the bootstrap: 8 MB
MAX_VALUES = 3000  # of a ratio scale, which needs the distance of every two values
NOTHING = 1e-12  # what rounding leaves of a share that is zero

# How often each group counts (resamples, groups) → a coefficient (resamples), or several (coefficients, resamples);
# NaN: undefined.
Formula = Callable[[Floats], Floats]


class RatedUnits(NamedTuple):
    """Ratings of units: score and unit of each (n), and each unit's group (units)."""

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
) -> Estimate:
    """Krippendorff's (2011) alpha of ratings in long form: score (n, NaN is no rating) and rated unit (n) of each.

    The interval is the 95 % percentile bootstrap over units, or, with `groups` (n: the album of each rating), over
    whole groups of units. Who rated does not enter alpha. Raises ValueError for an unknown level, for arrays of unequal
    lengths, and for a unit in two groups.
    """
    if level not in FORMULAS:
        raise ValueError(f"level is {level!r}; it must be one of {', '.join(FORMULAS)}")
    groups = units if groups is None else groups
    if not len(scores) == len(units) == len(groups):
        raise ValueError(
            f"{len(scores)} scores, {len(units)} units and {len(groups)} groups: the three numbers must be equal"
        )
    rated = ratings_of(scores, units, groups, fewest=2)
    refusal = _why_no_alpha(rated, level)
    if refusal:
        return Estimate.none(refusal)
    formula, count = FORMULAS[level](rated), int(rated.group.max()) + 1
    widest = max(count, len(rated.group), 0 if level == "interval" else len(np.unique(rated.scores)))
    (found,) = bootstrapped(formula, count, widest, resamples)
    return found


def ratings_of(scores: Floats, units: Ints, groups: Ints, *, fewest: int) -> RatedUnits:
    """The ratings (n) of the units with `fewest` of them, those without a score (NaN) left out."""
    known = ~np.isnan(scores)
    scores, units, groups = scores[known], units[known], groups[known]
    _, unit, sizes = np.unique(units, return_inverse=True, return_counts=True)
    kept = sizes[unit] >= fewest
    _, first, unit = np.unique(units[kept], return_index=True, return_inverse=True)
    _, of_rating = np.unique(groups[kept], return_inverse=True)
    of_unit = of_rating[first]
    if (of_unit[unit] != of_rating).any():
        raise ValueError("a unit has ratings in two groups; each unit belongs to one")
    return RatedUnits(scores[kept].astype(np.float64), unit, of_unit)


def _why_no_alpha(rated: RatedUnits, level: Level) -> Reason | None:
    if not len(rated.scores):
        return Reason("none_rated_twice", unit="text")
    if rated.scores.min() == rated.scores.max():
        return Reason("all_equal")
    if level == "ratio" and rated.scores.min() < 0:
        return Reason("negative")
    if level == "ratio" and len(np.unique(rated.scores)) > MAX_VALUES:
        return Reason("too_many_values", most=MAX_VALUES)
    return None


def bootstrapped(formula: Formula, groups: int, widest: int, resamples: int) -> list[Estimate]:
    """Each coefficient with its 95 % percentile interval over whole groups (Efron and Tibshirani 1993, section 13.3).

    All are of the same resamples. `widest` is the number of columns of the widest array that the formula makes. A
    coefficient that is undefined comes without a reason, which whoever asks for it knows.
    """
    values = np.atleast_2d(formula(np.ones((1, groups))))[:, 0]
    parts, generator = [], np.random.default_rng(SEED)
    at_once = max(1, CELLS // widest)
    for start in range(0, resamples if groups > 1 else 0, at_once):
        rows = min(at_once, resamples - start)
        drawn = generator.integers(groups, size=(rows, groups)) + groups * np.arange(rows)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=rows * groups).reshape(rows, groups).astype(np.float64)
        parts.append(np.atleast_2d(formula(weights)))
    found = np.concatenate(parts, axis=1) if parts else np.empty((len(values), 0))
    return [
        Estimate(None) if np.isnan(value) else Estimate(float(value), *_percentiles(of_one, groups))
        for value, of_one in zip(values, found, strict=True)
    ]


def _percentiles(resampled: Floats, groups: int) -> tuple[tuple[float, float] | None, Reason | None]:
    """The interval, or why there is none."""
    if groups < 2:
        return None, Reason("one_group")
    defined = resampled[~np.isnan(resampled)]
    if not len(defined) or len(defined) < len(resampled) / 2:
        return None, Reason("undefined_in_resamples")
    low, high = (float(limit) for limit in np.quantile(defined, [0.025, 0.975]))
    if high - low < NOTHING:
        return None, Reason("same_in_every_resample")
    return (low, high), None


def one_minus(observed: Floats, expected: Floats, n: Floats, scale: Floats) -> Floats:
    """1 − (n − 1) observed / expected, NaN where the expected disagreement is nothing beside its scale."""
    defined = expected > NOTHING * scale
    return 1 - (n - 1) * np.divide(observed, expected, out=np.full(len(n), np.nan), where=defined)


def indicator(group: Ints) -> csr_array:
    """(groups, units), 1 where the unit is of the group."""
    return csr_array((np.ones(len(group)), (group, np.arange(len(group)))))


def _counts(rated: RatedUnits) -> tuple[csr_array, Floats]:
    """How often each unit got each value (units, values), and the values from low to high."""
    values, index = np.unique(rated.scores, return_inverse=True)
    return csr_array((np.ones(len(index)), (rated.unit, index))), values


# With n_uc the number of times that unit u, rated m_u times, got the value c, n_c = Σ_u n_uc and n = Σ_c n_c, alpha is
# 1 − (n − 1) Σ_u Σ_ck n_uc n_uk δ²_ck / (m_u − 1) / Σ_ck n_c n_k δ²_ck. Both sums are linear in what is kept of a unit.


def _nominal(rated: RatedUnits) -> Formula:
    """δ²_ck is 1 for different values: Σ_ck is a square of a sum minus a sum of squares."""
    counts, _ = _counts(rated)
    sizes = rated.sizes
    observed = (sizes**2 - counts.multiply(counts).sum(axis=1)) / (sizes - 1)
    of_groups = indicator(rated.group)
    counts, observed = of_groups @ counts, of_groups @ observed

    def estimate(weights: Floats) -> Floats:
        totals = weights @ counts
        n = totals.sum(axis=1)
        return one_minus(weights @ observed, n**2 - (totals**2).sum(axis=1), n, n**2)

    return estimate


def _interval(rated: RatedUnits) -> Formula:
    """δ²_ck = (c − k)²: Σ_ck n_c n_k δ²_ck = 2 (n Σ x² − (Σ x)²), for a unit 2 m_u Σ (x − its mean)²."""
    sizes, centred = rated.sizes, rated.scores - rated.scores.mean()
    sums = np.bincount(rated.unit, centred)
    within = np.bincount(rated.unit, (centred - (sums / sizes)[rated.unit]) ** 2)
    kept = (sizes, sums, np.bincount(rated.unit, centred**2), 2 * sizes / (sizes - 1) * within)
    columns = indicator(rated.group) @ np.column_stack(kept)

    def estimate(weights: Floats) -> Floats:
        n, total, squares, observed = (weights @ columns).T
        return one_minus(observed, 2 * (n * squares - total**2), n, n * squares)

    return estimate


def _ordinal(rated: RatedUnits) -> Formula:
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
        return one_minus(2 * (squares - products), expected, n, n**4)

    return estimate


def _ratio(rated: RatedUnits) -> Formula:
    """δ²_ck = ((c − k) / (c + k))², 0 of two zeros. Holds a (values, values) table."""
    counts, values = _counts(rated)
    sums = values[:, None] + values
    distances = np.divide(values[:, None] - values, sums, out=np.zeros_like(sums), where=sums > 0) ** 2
    at_once = max(1, CELLS // len(values))
    parts = [counts[start : start + at_once] for start in range(0, counts.shape[0], at_once)]
    observed = np.concatenate([part.multiply(part @ distances).sum(axis=1) for part in parts])
    of_groups = indicator(rated.group)
    grouped, observed = of_groups @ counts, of_groups @ (observed / (rated.sizes - 1))

    def estimate(weights: Floats) -> Floats:
        totals = weights @ grouped
        n = totals.sum(axis=1)
        return one_minus(weights @ observed, ((totals @ distances) * totals).sum(axis=1), n, n**2)

    return estimate


FORMULAS: dict[str, Callable[[RatedUnits], Formula]] = {
    "nominal": _nominal,
    "ordinal": _ordinal,
    "interval": _interval,
    "ratio": _ratio,
}
