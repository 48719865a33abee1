"""What a pilot's single answers say of how ratings vary, where no screen shows both systems."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from annotations.reasons import Reason
from annotations.statistics.planning import Variances
from annotations.statistics.populations import JudgedShares
from annotations.statistics.uncertainty import Floats, Ints, dense

DRAWS, SEED = 200, 1


class Parts(NamedTuple):
    """Variances of a difference between two systems, and the standard deviation of what a rater adds to the scores of
    both alike."""

    variances: Variances
    severity_sd: float = 0.0

    @property
    def shares(self) -> JudgedShares:
        return JudgedShares(self.variances.item**0.5, self.variances.rater**0.5, self.severity_sd)


class Answers(NamedTuple):
    """Values (n), by item (n), rater (n) and system (n): 0 or 1."""

    values: Floats
    items: Ints
    raters: Ints
    systems: Ints


def parts_of_answers(answers: Answers) -> tuple[Parts | None, tuple[Reason, ...]]:
    """Unbiased, by products of answers that have an item or a rater in common; an estimate below zero becomes 0, which
    is said. None, and why, where no two answers have one in common.

    An answer is μ[system] + item + item × system + rater + rater × system + chance. The mean product of two answers of
    the same item and system by different raters, less that of answers of the same systems that have neither in common,
    is the variance of item + item × system, and so on: a U statistic of each (Koch 1967, for unbalanced designs).
    """
    return cut(_moments(centred(answers), np.ones(len(answers.values))))


def drawn_parts(answers: Answers, *, draws: int = DRAWS) -> list[Parts]:
    """Parts that may have given a pilot's answers: normal around their estimates, with the covariances that leaving out
    one item, and one rater, at a time gives (the jackknife over both), cut at 0. None where they cannot be had."""
    answers = centred(answers)
    (item, items), (rater, raters) = dense(answers.items), dense(answers.raters)
    if min(items, raters) < 3:
        return []
    value = _moments(answers, np.ones(len(answers.values)))
    covariance = np.zeros((4, 4))
    for codes, count in ((item, items), (rater, raters)):
        left = np.array([_moments(answers, (codes != each).astype(np.float64)) for each in range(count)])
        apart = left - left.mean(axis=0)
        covariance += (count - 1) / count * apart.T @ apart
    if not np.isfinite(covariance).all():
        return []
    found = np.random.default_rng(SEED).multivariate_normal(value, covariance, size=draws, method="eigh")
    return [parts for parts, _ in map(cut, found) if parts is not None]


def centred(answers: Answers) -> Answers:
    """Without each system's mean: the moments do not depend on it in expectation, but its product with what an item or
    a rater adds is most of their error where items have unevenly many answers."""
    means = np.array([answers.values[answers.systems == system].mean() for system in (0, 1)])
    return answers._replace(values=answers.values - means[answers.systems])


def cut(moments: Floats) -> tuple[Parts | None, tuple[Reason, ...]]:
    if not np.isfinite(moments).all():
        return None, (Reason("parts_not_told_apart"),)
    names = (*Variances._fields, "severity")
    said = tuple(
        Reason("negative_variance", part=name, estimate=float(value))
        for name, value in zip(names, moments, strict=True)
        if value < 0
    )
    item, rater, residual, severity = (max(0.0, float(value)) for value in moments)
    return Parts(Variances(item, rater, residual), severity**0.5), said


def _moments(answers: Answers, weights: Floats) -> Floats:
    """Item, rater and residual variance of a difference, and the severity's; NaN where there are no such pairs."""
    same, other = _Products.same(answers, weights), _Products.other(answers, weights)
    item, rater = same.of_item - other.of_item, same.of_rater - other.of_rater
    residual = same.own - same.of_item - same.of_rater
    return np.array([2 * item, 2 * rater, 2 * residual, other.of_rater])


class _Products(NamedTuple):
    """Mean products of two answers, less those of answers with neither item nor rater in common: of the same item, of
    the same rater, of one answer with itself."""

    of_item: float
    of_rater: float
    own: float

    @classmethod
    def same(cls, answers: Answers, weights: Floats) -> "_Products":
        """Of the same system, on average over the two, of which one may have more answers: together their means would
        not cancel."""
        sides = [_sums(answers, weights * (answers.systems == system)) for system in (0, 1)]
        each = [cls._of(*(product(side, side) for product in PRODUCTS)) for side in sides]
        return cls(*((first + second) / 2 for first, second in zip(*each, strict=True)))

    @classmethod
    def other(cls, answers: Answers, weights: Floats) -> "_Products":
        """Of the two systems."""
        first, second = (_sums(answers, weights * (answers.systems == system)) for system in (0, 1))
        return cls._of(*(product(first, second) for product in PRODUCTS))

    @classmethod
    def _of(cls, whole: Floats, items: Floats, raters: Floats, cells: Floats) -> "_Products":
        """By sums of products and their numbers (2): of all answers, of an item's, of a rater's, of a cell's."""
        with np.errstate(invalid="ignore", divide="ignore"):
            apart = _mean(whole - items - raters + cells)
            return cls(_mean(items - cells) - apart, _mean(raters - cells) - apart, _mean(cells) - apart)


class _Sums(NamedTuple):
    """Sums of values and weights (2, …): in all, by item, by rater, by cell."""

    whole: Floats
    items: Floats
    raters: Floats
    cells: Floats


def _sums(answers: Answers, weights: Floats) -> _Sums:
    raters = int(answers.raters.max()) + 1
    both = np.stack([weights * answers.values, weights])

    def by(codes: Ints, count: int) -> Floats:
        return np.stack([np.bincount(codes, row, minlength=count) for row in both])

    items = int(answers.items.max()) + 1
    cells = answers.items * raters + answers.raters
    return _Sums(
        both.sum(axis=1, keepdims=True), by(answers.items, items), by(answers.raters, raters), by(cells, items * raters)
    )


def _product(level: int) -> Callable[[_Sums, _Sums], Floats]:
    def product(one: _Sums, other: _Sums) -> Floats:
        found: Floats = (one[level] * other[level]).sum(axis=1)
        return found

    return product


PRODUCTS = [_product(level) for level in range(4)]


def _mean(sums: Floats) -> float:
    return float(sums[0] / sums[1]) if sums[1] > 0.5 else float("nan")
