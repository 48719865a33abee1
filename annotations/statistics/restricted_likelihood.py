"""The restricted likelihood of a mean when items within albums, and raters across them, have effects of their own."""

from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs

from annotations.statistics.uncertainty import Floats, Ints

ALBUM, ITEM, RATER, RESIDUAL = range(4)  # places of the variances
MAX_STACK = 4_000_000  # numbers kept as sums of products; beyond that albums' are summed anew for each likelihood


class Likelihood(NamedTuple):
    """Of d = δ + album + item + rater + residual, at given variances.

    `squares` is (d − δ)'V⁻¹(d − δ) for the generalised least squares estimate of δ, `precision` 1'V⁻¹1, `deviance`
    −2 log restricted likelihood but for its constant, and `slope` (4) that of the deviance by variance.
    """

    mean: float
    precision: float
    squares: float
    deviance: float
    slope: Floats


class RestrictedLikelihood:
    """Patterson and Thompson's (1971) likelihood of values (n) of items (n) in albums (n), by raters (n).

    V = σ²_album Z_a Z_a' + σ²_item Z_i Z_i' + σ²_rater Z_r Z_r' + σ²_residual I, an item being of one album. Albums and
    items are eliminated in closed form: with A = V − σ²_rater Z_r Z_r', X = [Z_r, d], an item of s ratings having the
    mean x̄ with variance t_s = σ²_item + σ²_residual / s, and an album N_s items of s ratings with the mean m_s,

        X'A⁻¹X = Σ (x − x̄)(x − x̄)' / σ²_residual + Σ_s Σ (x̄ − m_s)(x̄ − m_s)' / t_s
               + Σ_albums (Σ_s ω_s m_s m_s' + Σ_{s<u} σ²_album ω_s ω_u (m_s − m_u)(m_s − m_u)') / (1 + σ²_album Σ ω),

    ω_s = N_s / t_s (Woodbury's identity, with nothing subtracted, so that it holds its digits where a variance is next
    to nothing). Its products are summed once, over albums with the same N_s; a likelihood costs raters³ then.
    """

    def __init__(self, values: Floats, items: Ints, albums: Ints, raters: Ints) -> None:
        """Items, albums and raters are codes from zero without gaps."""
        self.n, self.raters = len(values), int(raters.max()) + 1
        count = int(items.max()) + 1
        columns = np.empty((count, self.raters + 1))
        columns[:, :-1] = np.bincount(items * self.raters + raters, minlength=count * self.raters).reshape(count, -1)
        columns[:, -1] = np.bincount(items, values)
        sizes = columns[:, :-1].sum(axis=1).astype(np.int64)
        by_rater = np.bincount(raters, minlength=self.raters).astype(float)
        whole = np.diag(np.append(by_rater, values @ values))
        whole[-1, :-1] = whole[:-1, -1] = np.bincount(raters, values, minlength=self.raters)
        within = whole - (columns / sizes[:, None]).T @ columns
        # Values may be taken relative to any shift of their raters. This one leaves least within items, so that where
        # raters and items explain every value nothing large is subtracted later.
        ridge = within[:-1, :-1] + 1e-9 * np.eye(self.raters)
        self.shift = np.linalg.solve(ridge, within[:-1, -1])
        values = values - self.shift[raters]
        columns[:, -1] = np.bincount(items, values)
        means = columns / sizes[:, None]
        within[-1, :-1] = within[:-1, -1] = within[:-1, -1] - within[:-1, :-1] @ self.shift
        within[-1, -1] = ((values - means[items, -1]) ** 2).sum()

        self.sizes, size = np.unique(sizes, return_inverse=True)
        self.of_size = np.bincount(size)
        album = np.zeros(count, dtype=np.int64)
        album[items] = albums
        cell, cell_of = np.unique(album * len(self.sizes) + size, return_inverse=True)
        cell_size, in_cell = cell % len(self.sizes), np.bincount(cell_of)
        order = np.argsort(cell_of, kind="stable")
        cells = np.add.reduceat(means[order], np.cumsum(in_cell) - in_cell) / in_cell[:, None]
        apart = means - cells[cell_of]
        between = [apart[size == each].T @ apart[size == each] for each in range(len(self.sizes))]

        _, owner = np.unique(cell // len(self.sizes), return_inverse=True)
        table = np.zeros((int(owner.max()) + 1, len(self.sizes)))
        table[owner, cell_size] = in_cell
        self.kinds, kind = np.unique(table, axis=0, return_inverse=True)
        kind = kind.reshape(-1)
        self.of_kind = np.bincount(kind)
        single = np.stack([kind[owner], cell_size, cell_size], axis=1)
        one, other = _pairs_within(owner)
        double = np.stack([kind[owner[one]], cell_size[one], cell_size[other]], axis=1)
        self.terms, term = np.unique(np.concatenate([single, double]), axis=0, return_inverse=True)
        rows = np.concatenate([cells, cells[one] - cells[other]])
        self.products = _Products([within, *between], rows, term.reshape(-1), len(self.terms))

    def deviance(self, variances: Floats) -> float:
        """At variances (4), of which the residual's is above zero, times the best common factor of all of them, which
        is squares / (n − 1)."""
        return self._at(variances, profiled=True, slope=False).deviance

    def at(self, variances: Floats, *, profiled: bool = True) -> Likelihood:
        """The same with estimates and slopes; without `profiled`, at just these variances.

        Raises ValueError where variances are too far apart.
        """
        return self._at(variances, profiled=profiled, slope=True)

    def _at(self, variances: Floats, *, profiled: bool, slope: bool) -> Likelihood:
        weights = self._weights(variances, slope)
        crossed, rater = self.products.sum(weights.values), variances[RATER]
        between = crossed[:-1, :-1]
        inner = rater * between
        inner.flat[:: self.raters + 1] += 1
        root, wrong = dpotrf(inner, lower=1)
        if wrong:
            raise ValueError(f"the variances {variances} are too far apart")
        sides = np.stack([between.sum(axis=1), between @ self.shift + crossed[:-1, -1]], axis=1)
        ones, others = dpotrs(root, sides, lower=1)[0].T  # V⁻¹ of 1 and of d, summed by rater
        mean = float(others.sum() / ones.sum())
        rest = others - mean * ones
        # What is left when raters have their share: sums of squares, so that they are right where much was taken off.
        level, fit = np.append(1 - rater * ones, 0.0), np.append(self.shift - mean - rater * rest, 1.0)
        precision = float(level @ crossed @ level + rater * ones @ ones)
        squares = float(fit @ crossed @ fit + rater * rest @ rest)
        deviance = weights.log_determinant + 2 * float(np.log(root.diagonal()).sum()) + float(np.log(precision))
        deviance += (self.n - 1) * float(np.log(squares)) if profiled else squares
        if not slope:
            return Likelihood(mean, precision, squares, deviance, np.empty(0))
        inverse, _ = dpotrs(root, np.eye(self.raters), lower=1)  # dpotri takes threads, and then longer
        factor = (self.n - 1) / squares if profiled else 1.0
        pull = np.outer(factor * fit, fit) + np.outer(level / precision, level)
        pull[:-1, :-1] += rater * inverse
        by_variance = weights.log_slopes + weights.slopes @ self.products.against(pull)
        by_variance[RATER] += np.vdot(inverse, between) - factor * rest @ rest - ones @ ones / precision
        return Likelihood(mean, precision, squares, deviance, by_variance)

    def _weights(self, variances: Floats, slope: bool) -> "_Weights":
        album, item, _, residual = variances
        mean = item + residual / self.sizes  # variance of an item's mean but for its album
        omega = self.kinds / mean
        total = omega.sum(axis=1)
        scale = 1 + album * total
        kind, one, other = self.terms.T
        same, below = one == other, scale[kind]
        first, second = omega[kind, one], omega[kind, other]
        values = np.concatenate([[1 / residual], 1 / mean, np.where(same, 1.0, album * second) * first / below])
        count, split = self.n - self.of_size.sum(), 1 + len(mean)
        log_determinant = count * np.log(residual) + self.of_size @ np.log(self.sizes * mean)
        log_determinant += self.of_kind @ np.log(scale)
        slopes, log_slopes = np.zeros((4, len(values))), np.zeros(4)
        if not slope:
            return _Weights(values, slopes, float(log_determinant), log_slopes)
        slopes[RESIDUAL, 0], log_slopes[RESIDUAL] = -1 / residual**2, count / residual
        slopes[ALBUM, split:] = np.where(same, -first * total[kind], first * second) / below**2
        log_slopes[ALBUM] = self.of_kind @ (total / scale)
        for place, change in ((ITEM, np.ones_like(mean)), (RESIDUAL, 1 / self.sizes)):
            relative = change / mean
            moved = -omega * relative
            moved_total = moved.sum(axis=1)
            by_first, by_second, shrunk = moved[kind, one], moved[kind, other], album * moved_total[kind] / below
            doubled = album * (by_first * second + first * by_second - first * second * shrunk)
            slopes[place, 1:split] = -relative / mean
            slopes[place, split:] = np.where(same, by_first - first * shrunk, doubled) / below
            log_slopes[place] += self.of_size @ relative + self.of_kind @ (album * moved_total / scale)
        return _Weights(values, slopes, float(log_determinant), log_slopes)


class _Weights(NamedTuple):
    """What the products weigh, and log |A|, with the slopes of both by variance (4, products) and (4)."""

    values: Floats
    slopes: Floats
    log_determinant: float
    log_slopes: Floats


class _Products:
    """Symmetric matrices (columns, columns): some as they are, then Σ x x' over the rows (rows, columns) of a term."""

    def __init__(self, fixed: list[Floats], rows: Floats, term: Ints, terms: int) -> None:
        self.columns, self.rows, self.term, self.terms = rows.shape[1], rows, term, terms
        self.summed = terms * self.columns**2 <= max(MAX_STACK, rows.size)
        if self.summed:
            fixed = [*fixed, *(part.T @ part for part in (rows[term == each] for each in range(terms)))]
        self.stack = np.stack(fixed).reshape(len(fixed), -1)

    def sum(self, weights: Floats) -> Floats:
        """Σ of the matrices, weighted."""
        count = len(self.stack)
        found: Floats = (weights[:count] @ self.stack).reshape(self.columns, self.columns)
        if not self.summed:
            found += (self.rows * weights[count:][self.term][:, None]).T @ self.rows
        return found

    def against(self, pull: Floats) -> Floats:
        """The inner product of each matrix with a symmetric one."""
        found: Floats = self.stack @ pull.ravel()
        if self.summed:
            return found
        each = ((self.rows @ pull) * self.rows).sum(axis=1)
        return np.append(found, np.bincount(self.term, each, minlength=self.terms))


def _pairs_within(groups: Ints) -> tuple[Ints, Ints]:
    """Places of all pairs of neighbours, and neighbours of neighbours, in sorted groups."""
    ones, others, step = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)], 1
    while step < len(groups) and (same := np.flatnonzero(groups[step:] == groups[:-step])).size:
        ones.append(same)
        others.append(same + step)
        step += 1
    return np.concatenate(ones), np.concatenate(others)
