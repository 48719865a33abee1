"""The conditional logit: one alternative of a few is chosen, each with its own utility."""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, ndtr, ndtri, stdtr, stdtrit

from annotations.statistics.connections import Bools
from annotations.statistics.uncertainty import Floats, Ints

ONE_CLUSTER = "all choices are of one item and one rater, which leaves no interval"
STEPS, PENALISED_STEPS, CLOSE = 25, 300, 1e-8
ROUNDING = 1e-9  # a smaller error, beside its estimate, is one of rounding


class Fit(NamedTuple):
    """Estimates (parameters), Fisher information (parameters, parameters), and what one choice adds to the gradient.

    `scores` is (screens, alternatives, parameters).
    """

    estimate: Floats
    information: Floats
    scores: Floats


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

    def reach(self, level: float) -> float:
        """How many standard errors an interval reaches to each side."""
        tail = 0.5 + level / 2
        return float(ndtri(tail) if np.isinf(self.freedom) else stdtrit(self.freedom, tail))


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
            return Fit(estimate, state.information, state.scores)
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


def _state(design: Floats, possible: Bools, counts: Ints, estimate: Floats, penalised: bool) -> _State:
    utilities = np.where(possible, design @ estimate, -np.inf)
    logs = utilities - logsumexp(utilities, axis=1, keepdims=True)
    chances = np.exp(logs)
    scores = (design - np.einsum("sa,sap->sp", chances, design)[:, None, :]) * possible[:, :, None]
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
    return _State(objective, (counts.ravel() + added) @ flat, curvature, information, scores)


def spread_of(
    fitted: Fit, chosen: Floats, *, items: Ints | None = None, raters: Ints | None = None, least: bool = False
) -> Spread | None:
    """Where the estimates' errors come from; None if all choices are of one item and one rater.

    `chosen` is (n, parameters), the score of each choice. Without clusters, the inverse information; with items (n) or
    raters (n), the sandwich with clusters, G / (G − 1) each, item + rater − their intersection (Cameron, Gelbach and
    Miller 2011, section 2.4), Student's t with min(clusters) − 1 degrees of freedom. `least`: no variance is below
    that of the inverse information.
    """
    inverse: Floats = np.linalg.inv(fitted.information).astype(np.float64)
    given = [part for part in (items, raters) if part is not None]
    if not given:
        return Spread((inverse,), None, None, np.inf)
    found = [_clustered(chosen @ inverse, part) for part in given]
    usable = [(covariance, clusters) for covariance, clusters in found if clusters > 1]
    if not usable:
        return None
    both = None
    if len(usable) == 2:
        _, item = np.unique(given[0], return_inverse=True)
        _, rater = np.unique(given[1], return_inverse=True)
        both, _ = _clustered(chosen @ inverse, item * (int(rater.max()) + 1) + rater)
    freedom = min(clusters for _, clusters in usable) - 1
    return Spread(tuple(covariance for covariance, _ in usable), both, inverse if least else None, freedom)


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


def worths(fitted: Fit, count: int, spread: Spread | None, level: float) -> Worths:
    """The systems' worths where the first parameters are those of `centring`."""
    of_systems = np.zeros((count, len(fitted.estimate)))
    of_systems[:, : count - 1] = centring(count)
    of_pairs = of_systems[:, None, :] - of_systems[None, :, :]
    differences, errors, intervals = estimates(fitted.estimate, of_pairs, spread, level)
    p = None
    if spread is not None and errors is not None:
        p = np.full_like(differences, np.nan)
        some = errors > ROUNDING * np.maximum(1.0, np.abs(differences))
        far = -np.abs(differences[some] / errors[some])
        p[some] = 2 * (ndtr(far) if np.isinf(spread.freedom) else stdtr(spread.freedom, far))
    of_each = estimates(fitted.estimate, of_systems, spread, level)
    return Worths(*of_each, differences, errors, intervals, p, None if spread is None else spread.freedom)


def estimates(
    estimate: Floats, contrasts: Floats, spread: Spread | None, level: float
) -> tuple[Floats, Floats | None, Floats | None]:
    """Values (…), errors (…) and intervals (…, 2) of contrasts (…, parameters)."""
    values = contrasts @ estimate
    if spread is None:
        return values, None, None
    errors = spread.errors(contrasts.reshape(-1, len(estimate))).reshape(values.shape)
    half = spread.reach(level) * errors
    return values, errors, np.stack([values - half, values + half], axis=-1)


def _clustered(influence: Floats, clusters: Ints) -> tuple[Floats, int]:
    _, index = np.unique(clusters, return_inverse=True)
    count = int(index.max()) + 1
    sums = np.column_stack([np.bincount(index, column, minlength=count) for column in influence.T])
    covariance: Floats = (sums.T @ sums * (count / max(count - 1, 1))).astype(np.float64)
    return covariance, count


def _quadratic(contrasts: Floats, covariance: Floats) -> Floats:
    return (contrasts @ covariance * contrasts).sum(axis=1)
