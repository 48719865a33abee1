"""A linear mixed model of the differences of two systems: how far items, and how far raters, disagree about them."""

from collections.abc import Callable
from functools import partial
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import stdtr, stdtrit

from annotations.statistics.uncertainty import Floats, Ints

START = (0.5, 0.3)  # deviations by item and rater, in residual ones
NOTHING = 1e-6  # a variance so small beside the residual's is none
POLISHING, SMALL = 2, 1e-3  # Newton's last steps, and how far they look, relatively


class MixedModel(NamedTuple):
    """The difference with its error, degrees of freedom, interval and p; the standard deviations of the system's
    slope by item and by rater and of the residual; in words why there is none."""

    difference: float | None
    error: float | None = None
    freedom: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    item_deviation: float | None = None
    rater_deviation: float | None = None
    residual_deviation: float | None = None
    undefined: str | None = None


def mixed_model(differences: Floats, items: Ints, raters: Ints, *, level: float = 0.95) -> MixedModel:
    """Restricted maximum likelihood of d = δ + u_item + w_rater + e for differences (n) of items (n) and raters (n).

    Where every rater scored both systems on a screen this is the linear mixed model of the scores with crossed random
    intercepts and random system slopes by item and by rater (Barr et al. 2013), since its intercepts cancel in the
    difference. The likelihood is Patterson and Thompson's (1971), profiled over δ and the residual variance, and
    computed from the items' and raters' sums alone: items are eliminated by the Woodbury identity, so that a step
    costs raters³ whatever n is. The interval is Student's t with Satterthwaite's degrees of freedom (Giesbrecht and
    Burns 1985), the curvature taken by finite differences.
    """
    sums = _Sums(differences, items, raters)
    if sums.items < 2 or sums.raters < 2:
        return MixedModel(None, undefined="two items and two raters at least are needed")
    for count, what in ((sums.items, "no item was rated twice"), (sums.raters, "no rater rated twice")):
        if sums.n == count:
            return MixedModel(None, undefined=f"{what}, so that its part and noise cannot be told apart")
    if np.ptp(differences) < 1e-12 * max(1.0, float(np.abs(differences).max())):
        return MixedModel(None, undefined="all differences are equal, so that there is no variance to model")
    from scipy.optimize import minimize  # a fifth of a second, which every process of the site would wait for

    found = minimize(
        lambda roots: sums.deviance(roots**2),
        START,
        method="L-BFGS-B",
        bounds=[(0.0, None)] * 2,
        options={"ftol": 1e-11, "gtol": 1e-5},
    )
    ratios = _polished(sums, np.where(found.x**2 < NOTHING, 0.0, found.x**2))
    fit = sums.fit(ratios)
    residual = fit.squares / (sums.n - 1)
    variances = np.array([*(ratios * residual), residual])
    error = float(np.sqrt(residual / fit.precision))
    freedom = _satterthwaite(sums, ratios, residual)
    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    item, rater, rest = np.sqrt(variances).tolist()
    return MixedModel(
        difference=fit.mean,
        error=error,
        freedom=freedom,
        interval=(fit.mean - half, fit.mean + half),
        p=2 * float(stdtr(freedom, -abs(fit.mean) / error)),
        item_deviation=item,
        rater_deviation=rater,
        residual_deviation=rest,
    )


class _Fit(NamedTuple):
    """With variances relative to the residual's: δ, 1'H⁻¹1, (d − δ)'H⁻¹(d − δ) and log |H|."""

    mean: float
    precision: float
    squares: float
    log_determinant: float


class _Sums:
    """What the likelihood needs of the data: sums by rater, and products summed over the items of each size."""

    def __init__(self, values: Floats, items: Ints, raters: Ints) -> None:
        _, item = np.unique(items, return_inverse=True)
        _, rater = np.unique(raters, return_inverse=True)
        self.n, self.items, self.raters = len(values), int(item.max(initial=-1)) + 1, int(rater.max(initial=-1)) + 1
        self.center = float(values.mean()) if len(values) else 0.0
        centred = values - self.center
        self.products = np.array([[self.n, centred.sum()], [centred.sum(), centred @ centred]])
        self.by_rater = np.stack([np.bincount(rater, minlength=self.raters), np.bincount(rater, centred)]).astype(float)
        counts = np.bincount(item * self.raters + rater, minlength=self.items * self.raters)
        cells = np.hstack([counts.reshape(self.items, -1), np.bincount(item, centred)[:, None]]).astype(float)
        sizes = np.bincount(item)
        self.sizes, self.of_size = np.unique(sizes, return_counts=True)
        self.by_one = np.array([cells[sizes == size].sum(axis=0) for size in self.sizes])
        self.by_size = np.array([(cells[sizes == size].T @ cells[sizes == size]).ravel() for size in self.sizes])

    def fit(self, ratios: Floats) -> _Fit:
        """Generalised least squares with H = I + ratios[0] Z_item Z_item' + ratios[1] Z_rater Z_rater'.

        With A = I + ratios[0] Z_item Z_item', whose inverse is I − Z_item diag(shrink) Z_item': items of a size shrink
        alike, so that what is taken off needs their summed products alone.
        """
        shrink = ratios[0] / (1 + ratios[0] * self.sizes)
        # off is [Z_rater, d]'Z_item diag(shrink) Z_item'[Z_rater, d]
        off = (shrink @ self.by_size).reshape(self.raters + 1, -1)
        of_one = (shrink * self.sizes) @ self.by_one
        within = np.diag(self.by_rater[0]) - off[:-1, :-1]  # Z_rater'A⁻¹Z_rater
        right = self.by_rater - np.stack([of_one[:-1], off[-1, :-1]])  # [1, d]'A⁻¹Z_rater
        total = (shrink * self.sizes**2) @ self.of_size
        products = self.products - np.array([[total, of_one[-1]], [of_one[-1], off[-1, -1]]])
        inner = ratios[1] * within
        inner.flat[:: self.raters + 1] += 1
        root = cho_factor(inner, lower=True, check_finite=False)
        products = products - ratios[1] * right @ cho_solve(root, right.T, check_finite=False)
        precision, moment, squares = products[0, 0], products[0, 1], products[1, 1]
        log_determinant = float(np.log1p(ratios[0] * self.sizes) @ self.of_size + 2 * np.log(np.diag(root[0])).sum())
        mean = moment / precision
        return _Fit(self.center + float(mean), float(precision), float(squares - mean * moment), log_determinant)

    def deviance(self, ratios: Floats) -> float:
        """−2 log restricted likelihood with the residual variance profiled out, without its constant."""
        fit = self.fit(ratios)
        return (self.n - 1) * float(np.log(fit.squares)) + fit.log_determinant + float(np.log(fit.precision))


def _polished(sums: _Sums, ratios: Floats) -> Floats:
    """Newton's steps over the ratios that are not zero. The search before them ends where its numeric gradient does, up
    to a millionth away and elsewhere for the same data in another order."""
    free = np.flatnonzero(ratios > 0)
    for _ in range(POLISHING if len(free) else 0):
        steps = np.zeros((len(free), 2))
        steps[np.arange(len(free)), free] = SMALL * ratios[free]
        size = steps.sum(axis=1)
        middle = sums.deviance(ratios)
        up, down = (np.array([sums.deviance(ratios + sign * step) for step in steps]) for sign in (1, -1))
        gradient = (up - down) / (2 * size)
        hessian = np.diag((up - 2 * middle + down) / size**2)
        if len(free) == 2:
            one, other = steps
            corners = [sums.deviance(ratios + a * one + b * other) for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
            mixed = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * size[0] * size[1])
            hessian[0, 1] = hessian[1, 0] = mixed
        if np.linalg.eigvalsh(hessian).min() <= 0:
            return ratios  # no minimum to go to
        moved = ratios.copy()
        moved[free] -= np.linalg.solve(hessian, gradient)
        if (np.abs(moved - ratios)[free] > 0.1 * ratios[free]).any():
            return ratios  # too far for a last step
        ratios = moved
    return ratios


def _satterthwaite(sums: _Sums, ratios: Floats, residual: float) -> float:
    """1 / (g' H⁻¹ g), which is 2 v² / (∇v' C ∇v) for δ's variance v and the covariance C of the variance estimates.

    Over the ratios that are not zero and the logarithm of the residual variance, g is the gradient of log v, and H the
    Hessian of the deviance, twice the inverse of C. At least 1, at most n − 1.
    """
    free = np.flatnonzero(ratios > 0)
    steps = np.zeros((len(free), 2))
    steps[np.arange(len(free)), free] = 1e-3 * ratios[free]

    def parts(at: Floats) -> Floats:
        """Deviance but for the residual variance's own term; the term that it scales; log v but for it."""
        fit = sums.fit(at)
        scaled, precision = fit.squares / residual, float(np.log(fit.precision))
        return np.array([scaled + fit.log_determinant + precision, scaled, -precision])

    def slope(function: Callable[[Floats], Floats], at: Floats, step: Floats) -> Floats:
        return (function(at + step) - function(at - step)) / (2 * float(step.sum()))

    slopes = [partial(slope, parts, step=step) for step in steps]
    hessian = np.diag([*np.zeros(len(free)), sums.n - 1.0])
    gradient = np.ones(len(free) + 1)
    for place, each in enumerate(slopes):
        _, scaled, gradient[place] = each(ratios)
        hessian[place, -1] = hessian[-1, place] = -scaled
    for one, other in combinations_with_replacement(range(len(free)), 2):
        hessian[one, other] = hessian[other, one] = slope(slopes[one], ratios, steps[other])[0]
    spread = float(gradient @ np.linalg.pinv(hessian) @ gradient)
    return float(np.clip(1 / spread, 1, sums.n - 1)) if spread > 0 else sums.n - 1.0
