"""The conditional logit: one alternative of a few is chosen, each with its own utility."""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, ndtr, stdtr

from annotations.statistics.connections import Bools
from annotations.statistics.uncertainty import UPPER, Floats, Ints, codes_of_pairs, dense, even, quantile, sums_by

STEPS, PENALISED_STEPS, CLOSE = 25, 300, 1e-8
IDENTIFIED = 1e-6  # share of the information's determinant that stays without a cluster
ROUNDING = 1e-9  # a smaller error, beside its estimate, is one of rounding


class Fit(NamedTuple):
    """Estimates (parameters), Fisher information (parameters, parameters), and what one choice adds to the gradient
    and to the information: `scores` is (screens, alternatives, parameters), `informations` (screens, parameters,
    parameters)."""

    estimate: Floats
    information: Floats
    scores: Floats
    informations: Floats


class Spread(NamedTuple):
    """What the errors of linear combinations of the estimates come from.

    Covariances (parameters, parameters) by one or two clusterings, that of their intersection, one that no variance
    may fall below, and the degrees of freedom (infinite: normal).
    """

    clustered: tuple[Floats, ...]
    intersection: Floats | None
    least: Floats | None
    freedom: float

    def errors(self, contrasts: Floats) -> Floats:
        """Standard errors (m) of contrasts (m, parameters)."""
        each = [_quadratic(contrasts, covariance) for covariance in self.clustered]
        variances = np.max(each, axis=0)
        if self.intersection is not None:
            combined = each[0] + each[1] - _quadratic(contrasts, self.intersection)
            variances = np.maximum(combined, each[0] / 2)  # as in `clustered_estimate`
        if self.least is not None:
            variances = np.maximum(variances, _quadratic(contrasts, self.least))
        return np.sqrt(np.maximum(variances, 0.0))


def fit(design: Floats, counts: Ints, *, penalised: bool = False) -> Fit | None:
    """Maximum likelihood, P(a) = exp(x_a θ) / Σ_b exp(x_b θ) (McFadden 1974), by Newton's method; None if not finite.

    `design` is (screens, alternatives, parameters), NaN where a screen has fewer alternatives; `counts` (screens,
    alternatives) how often each was chosen. Newton's steps die out only where there is a finite maximum: towards an
    infinite one each is about as long as the one before. `penalised` adds half the log determinant of the information,
    which takes the first-order bias away and keeps the estimates finite (Firth 1993, section 3.1).
    """
    possible = ~np.isnan(design[:, :, 0])
    design, estimate = np.where(possible[:, :, None], design, 0.0), np.zeros(design.shape[2])
    state = _state(design, possible, counts, estimate, penalised)
    for _ in range(PENALISED_STEPS if penalised else STEPS):
        try:
            step = np.linalg.solve(state.curvature, state.gradient)
        except np.linalg.LinAlgError:
            return None
        if np.abs(step).max() < CLOSE:
            return Fit(estimate, state.information, state.scores, state.informations)
        for _ in range(30):
            moved = _state(design, possible, counts, estimate + step, penalised)
            if moved.objective >= state.objective - 1e-12 * abs(state.objective):
                break
            step = step / 2
        estimate, state = estimate + step, moved
    return None


class _State(NamedTuple):
    objective: float
    gradient: Floats
    curvature: Floats
    information: Floats
    scores: Floats
    informations: Floats


def _state(design: Floats, possible: Bools, counts: Ints, estimate: Floats, penalised: bool) -> _State:
    utilities = np.where(possible, design @ estimate, -np.inf)
    logs = utilities - logsumexp(utilities, axis=1, keepdims=True)
    chances = np.exp(logs)
    scores = (design - np.einsum("sa,sap->sp", chances, design)[:, None, :]) * possible[:, :, None]
    informations = np.einsum("sa,sap,saq->spq", chances, scores, scores)
    flat, chances = scores.reshape(-1, scores.shape[2]), chances.ravel()
    sizes = np.repeat(counts.sum(axis=1), counts.shape[1])
    information = curvature = (flat * (sizes * chances)[:, None]).T @ flat
    objective = float((counts * np.where(counts > 0, logs, 0.0)).sum())
    added = np.zeros(len(flat))
    if penalised:  # as if each alternative had been chosen some more (Firth 1993; Kosmidis and Firth 2011)
        sign, log_determinant = np.linalg.slogdet(information)
        objective = objective + log_determinant / 2 if sign > 0 else -np.inf
        added = sizes * chances * (flat @ np.linalg.pinv(information) * flat).sum(axis=1) / 2
        sizes = sizes + np.repeat(added.reshape(counts.shape).sum(axis=1), counts.shape[1])
        curvature = (flat * (sizes * chances)[:, None]).T @ flat
    return _State(objective, (counts.ravel() + added) @ flat, curvature, information, scores, informations)


def spread_of(
    fitted: Fit,
    screens: Ints,
    alternatives: Ints,
    *,
    items: Ints | None = None,
    raters: Ints | None = None,
    least: bool = False,
) -> Spread | None:
    """Where the estimates' errors come from; None if all choices are of one item and one rater.

    `screens` and `alternatives` (n) say which score in `fitted` each choice has. Without clusters, the inverse
    information; with items (n) or raters (n), the sandwich with clusters, item + rater − their intersection (Cameron,
    Gelbach and Miller 2011, section 2.4), and Student's t. Of clusters with about equal shares of the choices each part
    has the factor G / (G − 1) and there are min(clusters) − 1 degrees of freedom. Where shares are unequal a cluster
    counts by what leaving it out moves the estimates, in one Newton step (Hansen 2024), and (Σ n)² / Σ n² stands for
    the number of clusters (Kish 1965; at least 2). `least`: no variance is below that of the inverse information.
    """
    inverse: Floats = np.linalg.inv(fitted.information).astype(np.float64)
    given = [dense(part) for part in (items, raters) if part is not None]
    if not given:
        return Spread((inverse,), None, None, np.inf)
    chosen = fitted.scores[screens, alternatives]
    usable = [(codes, count) for codes, count in given if count > 1]
    if not usable:
        return None
    sizes = [np.bincount(codes).astype(np.float64) for codes, _ in usable]
    if all(even(size) for size in sizes):
        parts = tuple(_clustered(chosen @ inverse, *each) for each in usable)
        freedom = min(count for _, count in usable) - 1.0
    else:
        parts = tuple(_left_out(fitted, inverse, chosen, screens, *each) for each in usable)
        freedom = max(1.0, min(float(size.sum() ** 2 / (size @ size)) for size in sizes) - 1)
    both = None
    if len(usable) == 2:
        cells, keys = codes_of_pairs(usable[0][0], usable[1][0])
        both = _clustered(chosen @ inverse, cells, len(keys))
    return Spread(parts, both, inverse if least else None, freedom)


class Worths(NamedTuple):
    """What systems are worth (systems), adding to zero; differences row − column (systems, systems); errors; intervals.

    Intervals have a last axis of two; p is two-sided, of a difference being zero, by Student's t with `freedom` degrees
    of freedom. Errors, intervals, p and those are None where there is no `Spread`, and p is NaN where a difference's
    error is nothing but rounding.
    """

    values: Floats
    errors: Floats | None
    intervals: Floats | None
    differences: Floats
    difference_errors: Floats | None
    difference_intervals: Floats | None
    difference_p: Floats | None
    freedom: float | None = None

    def relative_to(self, system: int) -> tuple[Floats, Floats | None, Floats | None]:
        """Worths above that of a reference system, their errors and their intervals."""
        if self.difference_errors is None or self.difference_intervals is None:
            return self.differences[:, system], None, None
        return self.differences[:, system], self.difference_errors[:, system], self.difference_intervals[:, system]


def centring(count: int) -> Floats:
    """(systems, systems − 1): worths that add to zero from the free parameters."""
    return (np.eye(count) - 1 / count)[:, :-1]


def worths(fitted: Fit, count: int, spread: Spread | None) -> Worths:
    """The systems' worths where the first parameters are those of `centring`."""
    of_systems = np.zeros((count, len(fitted.estimate)))
    of_systems[:, : count - 1] = centring(count)
    of_pairs = of_systems[:, None, :] - of_systems[None, :, :]
    differences, errors, intervals = estimates(fitted.estimate, of_pairs, spread)
    p = None
    if spread is not None and errors is not None:
        p = np.full_like(differences, np.nan)
        some = errors > ROUNDING * np.maximum(1.0, np.abs(differences))
        far = -np.abs(differences[some] / errors[some])
        p[some] = 2 * (ndtr(far) if np.isinf(spread.freedom) else stdtr(spread.freedom, far))
    of_each = estimates(fitted.estimate, of_systems, spread)
    return Worths(*of_each, differences, errors, intervals, p, None if spread is None else spread.freedom)


def estimates(
    estimate: Floats, contrasts: Floats, spread: Spread | None
) -> tuple[Floats, Floats | None, Floats | None]:
    """Values (…), errors (…) and intervals (…, 2) of contrasts (…, parameters)."""
    values = contrasts @ estimate
    if spread is None:
        return values, None, None
    errors = spread.errors(contrasts.reshape(-1, len(estimate))).reshape(values.shape)
    half = quantile(spread.freedom, UPPER) * errors
    return values, errors, np.stack([values - half, values + half], axis=-1)


def _clustered(influence: Floats, codes: Ints, count: int) -> Floats:
    sums = np.column_stack([sums_by(codes, column, count) for column in influence.T])
    covariance: Floats = sums.T @ sums * (count / max(count - 1, 1))
    return covariance


def _left_out(fitted: Fit, inverse: Floats, chosen: Floats, screens: Ints, codes: Ints, count: int) -> Floats:
    """(G − 1) / G Σ D D' of what leaving a cluster out moves the estimates, (I − I_g)⁻¹ s_g; where the rest does not
    identify them, G / (G − 1) I⁻¹ s_g."""
    sums = np.column_stack([sums_by(codes, column, count) for column in chosen.T])
    entries = fitted.informations.reshape(len(fitted.informations), -1).T
    own = np.stack([sums_by(codes, entry[screens], count) for entry in entries], axis=1).reshape(-1, *inverse.shape)
    stays = np.eye(len(inverse)) - own @ inverse
    identified = np.abs(np.linalg.det(stays)) > IDENTIFIED
    moves = sums * (count / (count - 1))
    moves[identified] = np.linalg.solve(stays[identified], sums[identified][:, :, None])[:, :, 0]
    moves = moves @ inverse
    covariance: Floats = moves.T @ moves * ((count - 1) / count)
    return covariance


def _quadratic(contrasts: Floats, covariance: Floats) -> Floats:
    return (contrasts @ covariance * contrasts).sum(axis=1)
