"""A linear mixed model of the differences of two systems: how far albums, items and raters disagree about them."""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from annotations.reasons import Reason
from annotations.statistics.restricted_likelihood import ALBUM, ITEM, RATER, RESIDUAL, RestrictedLikelihood
from annotations.statistics.uncertainty import UPPER, Floats, Ints

FLOOR = 1e-6  # of the total variance, below which a residual's is not told from none
MIN_SHARES = np.array([FLOOR / 100] * 3 + [FLOOR])  # shares of the total, below which parts are none on the way
LITTLE = 1e-2  # a share of the total variance this small may be none
STEP = 1e-4  # of a variance, by which curvature is taken
SMALL = 50  # screens
RISE = 1e-3  # of the deviance by the whole total variance, from which a variance at zero is no minimum
FLAT = 1e-7  # of the greatest curvature, below which parts cannot be told apart
NEWTON_STEPS, HALVINGS, MAX_STEP, NEAR, CLOSE = 30, 20, 1.0, 0.05, 1e-7  # in logarithms of variances


class MixedModel(NamedTuple):
    """The difference with its error, degrees of freedom, interval and p; the standard deviations of the system's
    slope by album, item and rater and of the residual, None where that part is not in the model; the screens, items,
    raters and albums that it is of; why there is none."""

    difference: float | None
    error: float | None = None
    freedom: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    album_deviation: float | None = None
    item_deviation: float | None = None
    rater_deviation: float | None = None
    residual_deviation: float | None = None
    n: int = 0
    items: int = 0
    raters: int = 0
    albums: int = 0
    undefined: Reason | None = None


def mixed_model(differences: Floats, items: Ints, raters: Ints, *, albums: Ints | None = None) -> MixedModel:
    """Restricted maximum likelihood of d = δ + album + item + rater + residual for differences (n) of items (n), raters
    (n) and albums (n), an item being of one album.

    Where every rater scored both systems on a screen this is the linear mixed model of the scores with random
    intercepts and random system slopes by album, item within album, and rater (Barr et al. 2013), since its intercepts
    cancel in the difference. Where each item has an album of its own, or all have the same, albums have no part; where
    no item was rated twice the items' part is in the residual. The interval is Student's t with Satterthwaite's degrees
    of freedom (Giesbrecht and Burns 1985), and never more of them than there are raters, or albums (items where albums
    have no part), less one: no mean is surer than as many of either make it, whatever the estimates of their parts.
    """
    coded = [np.unique(part, return_inverse=True) for part in (items, raters, items if albums is None else albums)]
    about, codes = [len(names) for names, _ in coded], [places for _, places in coded]
    nothing = MixedModel(None, None, n=len(differences), items=about[0], raters=about[1], albums=about[2])
    why = _undefined(differences, about[0], about[1], about[2])
    if why:
        return nothing._replace(undefined=why)
    by_album = albums is not None and 1 < about[2] < about[0]
    spread, center = float(differences.std()), float(differences.mean())
    standard, grouped = (differences - center) / spread, codes[2] if by_album else codes[0]
    likelihood = RestrictedLikelihood(standard, codes[0], grouped, codes[1])
    parts = [ALBUM] * by_album + [ITEM] * (about[0] < len(differences)) + [RATER, RESIDUAL]
    try:
        estimates = _estimates(likelihood, parts)
    except ValueError:
        return nothing._replace(undefined=Reason("no_likelihood"))
    variances, found = estimates.variances, likelihood.at(estimates.variances)
    clusters = min(about[1], about[2] if by_album else about[0])
    freedom = min(_satterthwaite(likelihood, estimates), clusters - 1.0)
    difference, error = center + spread * found.mean, spread / float(np.sqrt(found.precision))
    half = float(stdtrit(freedom, UPPER)) * error
    variances = np.where(variances < 2 * FLOOR * variances.sum(), 0.0, variances)
    deviations = [float(spread * variances[part] ** 0.5) if part in parts else None for part in range(4)]
    return nothing._replace(
        difference=difference,
        error=error,
        freedom=freedom,
        interval=(difference - half, difference + half),
        p=2 * float(stdtr(freedom, -abs(difference) / error)),
        album_deviation=deviations[ALBUM],
        item_deviation=deviations[ITEM],
        rater_deviation=deviations[RATER],
        residual_deviation=deviations[RESIDUAL],
    )


def _undefined(differences: Floats, items: int, raters: int, albums: int) -> Reason | None:
    """Why there is no model."""
    n = len(differences)
    if items < 2 or raters < 2:
        return Reason("two_of_both", unit="item")
    if n == items and not 1 < albums < n:
        return Reason("no_item_rated_twice")
    if n == raters:
        return Reason("no_rater_rated_twice")
    if np.ptp(differences) < 1e-12 * max(1.0, float(np.abs(differences).max())):
        return Reason("differences_equal")
    return None


class _Estimates(NamedTuple):
    """Variances (4), and which of them are free: neither zero nor, the residual's, at its floor."""

    variances: Floats
    free: Ints


def _estimates(likelihood: RestrictedLikelihood, parts: list[int]) -> _Estimates:
    """Of these parts; the variance of any other is zero.

    A search over shares of the total variance, in which no residual is as good a value as any other, then Newton's
    steps. In small designs the deviance may have several minima, so that it begins from several places. Where a
    variance that is not free would lower the deviance by rising, both are done once more from there.
    """
    starts = _starts(likelihood, parts)[: None if likelihood.n <= SMALL else 1]
    searched = [_searched(likelihood, parts, start) for start in starts]
    found = _polished(likelihood, min(searched, key=likelihood.deviance))
    for _ in parts:
        total = found.variances.sum()
        rise = total * likelihood.at(found.variances, profiled=False).slope
        rising = [part for part in parts if part not in found.free and rise[part] < -RISE]
        if not rising:
            break
        shares = found.variances / total
        shares[rising] = LITTLE
        found = _polished(likelihood, _searched(likelihood, parts, shares))
    return found


def _starts(likelihood: RestrictedLikelihood, parts: list[int]) -> list[Floats]:
    """Shares to search from, the best first: all alike, or one of them nearly everything."""
    starts = np.zeros((len(parts) + 1, 4))
    starts[:, parts] = 0.02
    starts[0, parts] = 1.0
    starts[np.arange(len(parts)) + 1, parts] = 1.0
    return sorted(starts / starts.sum(axis=1, keepdims=True), key=likelihood.deviance)


def _searched(likelihood: RestrictedLikelihood, parts: list[int], start: Floats) -> Floats:
    """Shares (4), as squares of a point on the sphere, so that any may come to zero; the residual's not quite."""
    from scipy.optimize import minimize  # a fifth of a second, which every process of the site would wait for

    def deviance(roots: Floats) -> tuple[float, Floats]:
        shares = _shares(roots, parts)
        found = likelihood.at(shares)
        slope = found.slope[parts]
        size = float(roots @ roots)
        return found.deviance, 2 * roots / size * (slope - roots**2 @ slope / size)

    options = {"ftol": 1e-8, "gtol": 1e-3, "maxiter": 200}
    found = minimize(deviance, np.sqrt(start[parts]), jac=True, method="L-BFGS-B", options=options)
    return _shares(found.x, parts)


def _shares(roots: Floats, parts: list[int]) -> Floats:
    shares = np.zeros(4)
    shares[parts] = roots**2 / (roots @ roots)
    shares[RESIDUAL] += FLOOR
    return shares


def _without_little(likelihood: RestrictedLikelihood, shares: Floats) -> Floats:
    """The smallest shares at zero, or the residual's at its floor, where that is no worse."""
    lowest = likelihood.deviance(shares)
    for part in np.argsort(shares):
        if 0 < shares[part] < LITTLE:
            less = shares.copy()
            less[part] = FLOOR if part == RESIDUAL else 0.0
            deviance = likelihood.deviance(less)
            if deviance <= lowest + 1e-9:
                shares, lowest = less, deviance
    return shares


def _polished(likelihood: RestrictedLikelihood, shares: Floats) -> _Estimates:
    """Newton's steps over the logarithms of the free variances. The search before them ends up to a thousandth away,
    and elsewhere for the same data in another order."""
    shares = _without_little(likelihood, shares)
    variances = shares * likelihood.at(shares).squares / (likelihood.n - 1)
    free = np.flatnonzero(shares > np.array([0.0, 0.0, 0.0, FLOOR]))
    step, curvature, here = np.full(len(free), MAX_STEP), None, likelihood.at(variances, profiled=False)
    for _ in range(NEWTON_STEPS if len(free) else 0):
        if curvature is None or np.abs(step).max() > NEAR:
            curvature = np.linalg.eigh(_curvature(likelihood, variances, free)[0])
        values, vectors = curvature
        certain = np.abs(values) > FLAT * np.abs(values).max()
        along = vectors[:, certain].T @ (variances * here.slope)[free] / np.abs(values[certain])
        step = -vectors[:, certain] @ along
        step *= min(1.0, MAX_STEP / max(float(np.abs(step).max()), CLOSE))
        for _ in range(HALVINGS):
            moved = variances.copy()
            moved[free] *= np.exp(step)
            there = likelihood.at(moved, profiled=False)
            if there.deviance <= here.deviance + 1e-10 * (1 + abs(here.deviance)):
                break
            step = step / 2
        variances, here = moved, there
        lost = free[variances[free] < MIN_SHARES[free] * variances.sum()]
        if len(lost):
            variances[lost] = np.where(lost == RESIDUAL, FLOOR * variances.sum(), 0.0)
            free, curvature, here = np.setdiff1d(free, lost), None, likelihood.at(variances, profiled=False)
        elif np.abs(step).max() < CLOSE:
            break
        if not len(free):
            break
    return _Estimates(variances, free)


def _curvature(likelihood: RestrictedLikelihood, variances: Floats, free: Ints) -> tuple[Floats, Floats]:
    """By logarithms of variances: the Hessian (free, free) of the deviance, and the slope of log precision (free)."""
    rows, slopes = [], []
    for part in free:
        ends = []
        for sign in (1, -1):
            moved = variances.copy()
            moved[part] *= np.exp(sign * STEP)
            found = likelihood.at(moved, profiled=False)
            ends.append(np.append((moved * found.slope)[free], np.log(found.precision)))
        slope = (ends[0] - ends[1]) / (2 * STEP)
        rows.append(slope[:-1])
        slopes.append(slope[-1])
    hessian = np.array(rows).reshape(len(free), len(free))
    return (hessian + hessian.T) / 2, np.array(slopes)


def _satterthwaite(likelihood: RestrictedLikelihood, found: _Estimates) -> float:
    """1 / (g' H⁻¹ g), which is 2 v² / (∇v' C ∇v) for δ's variance v and the covariance C of the variance estimates.

    Over the logarithms of the free variances g is the gradient of log v, and H the Hessian of the deviance, twice the
    inverse of C. At least 1; infinite where v does not depend on them.
    """
    hessian, slope = _curvature(likelihood, found.variances, found.free)
    spread = float(slope @ np.linalg.pinv(hessian, rcond=FLAT, hermitian=True) @ slope)
    return max(1 / spread, 1.0) if spread > 0 else float("inf")
