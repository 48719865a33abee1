"""What is known before a campaign of how its answers vary: assumed, or by a pilot."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from annotations.reasons import Reason
from annotations.reports.pilot import PilotCampaign
from annotations.reports.planning.curves import Approximation, Curve, Rehearsed, Study, Trial
from annotations.reports.table import PairwiseChoices, RatingTable
from annotations.statistics.dealing import Layout, Screens
from annotations.statistics.estimate import Estimate
from annotations.statistics.planning import Design, Variances
from annotations.statistics.uncertainty import Floats

CRITERION = "planned"


@dataclass(frozen=True)
class Known(ABC):
    """`origin` says where it comes from, `said` what there is to say; `seconds` are a screen's. `others` are what may
    have given the pilot's answers as well, and say how sure it is."""

    origin: str = "assumed"
    said: Sequence[Reason] = ()
    seconds: float | None = None
    others: Sequence["Known"] = ()
    takes: ClassVar[tuple[str, ...]]  # what can be assumed
    effects: ClassVar[Mapping[str, Callable[[float], float]]]  # what can be asked, and what it is as a difference
    no_effect: ClassVar[float] = 0.0  # of two systems that are alike
    counted: ClassVar[str]  # what a pilot has so many of
    unit: ClassVar[str]  # of what is detectable
    tells_who_wrote: ClassVar[bool] = False  # whether there is an accuracy, with a chance
    sentence: ClassVar[str]

    @classmethod
    @abstractmethod
    def assuming(cls, values: Mapping[str, float]) -> "Known":
        """`values` has all that it takes."""

    @classmethod
    @abstractmethod
    def by_pilot(cls, found: PilotCampaign, origin: str) -> "Known": ...

    @abstractmethod
    def deviations(self) -> Mapping[str, float]: ...

    @abstractmethod
    def variances(self, effect: float) -> Variances:
        """Of a difference, in the unit that it is tested in. Raises InputError where there can be none."""

    @abstractmethod
    def pairs(self, design: Design, layout: Layout) -> float:
        """How many pairs of answers, of both systems, the answers are worth."""

    @abstractmethod
    def drawn(self, effect: float, study: Study, screens: Screens, draw: np.random.Generator) -> Floats:
        """Answers (n, …) to the screens."""

    @abstractmethod
    def table(self, answers: Floats, screens: Screens, layout: Layout) -> RatingTable:
        """As a report reads them."""

    def distance(self, effect: float) -> float:
        """An effect in the unit that it is tested in; 0 where there is none."""
        return effect

    def effect(self, distance: float) -> float:
        """The effect that is at such a distance."""
        return distance

    def error(self, effect: float, study: Study) -> float:
        """About the standard error of a difference, in the unit that it is tested in."""
        item, rater, residual = self.variances(effect)
        design = study.design
        parts = item / design.items + rater / design.raters + residual / self.pairs(design, study.layout)
        return float(np.sqrt(parts))

    def chance(self, table: RatingTable) -> Estimate | None:
        """Accuracy − chance, where raters tell who wrote."""
        return None

    def trial(self, answers: Floats, screens: Screens, study: Study) -> Trial:
        """What a report finds of the first two systems."""
        table = self.table(answers, screens, study.layout)
        found = study.analyse(table).differences().get((table.systems[0], table.systems[1]))
        return Trial(found.estimate if found else None, self.chance(table))

    def formula(self, study: Study) -> Curve | None:
        """Power by a formula, where there is one."""
        return None

    def rehearsed(self, study: Study) -> Rehearsed:
        return Rehearsed(self, study)

    def curve(self, study: Study) -> Curve:
        return self.formula(study) or self.rehearsed(study)

    def bound(self, margin: float, study: Study) -> float:
        """A margin of equivalence in the unit of differences, as reports have it."""
        nothing = np.zeros(1, dtype=np.int64)
        return study.analyse(empty_table(Screens(nothing, nothing, nothing[:, None]), study.layout)).bound(margin)

    def quick(self, study: Study, factor: float) -> Curve:
        """Power without simulated campaigns: by formula, or where there is none with errors in proportion."""
        return self.formula(study) or Approximation(self, study, factor)


def empty_table(screens: Screens, layout: Layout) -> RatingTable:
    """Of systems by number, with neither scores nor choices; every item is an album of its own."""
    n, raters = len(screens.items), int(screens.raters.max()) + 1
    items = int(screens.items.max()) + 1
    nothing = np.full(n, np.nan)
    return RatingTable(
        systems=tuple(f"system {number}" for number in range(1, layout.systems + 1)),
        criteria=(CRITERION,),
        items=screens.items,
        albums=screens.items,
        raters=screens.raters,
        rater_names=("",) * raters,
        rater_keys=tuple(range(raters)),
        exclusions=("",) * raters,
        seconds=nothing,
        scores={CRITERION: np.full((n, layout.systems), np.nan)},
        comparisons={},
        words=nothing,
        candidates=np.arange(1, items * layout.systems + 1).reshape(items, layout.systems),
    )


def comparisons_of(outcomes: Floats, screens: Screens) -> dict[str, PairwiseChoices]:
    rows = np.arange(len(outcomes))
    return {CRITERION: PairwiseChoices(screens.shown[:, 0], screens.shown[:, 1], outcomes, rows)}
