"""The likelihood of ordinal scores with random effects, integrated by Laplace's approximation."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from annotations.statistics.uncertainty import Floats, Ints

STEPS, CLOSE, HALVINGS = 60, 1e-8, 30  # of Newton's method for the random effects


class Term(NamedTuple):
    """Random effects by a grouping (n codes from zero), each multiplied by a covariate (n). Where `within` blocks, each
    code is of one block."""

    name: str
    codes: Ints
    covariate: Floats
    within: bool


class LaplaceLikelihood:
    """Minus log likelihood of a cumulative logit model with one fixed effect and random effects.

    Scores are y of K points; a = θ_y − η and b = θ_{y−1} − η are the ends of a score's stretch of the latent scale,
    with η = β x + Σ_t σ_t z_t u_t over terms t, u standard normal. Since F(a) − F(b) = F(a) F(−b) (1 − e^{b−a}) for the
    logistic F, the part that holds both ends does not depend on η, and log P has the slope F(a) + F(b) − 1 and the
    curvature −W, W = F'(a) + F'(b) > 0, by η. Laplace: −log P(y, û) + ½ log |H|, H = I + Λ'Z'WZΛ being the curvature at
    the likeliest û (Tierney and Kadane 1986).

    Parameters are θ₁, the logarithms of the distances between thresholds, β, and log σ_t. Effects within blocks (n
    codes from zero: albums, or items) are eliminated first, so that a step costs the square of how many others there
    are. Shapes: scores and x (n).
    """

    def __init__(self, scores: Floats, x: Floats, blocks: Ints, terms: list[Term]) -> None:
        points, self.y = np.unique(scores, return_inverse=True)
        self.x, self.points, self.terms, self.blocks = x, len(points), terms, int(blocks.max()) + 1
        within = [place for place, term in enumerate(terms) if term.within]
        across = [place for place in range(len(terms)) if place not in within]
        self.places, self.split = np.array([*within, *across], dtype=np.int64), len(within)
        self.covariates = np.column_stack([np.empty((len(scores), 0)), *(terms[place].covariate for place in within)])
        self.covariates = np.column_stack([self.covariates, *(terms[place].covariate for place in across)])
        self.width, columns = 0, []
        for place in within:
            slots = _slots(terms[place].codes, blocks)
            columns.append(slots + self.width)
            self.width += int(slots.max()) + 1
        self.rows = np.column_stack([np.empty((len(scores), 0)), *columns]).astype(np.int64)
        self.block = blocks
        self.rows += blocks[:, None] * self.width  # of effects within blocks, for each score
        self.size, columns = 0, []
        for place in across:
            columns.append(terms[place].codes + self.size)
            self.size += int(terms[place].codes.max()) + 1
        self.columns = np.column_stack([np.empty((len(scores), 0)), *columns]).astype(np.int64)
        self.mode = np.zeros(self.blocks * self.width), np.zeros(self.size)  # of the last parameters, to begin from

    def start(self) -> Floats:
        """Thresholds that give each point its share, and no effect."""
        shares = np.cumsum(np.bincount(self.y, minlength=self.points))[:-1] / len(self.y)
        thresholds = np.log(shares / (1 - shares))
        return np.concatenate([thresholds[:1], np.log(np.diff(thresholds)), [0.0]])

    def at(self, parameters: Floats) -> tuple[float, Floats]:
        """The value and its slope by parameter."""
        gaps = self.points - 2
        distances, deviations = np.exp(parameters[1 : 1 + gaps]), np.exp(parameters[2 + gaps :])
        thresholds = np.concatenate([[-np.inf], parameters[0] + np.append(0.0, np.cumsum(distances)), [np.inf]])
        stretch = thresholds[self.y + 1], thresholds[self.y]
        parts = self.covariates * deviations[self.places]
        system = self._likeliest(stretch, parameters[1 + gaps] * self.x, parts)
        u, v = self.mode = system.effects
        value = system.objective + system.log_determinant / 2

        # dÛ/dφ = −H⁻¹ ∂²/∂u∂φ, so that what the mode's moving does to log |H| is a product with `toward`.
        leverage, inner, outer = system.leverage()
        bent_high = system.curved_high * (1 - 2 * system.high)
        bent_low = system.curved_low * (1 - 2 * system.low)
        bend = -leverage * (bent_high + bent_low) / 2
        toward_u, toward_v = system.solve(*system.gathered(bend))
        toward = system.spread(toward_u, toward_v)
        pull = 1 - system.high - system.low + bend - toward * system.weights
        gap = stretch[1] - stretch[0]
        both = np.exp(gap) / -np.expm1(gap)
        by_upper = system.high - 1 - both + leverage * bent_high / 2 + toward * system.curved_high
        by_lower = system.low + both + leverage * bent_low / 2 + toward * system.curved_low
        by_threshold = np.bincount(self.y, by_upper, minlength=self.points)[:-1]
        by_threshold = by_threshold + np.bincount(self.y, by_lower, minlength=self.points)[1:]
        later = np.cumsum(by_threshold[::-1])[::-1]
        by_size = np.empty(len(self.terms))
        effects = [(u, inner, toward_u, self.rows), (v, outer, toward_v, self.columns)]
        for place, term in enumerate(self.places):
            values, diagonal, along, index = effects[place >= self.split]
            of = index[:, place - (self.split if place >= self.split else 0)]
            own = np.unique(of)
            by_size[term] = pull @ (parts[:, place] * values[of]) + (1 - diagonal[own]).sum() + along[own] @ values[own]
        return value, np.concatenate([later[:1], later[1:] * distances, [pull @ self.x], by_size])

    def _likeliest(self, stretch: tuple[Floats, Floats], fixed: Floats, parts: Floats) -> "_System":
        """Newton's method: the objective is convex in the random effects."""
        system = _System(self, stretch, fixed, parts, *self.mode)
        for _ in range(STEPS):
            system.factor()
            u, v = system.effects
            by_inner, by_outer = system.gathered(system.high + system.low - 1)
            step_u, step_v = system.solve(by_inner - u, by_outer - v)
            longest = max(np.abs(step_u).max(initial=0), np.abs(step_v).max(initial=0))
            for _ in range(HALVINGS):
                moved = _System(self, stretch, fixed, parts, u + step_u, v + step_v)
                if moved.objective <= system.objective + 1e-9 * abs(system.objective):
                    break
                step_u, step_v = step_u / 2, step_v / 2
            system = moved
            if longest < CLOSE:
                break
        system.factor()
        return system


class _System:
    """The objective at given random effects, and the linear system of its curvature H = [D C; C' E], D having a square
    for each block."""

    def __init__(
        self, of: LaplaceLikelihood, stretch: tuple[Floats, Floats], fixed: Floats, parts: Floats, u: Floats, v: Floats
    ) -> None:
        self.of, self.effects = of, (u, v)
        self.inner, self.outer = parts[:, : of.split], parts[:, of.split :]
        shift = fixed + self.spread(u, v)
        a, b = stretch[0] - shift, stretch[1] - shift
        self.high, self.low = expit(a), expit(b)
        self.curved_high, self.curved_low = self.high * expit(-a), self.low * expit(-b)
        self.weights = self.curved_high + self.curved_low
        lost = np.logaddexp(0, -a) + np.logaddexp(0, b) - np.log(-np.expm1(stretch[1] - stretch[0]))
        self.objective = float(lost.sum() + u @ u / 2 + v @ v / 2)

    def spread(self, u: Floats, v: Floats) -> Floats:
        """ZΛ times effects: (n)."""
        found: Floats = (self.inner * u[self.of.rows]).sum(axis=1) + (self.outer * v[self.of.columns]).sum(axis=1)
        return found

    def gathered(self, values: Floats) -> tuple[Floats, Floats]:
        """Λ'Z' times values (n): by effects within blocks, and by all others."""
        of = self.of
        return (
            _summed(of.rows, self.inner * values[:, None], of.blocks * of.width),
            _summed(of.columns, self.outer * values[:, None], of.size),
        )

    def factor(self) -> None:
        """The inverses of D, D⁻¹C, and the root of E − C'D⁻¹C."""
        of, flat = self.of, self.of.blocks * self.of.width
        weighted, local = self.inner * self.weights[:, None], of.rows - of.block[:, None] * of.width
        cells = of.rows[:, :, None] * of.width + local[:, None, :]
        squares = _summed(cells, weighted[:, :, None] * self.inner[:, None, :], flat * of.width)
        squares = squares.reshape(of.blocks, of.width, of.width) + np.eye(of.width)
        self.inverse = np.linalg.inv(squares)
        cells = of.rows[:, :, None] * of.size + of.columns[:, None, :]
        cross = _summed(cells, weighted[:, :, None] * self.outer[:, None, :], flat * of.size)
        self.cross = cross.reshape(flat, of.size)
        self.carried = (self.inverse @ cross.reshape(of.blocks, of.width, of.size)).reshape(flat, of.size)
        cells = of.columns[:, :, None] * of.size + of.columns[:, None, :]
        pairs = self.weights[:, None, None] * self.outer[:, :, None] * self.outer[:, None, :]
        rest = _summed(cells, pairs, of.size**2).reshape(of.size, of.size) + np.eye(of.size)
        rest -= self.cross.T @ self.carried
        self.root = cho_factor(rest, lower=True, check_finite=False) if of.size else (rest, True)
        self.log_determinant = float(np.linalg.slogdet(squares)[1].sum())
        self.log_determinant += 2 * float(np.log(np.diag(self.root[0])).sum())

    def solve(self, by_inner: Floats, by_outer: Floats) -> tuple[Floats, Floats]:
        """H⁻¹ times a right side, by effects within blocks and by all others."""
        of = self.of
        own = (self.inverse @ by_inner.reshape(of.blocks, of.width, 1)).ravel()
        rest = by_outer - own @ self.cross
        outer = cho_solve(self.root, rest, check_finite=False) if of.size else rest
        return own - self.carried @ outer, outer

    def leverage(self) -> tuple[Floats, Floats, Floats]:
        """z'ΛH⁻¹Λ'z (n), and the diagonal of H⁻¹ by effects within blocks and by all others."""
        of = self.of
        inverse = cho_solve(self.root, np.eye(of.size), check_finite=False) if of.size else np.empty((0, 0))
        rest = np.zeros((len(of.y), of.size))
        np.put_along_axis(rest, of.columns, self.outer, axis=1)
        own, local = np.zeros(len(of.y)), of.rows - of.block[:, None] * of.width
        for term in range(of.split):
            rest -= self.inner[:, term, None] * self.carried[of.rows[:, term]]
            for other in range(of.split):
                both = self.inverse[of.block, local[:, term], local[:, other]]
                own += self.inner[:, term] * both * self.inner[:, other]
        diagonal = np.einsum("jpp->jp", self.inverse).ravel() + (self.carried @ inverse * self.carried).sum(axis=1)
        return own + (rest @ inverse * rest).sum(axis=1), diagonal, np.diag(inverse)


def _summed(cells: Ints, values: Floats, count: int) -> Floats:
    """Sums of values over the cells (of the same shape) that they are of, from zero to count."""
    return np.bincount(cells.ravel(), values.ravel(), count).astype(np.float64)


def _slots(codes: Ints, blocks: Ints) -> Ints:
    """For each score the place of its code among those of its block, from zero."""
    which, first = np.unique(codes, return_index=True)
    owner = blocks[first]
    order = np.argsort(owner, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(owner))])
    slot = np.empty(len(which), dtype=np.int64)
    slot[order] = np.arange(len(which)) - starts[owner[order]]
    return slot[np.searchsorted(which, codes)]
