"""The intraclass correlations: how much of the spread of scores is of what was rated, not of who rated."""

import numpy as np
from scipy.special import fdtri

from annotations.reasons import Reason
from annotations.statistics.agreement import NOTHING
from annotations.statistics.estimate import Estimate
from annotations.statistics.uncertainty import UPPER, Floats

KINDS = ("ICC(1)", "ICC(2)", "ICC(3)")


def intraclass(table: Floats) -> dict[str, Estimate]:
    """ICC(1), ICC(2), ICC(3) of one rater's score and ICC(1,k), ICC(2,k), ICC(3,k) of the mean of all k.

    `table` is (targets, raters), NaN where a score is missing. 1: each target has raters of its own; 2: raters drawn
    from many, who must agree; 3: just these raters, who need only be consistent (Shrout and Fleiss 1979, the formulas
    of their page 423). The intervals are those of F (McGraw and Wong 1996, table 7); those of a mean, and its
    correlation, are of one rater's by Spearman and Brown's formula. Raises ValueError for a table without two axes.
    """
    if table.ndim != 2:
        raise ValueError(f"the table has {table.ndim} axes; it must have two: targets and raters")
    refusal = _why_none(table)
    single = [Estimate.none(refusal)] * 3 if refusal else _single(table)
    found = dict(zip(KINDS, single, strict=True))
    means = {f"{name[:-1]},k)": _of_mean(each, table.shape[1]) for name, each in found.items()}
    return found | means


def _why_none(table: Floats) -> Reason | None:
    if min(table.shape) < 2:
        return Reason("two_of_both", unit="text")
    if np.isnan(table).any():
        return Reason("not_crossed")
    if table.min() == table.max():
        return Reason("all_equal")
    return None


def _single(table: Floats) -> list[Estimate]:
    n, k = table.shape
    targets, raters, error = _mean_squares(table)
    within = (raters + (n - 1) * error) / n
    one = _ratio(targets - within, targets + (k - 1) * within)
    two = _ratio(targets - error, targets + (k - 1) * error + k * (raters - error) / n)
    three = _ratio(targets - error, targets + (k - 1) * error)
    return [
        _with_interval(one, _consistent(targets, within, n - 1, n * (k - 1), k)),
        _with_interval(two, _absolute(targets, raters, error, n, k, two)),
        _with_interval(three, _consistent(targets, error, n - 1, (n - 1) * (k - 1), k)),
    ]


def _mean_squares(table: Floats) -> tuple[float, float, float]:
    """Of targets, of raters, and of what neither explains; rounding beside the whole is made zero."""
    n, k = table.shape
    centred = table - table.mean()
    of_targets, of_raters = centred.mean(axis=1), centred.mean(axis=0)
    rest = centred - of_targets[:, None] - of_raters
    sums = (k * (of_targets**2).sum(), n * (of_raters**2).sum(), (rest**2).sum())
    nothing = NOTHING * float((centred**2).sum())
    kept = [float(part) if part > nothing else 0.0 for part in sums]
    return kept[0] / (n - 1), kept[1] / (k - 1), kept[2] / ((n - 1) * (k - 1))


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _with_interval(value: float | None, interval: tuple[float, float] | None) -> Estimate:
    if value is None:
        return Estimate.none(Reason("texts_alike"))
    if interval is None:
        return Estimate(value, None, Reason("little_varies"))
    return Estimate(value, interval)


def _consistent(above: float, below: float, df1: int, df2: int, k: int) -> tuple[float, float] | None:
    if not above or not below:
        return None
    f = above / below
    low, high = f / fdtri(df1, df2, UPPER), f * fdtri(df2, df1, UPPER)
    return float((low - 1) / (low + k - 1)), float((high - 1) / (high + k - 1))


def _absolute(
    targets: float, raters: float, error: float, n: int, k: int, value: float | None
) -> tuple[float, float] | None:
    """Satterthwaite's degrees of freedom of a MSC + b MSE, a = kρ / (n (1 − ρ)), b = 1 + kρ (n − 1) / (n (1 − ρ))."""
    if value is None or value >= 1:
        return None
    a, b = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    parts = (a * raters) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    if not parts:
        return None
    freedom = (a * raters + b * error) ** 2 / parts
    upper, lower = (float(fdtri(*each, UPPER)) for each in ((n - 1, freedom), (freedom, n - 1)))
    if not (np.isfinite(upper) and np.isfinite(lower)):
        return None
    rest = k * raters + (k * n - k - n) * error
    low = n * (targets - upper * error) / (upper * rest + n * targets)
    return low, n * (lower * targets - error) / (rest + n * lower * targets)


def _of_mean(single: Estimate, k: int) -> Estimate:
    """The correlation of a mean of k scores, k ρ / (1 + (k − 1) ρ)."""

    def stepped(value: float) -> float | None:
        return _ratio(k * value, 1 + (k - 1) * value)

    value = None if single.value is None else stepped(single.value)
    if single.value is not None and value is None:
        return Estimate.none(Reason("means_alike"))
    if single.interval is None or value is None:
        return Estimate(value, None, single.undefined)
    low, high = (stepped(limit) for limit in single.interval)
    return Estimate(value, None if low is None or high is None else (low, high), single.undefined)
