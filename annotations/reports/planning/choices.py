"""Planning campaigns whose raters choose between two texts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import expit, logit, ndtr

from annotations.errors import InputError
from annotations.reports.pilot import PilotCampaign
from annotations.reports.planning.curves import Curve, Study
from annotations.reports.planning.known import Known, comparisons_of, empty_table
from annotations.reports.table import RatingTable
from annotations.statistics.choice_planning import Choices, choice_power, choice_variances, detectable_share
from annotations.statistics.choices import FIRST
from annotations.statistics.dealing import Layout, Screens
from annotations.statistics.estimate import Estimate
from annotations.statistics.forced_choice import right_above_chance
from annotations.statistics.planning import Design, Variances
from annotations.statistics.populations import drawn_choices
from annotations.statistics.uncertainty import Floats


@dataclass(frozen=True)
class KnownOfChoices(Known):
    """An effect is a share of decided choices, and tested as a difference in log-strength."""

    spread: Choices = field(kw_only=True)
    takes = ("item_sd", "rater_sd", "ties")
    effects = {"share": lambda value: value}
    no_effect = 0.5
    counted = "decided choices"
    unit = "a share of decided choices won"
    sentence = (
        "Standard deviations of the share won: over items {item_sd:.3f}, over raters {rater_sd:.3f}; ties {ties:.1%} "
        "({origin})"
    )

    @classmethod
    def assuming(cls, values: Mapping[str, float]) -> "KnownOfChoices":
        return cls(spread=Choices(*(values[name] for name in cls.takes)))

    @classmethod
    def by_pilot(cls, found: PilotCampaign, origin: str) -> "KnownOfChoices":
        others = [cls(spread=found.choices(parts.variances)) for parts in found.drawn]
        return cls(origin, found.said, found.seconds, others, spread=found.choices(found.parts.variances))

    def deviations(self) -> Mapping[str, float]:
        return self.spread._asdict()

    def variances(self, effect: float) -> Variances:
        try:
            return choice_variances(effect, self.spread)
        except ValueError as error:
            raise InputError("--item-sd, --rater-sd", str(error)) from error

    def pairs(self, design: Design, layout: Layout) -> float:
        """Of two out of m systems a screen, the direct comparisons and those through others are worth 1 / (m − 1) of
        the screens: the variance of a difference of two strengths, all pairs being compared equally often."""
        return design.ratings / (layout.systems - 1)

    def drawn(self, effect: float, study: Study, screens: Screens, draw: np.random.Generator) -> Floats:
        try:
            return drawn_choices(
                effect, self.spread, screens=screens, design=study.design, layout=study.layout, draw=draw
            )
        except ValueError as error:
            raise InputError("--item-sd, --rater-sd", str(error)) from error

    def table(self, answers: Floats, screens: Screens, layout: Layout) -> RatingTable:
        return replace(empty_table(screens, layout), comparisons=comparisons_of(answers, screens))

    def distance(self, effect: float) -> float:
        return float(logit(effect))

    def effect(self, distance: float) -> float:
        return float(expit(distance))

    def formula(self, study: Study) -> Curve | None:
        return ByShares(self.spread, study) if study.layout.complete and not study.looks else None


class ByShares(Curve):
    """There are two systems: `statistics.choice_planning`."""

    def __init__(self, spread: Choices, study: Study) -> None:
        self.spread, self.study = spread, study

    def power(self, effect: float) -> float:
        return choice_power(effect, self.spread, self.study.design, alpha=self.study.alpha) or 0.0

    def detectable(self, power: float) -> float | None:
        return detectable_share(self.spread, self.study.design, power=power, alpha=self.study.alpha)


@dataclass(frozen=True)
class KnownOfSureChoices(KnownOfChoices):
    """One of the two texts is a person's, the first system's: the share that they win is the accuracy."""

    effects = {
        "share": lambda value: value,
        "accuracy": lambda value: value,
        "d_prime": lambda value: float(ndtr(value / 2**0.5)),  # Macmillan and Creelman 2005, equation 7.2
    }
    unit = "a share of right choices"
    tells_who_wrote = True

    def chance(self, table: RatingTable) -> Estimate | None:
        """Of the screens with one of the first system's texts, of which all are where it is always shown."""
        (choices,) = table.comparisons.values()
        one_each = (choices.first == 0) != (choices.second == 0)
        right = ((choices.first == 0) == (choices.outcome == FIRST))[one_each].astype(np.float64)
        rows = choices.rows[one_each]
        return right_above_chance(right, table.albums[rows], table.raters[rows]).estimate
