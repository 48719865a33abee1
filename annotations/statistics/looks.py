"""Looks at a running campaign, declared beforehand, that together err no more often than one look at its end."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from annotations.statistics.uncertainty import Floats

Spending = Literal["obrien-fleming", "pocock"]
POINTS, WEIGHTS = np.polynomial.legendre.leggauss(200)  # enough for looks a hundredth of the information apart
CLOSEST, FAR = 0.01, 9.0


class Look(NamedTuple):
    """A look at a share of the information, the two-sided alpha spent by then, and what a result has to exceed: |z|,
    or as the two-sided nominal p. Nothing can be found at a look whose z is None."""

    information: float
    spent: float
    z: float | None
    p: float


class _Walk:
    """Where the score process S(t) ~ N(drift t, t) stands among the paths that crossed no boundary yet.

    By recursive numerical integration (Armitage, McPherson and Rowe 1969; Jennison and Turnbull 2000, section 19.2),
    here with Gauss-Legendre nodes between the boundaries.
    """

    def __init__(self, drift: float = 0.0) -> None:
        self.drift, self.time = drift, 0.0
        self.places, self.masses = np.zeros(1), np.ones(1)

    def crossing(self, time: float, z: float) -> float:
        """Probability of getting to `time` and standing beyond ±z √time there."""
        step, bound = time - self.time, z * np.sqrt(time)
        moved = self.places + self.drift * step
        beyond = ndtr((moved - bound) / np.sqrt(step)) + ndtr((-bound - moved) / np.sqrt(step))
        return float(self.masses @ beyond)

    def go_on(self, time: float, z: float) -> None:
        step, bound = time - self.time, min(z, FAR) * np.sqrt(time)
        places = bound * POINTS
        distances: Floats = (places[:, None] - self.places - self.drift * step) / np.sqrt(step)
        density = np.exp(-(distances**2) / 2) @ self.masses / np.sqrt(2 * np.pi * step)
        self.places, self.masses, self.time = places, bound * WEIGHTS * density, time


def spent(information: float, *, alpha: float, spending: Spending) -> float:
    """The two-sided alpha spent at a share of the information, half of it on each side.

    A side's α₁ = alpha / 2 is spent as 2 (1 − Φ(z(1 − α₁/2) / √t)), O'Brien and Fleming's type, or as
    α₁ ln(1 + (e − 1) t), Pocock's type (Lan and DeMets 1983; Jennison and
    Turnbull 2000, section 7.2).
    """
    side = alpha / 2
    if spending == "obrien-fleming":
        return 4 * float(ndtr(ndtri(side / 2) / np.sqrt(information)))
    return 2 * side * float(np.log1p((np.e - 1) * information))


def look_boundaries(
    information: Sequence[float], *, alpha: float = 0.05, spending: Spending = "obrien-fleming"
) -> list[Look]:
    """The boundaries of looks at these shares of the information, the last being 1 (Lan and DeMets 1983).

    Raises ValueError for shares that do not rise to 1 by steps of a hundredth or more, or an alpha outside (0, 1).
    """
    steps = np.diff([0.0, *information])
    if not len(steps) or steps.min() < CLOSEST - 1e-9 or abs(information[-1] - 1) > 1e-9:
        raise ValueError(f"information: {list(information)} must rise to 1 by steps of at least {CLOSEST}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha: {alpha} must lie between 0 and 1")
    walk, looks, before = _Walk(), [], 0.0
    for time in information:
        now = spent(time, alpha=alpha, spending=spending)
        z = _boundary(walk, time, now - before)
        walk.go_on(time, FAR if z is None else z)
        looks.append(Look(time, now, z, 0.0 if z is None else 2 * float(ndtr(-z))))
        before = now
    return looks


def _boundary(walk: _Walk, time: float, increment: float) -> float | None:
    """The z beyond which the walk stands with this probability; None where that is too small to compute."""
    if walk.crossing(time, 4 * FAR) >= increment:
        return None
    return float(brentq(lambda z: walk.crossing(time, z) - increment, 0.0, 4 * FAR, xtol=1e-10))


def stopping(looks: Sequence[Look], drift: float) -> list[float]:
    """For each look the probability that it is the first to exceed its boundary, z at the end being N(drift, 1)."""
    walk, found = _Walk(drift), []
    for look in looks:
        z = FAR + abs(drift) if look.z is None else look.z
        found.append(walk.crossing(look.information, z))
        walk.go_on(look.information, z)
    return found


def inflation(looks: Sequence[Look], *, power: float = 0.8) -> float:
    """How much more information the looks need at most than a single test of the same alpha, for the same power
    (Jennison and Turnbull 2000, chapter 2)."""
    single = [Look(1.0, looks[-1].spent, float(-ndtri(looks[-1].spent / 2)), looks[-1].spent)]
    with_looks, without = (_drift(each, power) for each in (looks, single))
    return (with_looks / without) ** 2


def _drift(looks: Sequence[Look], power: float) -> float:
    if not looks[-1].spent < power < 1:
        raise ValueError(f"power: {power} must lie between alpha, {looks[-1].spent:g}, and 1")
    return float(brentq(lambda drift: sum(stopping(looks, drift)) - power, 0.0, 20.0))
