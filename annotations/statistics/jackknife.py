"""The error of a ratio of sums, in any design of items and raters, from leaving out a cluster or a rater at a time.

The estimate is N / W: both are sums over items of what cells (one item, one rater) give. Where raters' shares are
unequal, or no rater sees two systems, residuals are shared between raters, and a sandwich of them is too small; what
changes when a rater is left out is not. Notation, here and below: for each unit u that is left out (a rater, a cluster
of items, or a rater within a cluster) D_u is the estimate without u less the estimate.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.special import gammainc, gammaincinv, ndtr, ndtri, stdtridf

from annotations.reasons import Reason
from annotations.statistics.estimate import Estimate
from annotations.statistics.uncertainty import NOTHING, UPPER, Floats, Ints, student

RATIO = 0.1  # variance of a rater's own effect on a system, in variances of one score, by which raters are weighted
BELOW = 0.6  # of the items' part: how far a raters' part that came out below zero may take from it
POINTS = ((np.arange(60) + 0.5) / 60) ** 2  # quantiles of the raters' part, closest where it is largest
SHARES = (2 * np.arange(60) + 1) / 3600  # what each of them stands for
ITEM_POINTS = (np.arange(20) + 0.5) / 20  # and of the items' part
FEWER = 0.5  # degrees of freedom taken off at most
MAX_FREEDOM = 1e6
MANY_CLUSTERS, MANY_RATERS = 150, 200  # from which the items' part counts as known; whose covariances are not joined


class Side(NamedTuple):
    """One side of a difference (or a mean, which has one). By cell: its coefficient in the estimate, times W, and its
    count of scores; `change` is by how much leaving the cell out moves the coefficient of each other score of its item.
    """

    coefficients: Floats
    counts: Floats
    change: Floats


class Cells(NamedTuple):
    """Cells in which somebody scored: item, rater and cluster codes from 0 without gaps (n), and what N and W change
    by where the cell is left out (n); N and W themselves, and their parts of each cluster."""

    items: Ints
    raters: Ints
    clusters: Ints
    numerator: float
    weight: float
    numerator_changes: Floats
    weight_changes: Floats
    cluster_numerators: Floats
    cluster_weights: Floats
    sides: tuple[Side, ...]


class _LeftOut(NamedTuple):
    """Of each unit left out: D, the weight that stays (of 1), and the squared length of D's loadings on raters' effects
    (one per rater and side, all of variance 1)."""

    differences: Floats
    stays: Floats
    loadings: Floats


def jackknife(cells: Cells, *, largest: float) -> Estimate:
    """The estimate with its error and interval, or why there is none.

    The items' part is V_I = κ Σ D², over clusters. The raters' part is what the squares D_r² exceed those of their
    cells by, Σ f_r (D_r² − ν_r), ν_r being the squares of a rater's cells over the weight that stays: the
    cross-products within a rater, as in the three terms of Cameron, Gelbach and Miller (2011, equation 2.11) with
    leave-one-out values for residuals (MacKinnon, Nielsen and Webb 2023). It is scaled so that under a working
    model, an effect of every rater on every side and independent noise, their sum has the estimate's variance in
    expectation (as Bell and McCaffrey 2002 correct for leverage); f_r, inverse squares of what the working model
    expects of D_r², keeps one rater with most of the ratings from being the only degree of freedom.

    The raters' part is estimated from few raters and may come out small, or below zero, by chance. So the sum
    Σ f_r D_r² is taken as a multiple of χ² with Bell and McCaffrey's degrees of freedom, the items' part likewise, and
    the estimate as normal given both. The interval is that of the mixture over what they leave open, with a prior flat
    in the logarithm of the variance, which is at least (1 − `BELOW`) V_I; it is written as an error and the degrees of
    freedom of the t with the same limits. Where all raters have equal shares and items are many this is t with
    raters − 1, less half a one; the constants were chosen so that simulated intervals hold (`benchmarks.coverage`).
    """
    value = cells.numerator / cells.weight
    raters, clusters = int(cells.raters.max()) + 1, len(cells.cluster_weights)
    if raters == 1 and clusters == 1:
        return Estimate(value, undefined=Reason("one_cluster"))
    items_part, items_freedom = _items_part(cells)
    if raters == 1:
        return student(value, items_part, items_freedom, largest=largest)
    shares = [np.bincount(cells.raters, side.coefficients, minlength=raters) / cells.weight for side in cells.sides]
    of_raters = _leave_out(cells, shares, cells.raters, raters)
    if np.isnan(of_raters.differences).any():
        return Estimate(value, undefined=Reason("rater_needed"))
    within, cell_of = np.unique(cells.clusters * raters + cells.raters, return_inverse=True)
    owner = within % raters
    of_cells = _leave_out(cells, shares, cell_of, len(within), owner)
    noise, noise_loadings = (
        np.bincount(owner, part, minlength=raters) / of_raters.stays
        for part in (of_cells.differences**2, of_cells.loadings)
    )
    total = float(sum((side**2).sum() for side in shares))
    working = _working_noise(cells, raters) / of_raters.stays
    signal = of_raters.loadings
    weights = signal / (RATIO * signal + working) ** 2
    weights /= weights.max()
    gram = _gram(cells, shares, of_raters.stays) if raters <= MANY_RATERS else None
    if clusters == 1:
        freedom = _freedom(weights, signal, np.zeros(raters), gram)
        variance = float(weights @ of_raters.differences**2) * total / float(weights @ signal)
        return student(value, variance, freedom, largest=largest)
    items_alone = total - _cluster_loadings(cells, shares)  # what of the raters' variance the items' part does not hold
    cross = float(weights @ (signal - noise_loadings))
    if min(items_alone / total, cross / float(weights @ signal)) < NOTHING:
        # nobody has two cells: clusters hold the raters
        return student(value, items_part, items_freedom, largest=largest)
    scale = items_alone / cross
    spread, expected = (scale * float(weights @ part) for part in (of_raters.differences**2, noise))
    effects = max(0.0, spread - expected) / items_alone  # variance of raters' effects
    noise_alone = float(noise.sum()) - effects * float(noise_loadings.sum())
    ratio = np.inf
    if noise_alone > 0:
        ratio = max(2 * RATIO, effects * float(working.sum()) / noise_alone)
    freedom = _freedom(weights, signal, working / ratio, gram)
    freedom -= min(FEWER, (freedom - 1) * FEWER / 2)  # noise and ratio are estimates, too
    return _mixture(value, (items_part, items_freedom), (spread, expected, freedom), largest=largest)


def _items_part(cells: Cells) -> tuple[float, float]:
    """κ Σ D² over clusters of shares q of the weight, and Bell and McCaffrey's degrees of freedom; κ and these are
    those of clusters whose effects are independent and of one variance."""
    share = cells.cluster_weights / cells.weight
    if len(share) == 1:
        return 0.0, 0.0
    value, stays = cells.numerator / cells.weight, 1 - share
    differences = (cells.numerator - cells.cluster_numerators) / (cells.weight * stays) - value
    # D = G (effects): row j of G is a_j (q' − e_j') with a = q / (1 − q), and G G' has the trace and square summed here
    squares, length = (share / stays) ** 2, float(share @ share)
    trace = float(squares @ (length - 2 * share + 1))
    sums = [float(squares.sum()), float(squares @ share), float(squares @ share**2)]
    joined = length**2 * sums[0] ** 2 - 4 * length * sums[0] * sums[1] + 2 * sums[0] * sums[2] + 2 * sums[1] ** 2
    joined += float(squares**2 @ ((length - 2 * share + 1) ** 2 - (length - 2 * share) ** 2))
    return float((differences**2).sum()) * length / trace, trace**2 / joined


def _leave_out(cells: Cells, shares: list[Floats], codes: Ints, count: int, owner: Ints | None = None) -> _LeftOut:
    """Of units, each with cells of one rater (`owner`; without it the unit is the rater)."""
    owner = np.arange(count) if owner is None else owner
    added = np.bincount(codes, cells.numerator_changes, minlength=count)
    stays = 1 + np.bincount(codes, cells.weight_changes, minlength=count) / cells.weight
    stays = np.where(stays > NOTHING, stays, np.nan)
    differences = (cells.numerator / cells.weight + added / cells.weight) / stays - cells.numerator / cells.weight
    loadings = np.zeros(count)
    for side, share in zip(cells.sides, shares, strict=True):
        own = np.bincount(codes, side.coefficients, minlength=count) / cells.weight
        length, along = own**2, -own * share[owner]
        for unit, rater, moved in _moved(cells, side, codes, owner):
            length += np.bincount(unit, moved**2, minlength=count)
            along += np.bincount(unit, moved * share[rater], minlength=count)
        loadings += (1 - stays) ** 2 * float(share @ share) + 2 * (1 - stays) * along + length
    return _LeftOut(differences, stays, loadings / stays**2)


def _moved(cells: Cells, side: Side, codes: Ints, owner: Ints) -> list[tuple[Ints, Ints, Floats]]:
    """By how much leaving a unit out moves the coefficients of the other raters of its items, where it does."""
    moving = side.change != 0
    if not moving.any():
        return []
    items, raters = int(cells.items.max()) + 1, int(cells.raters.max()) + 1
    change = csr_array((side.change[moving], (codes[moving], cells.items[moving])), shape=(len(owner), items))
    product = (change @ csr_array((side.counts, (cells.items, cells.raters)), shape=(items, raters))).tocoo()
    unit, rater = product.coords
    others = rater != owner[unit]
    return [(unit[others], rater[others], product.data[others] / cells.weight)]


def _cluster_loadings(cells: Cells, shares: list[Floats]) -> float:
    """Σ over clusters of the squared length of D's loadings on raters' effects."""
    share = cells.cluster_weights / cells.weight
    raters = len(shares[0])
    total = 0.0
    cell, codes = np.unique(cells.clusters * raters + cells.raters, return_inverse=True)
    for side, of_rater in zip(cells.sides, shares, strict=True):
        parts = np.bincount(codes, side.coefficients, minlength=len(cell)) / cells.weight
        length = np.bincount(cell // raters, parts**2, minlength=len(share))
        along = np.bincount(cell // raters, parts * of_rater[cell % raters], minlength=len(share))
        squares = share**2 * float(of_rater @ of_rater) - 2 * share * along + length
        total += float((squares / (1 - share) ** 2).sum())
    return total


def _working_noise(cells: Cells, raters: int) -> Floats:
    """By rater, the variance that independent noise of the scores (of variance 1) adds to the estimate."""
    parts = (
        np.divide(s.coefficients**2, s.counts, out=np.zeros(len(s.counts)), where=s.counts > 0) for s in cells.sides
    )
    return np.bincount(cells.raters, sum(parts), minlength=raters) / cells.weight**2


def _gram(cells: Cells, shares: list[Floats], stays: Floats) -> Floats:
    """Covariances (raters, raters) of the raters' D where only their effects vary, one a side, of variance 1."""
    raters = len(stays)
    gram, each = np.zeros((raters, raters)), np.arange(raters)
    for side, share in zip(cells.sides, shares, strict=True):
        loadings = (1 - stays)[:, None] * share
        loadings[each, each] -= share
        for unit, rater, moved in _moved(cells, side, cells.raters, each):
            loadings[unit, rater] += moved
        loadings /= stays[:, None]
        gram += loadings @ loadings.T
    return gram


def _freedom(weights: Floats, signal: Floats, noise: Floats, gram: Floats | None) -> float:
    """Of Σ f_r D_r²: (tr G)² / tr(G²), D having the covariances G; of very many raters their variances alone count."""
    if gram is None:
        parts = weights * (signal + noise)
        return max(1.0, float(parts.sum() ** 2 / (parts @ parts)) - 1)
    joined = (gram + np.diag(noise)) * np.sqrt(np.outer(weights, weights))
    return float(np.trace(joined) ** 2 / (joined**2).sum())


def _mixture(
    value: float,
    items: tuple[float, float],
    raters: tuple[float, float, float],
    *,
    largest: float,
) -> Estimate:
    """`items`: their part and its degrees of freedom; `raters`: Σ f D², what of it is noise, its degrees of freedom."""
    part, items_freedom = items
    spread, expected, freedom = raters
    if spread <= 0:
        return student(value, part, items_freedom, largest=largest)
    least = max(expected - BELOW * min(part, expected), NOTHING * spread)
    rate, shape = freedom * spread / 2, freedom / 2
    up_to = float(gammainc(shape, rate / least))
    # where the sum is far below what noise makes likely, only the bound is left
    drawn = np.full(len(POINTS), least) if up_to < NOTHING else rate / gammaincinv(shape, POINTS * up_to)
    beyond = drawn - expected
    parts = np.full(1, part)
    if items_freedom < MANY_CLUSTERS:
        parts = part * items_freedom / 2 / gammaincinv(items_freedom / 2, ITEM_POINTS)
    below = 1 + (np.minimum(beyond, 0) / part if part > 0 else np.zeros(len(beyond)))
    variances = parts[:, None] * below + np.maximum(beyond, 0)
    variances = np.maximum(variances, NOTHING * (part + spread))
    weights = SHARES * drawn / variances
    weights = weights / weights.sum(axis=1, keepdims=True) / len(parts)
    error = float(1 / np.sqrt((weights / variances).sum()))
    reach = _reach(weights.ravel(), np.sqrt(variances).ravel(), 1 - UPPER)
    freedom = min(float(stdtridf(UPPER, reach / error)), MAX_FREEDOM)
    return student(value, error**2, freedom, largest=largest)


def _reach(weights: Floats, errors: Floats, tail: float) -> float:
    """Beyond which a mixture of normals around 0 has this probability, on one side; by bisection."""
    low, high = -float(ndtri(tail)) * float(errors.min()), -float(ndtri(tail)) * float(errors.max())
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if float(weights @ ndtr(-middle / errors)) > tail else (low, middle)
    return high
