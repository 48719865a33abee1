"""Power by the size of the true effect: by a formula, by simulated campaigns, or in proportion to another's."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import ndtr, ndtri

from annotations.errors import InputError
from annotations.reports.analysis import Analysis
from annotations.reports.table import RatingTable
from annotations.statistics.dealing import Layout, Screens, screens_dealt
from annotations.statistics.equivalence import equivalence
from annotations.statistics.estimate import Estimate
from annotations.statistics.looks import Look
from annotations.statistics.planning import Design
from annotations.statistics.shares import Share, independent_share
from annotations.statistics.uncertainty import Floats

DEALT, SEED = 20, 1  # campaigns whose screens are dealt anew
STEPS, NEAR = 5, 0.01  # to a detectable effect by proportion; of power
SEARCHED, CLOSE, SEARCHES = 300, 0.03, 3  # the same by simulated campaigns
MANY = 10_000
EQUIVALENCE_ALPHA = 0.05
Analyse = Callable[[RatingTable], Analysis]  # as reports do it for the protocol


class Study(NamedTuple):
    """A campaign as it is planned: `looks` are the boundaries of its analyses, or none where there is a single one."""

    design: Design
    layout: Layout
    analyse: Analyse
    alpha: float
    looks: Sequence[Look] = ()
    runs: int = 1000

    def sized(self, design: Design) -> "Study":
        return self._replace(design=design)

    @property
    def levels(self) -> list[float]:
        """What p has to be below, at each analysis."""
        return [look.p for look in self.looks] or [self.alpha]


class Trial(NamedTuple):
    """What one campaign found: the difference of two systems, and accuracy − chance where raters told who wrote."""

    difference: Estimate | None
    chance: Estimate | None


class Population(Protocol):
    """What answers are drawn from: see `known.Known`."""

    @property
    def no_effect(self) -> float: ...

    def distance(self, effect: float) -> float: ...

    def effect(self, distance: float) -> float: ...

    def error(self, effect: float, study: Study) -> float: ...

    def drawn(self, effect: float, study: Study, screens: Screens, draw: np.random.Generator) -> Floats: ...

    def trial(self, answers: Floats, screens: Screens, study: Study) -> Trial: ...


class Curve(ABC):
    """`runs` is how many campaigns were simulated for it; none: it is a formula."""

    runs: int | None = None

    @abstractmethod
    def power(self, effect: float) -> float: ...

    @abstractmethod
    def detectable(self, power: float) -> float | None:
        """The smallest effect that is found with this power, None where there is none."""


class Approximation(Curve):
    """Of a test whose statistic is normal, with the known's approximate error, that counts an effect `factor` times."""

    def __init__(self, known: Population, study: Study, factor: float) -> None:
        self.known, self.study, self.by = known, study, factor
        self.critical = -float(ndtri(study.levels[-1] / 2))

    def power(self, effect: float) -> float:
        shift = self.by * abs(self.known.distance(effect)) / self.known.error(effect, self.study)
        return float(ndtr(shift - self.critical) + ndtr(-shift - self.critical))

    def detectable(self, power: float) -> float | None:
        effect = self.known.no_effect
        try:
            for _ in range(STEPS):  # the error depends on the effect, if little
                error = self.known.error(effect, self.study)
                effect = self.known.effect((self.critical + float(ndtri(power))) * error / self.by)
            self.known.error(effect, self.study)  # raises where there is no such effect
        except InputError:
            return None
        return effect


class Rehearsed(Curve):
    """Campaigns are drawn, dealt and analysed as reports do it; `outcomes` are those of a true effect."""

    def __init__(self, known: Population, study: Study) -> None:
        self.known, self.study, self.runs = known, study, study.runs
        self.trials = cache(self._trials)

    def power(self, effect: float) -> float:
        share = self.found(effect).share
        return 0.0 if share is None else share

    def found(self, effect: float) -> Share:
        """Of campaigns with this effect those in which an analysis found a difference, with Wilson's interval."""
        levels = self.study.levels
        return share_of(
            [
                any(below(trial.difference, p) for trial, p in zip(looks, levels, strict=True))
                for looks in self.trials(effect)
            ]
        )

    def above_chance(self, effect: float) -> Share:
        return share_of([below(looks[-1].chance, self.study.alpha) for looks in self.trials(effect)])

    def equivalent(self, effect: float, bound: float) -> Share:
        """Those that conclude at their end that the difference lies within ± bound."""
        return share_of([within(looks[-1].difference, bound) for looks in self.trials(effect)])

    def equivalent_to_chance(self, effect: float, margin: float) -> Share:
        return share_of([within(looks[-1].chance, margin) for looks in self.trials(effect)])

    def detectable(self, power: float) -> float | None:
        """By the factor at one effect to the next one, until the power is near."""
        factor, few = 1.0, type(self)(self.known, self.study._replace(runs=min(self.study.runs, SEARCHED)))
        for _ in range(SEARCHES):
            effect = Approximation(self.known, self.study, factor).detectable(power)
            if effect is None or abs(few.power(effect) - power) < CLOSE:
                break
            factor = factor_of(few, self.known, self.study, effect)
        return effect

    def _trials(self, effect: float) -> list[list[Trial]]:
        """Of each campaign (runs) what its analyses found, at equal shares of its screens."""
        known, study, draw = self.known, self.study, np.random.default_rng(SEED)
        dealt = [screens_dealt(study.design, study.layout, draw) for _ in range(min(DEALT, study.runs))]
        looks = len(study.levels)
        ends = [round(study.design.ratings * number / looks) for number in range(1, looks + 1)]
        found = []
        for run in range(study.runs):
            screens = dealt[run % len(dealt)]
            answers: Floats = known.drawn(effect, study, screens, draw)
            parts = [(answers[:end], screens.first(end)) for end in ends]
            found.append([known.trial(*part, study) for part in parts])
        return found


def factor_of(curve: Curve, known: Population, study: Study, effect: float) -> float:
    """By how much more an effect counts than `Approximation` has it, so that it gives the curve's power there."""
    shift = abs(known.distance(effect)) / known.error(effect, study)
    if not shift:
        return 1.0
    least = 0.5 / (curve.runs or MANY)
    critical = -float(ndtri(study.levels[-1] / 2))
    return max(float(ndtri(min(max(curve.power(effect), least), 1 - least))) + critical, NEAR) / shift


def share_of(outcomes: list[bool]) -> Share:
    return independent_share(np.array(outcomes, dtype=np.float64))


def below(estimate: Estimate | None, level: float) -> bool:
    return estimate is not None and estimate.p is not None and estimate.p < level


def within(estimate: Estimate | None, bound: float) -> bool:
    if estimate is None:
        return False
    p = equivalence(estimate, bound).p
    return p is not None and p < EQUIVALENCE_ALPHA
