"""Planning campaigns whose raters give each text a number."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from annotations.reports.pilot import PilotCampaign
from annotations.reports.planning.curves import Curve, Rehearsed, Study, Trial
from annotations.reports.planning.known import CRITERION, Known, empty_table
from annotations.reports.table import RatingTable
from annotations.statistics.dealing import Layout, Screens
from annotations.statistics.planning import Design, Variances, detectable_difference, power
from annotations.statistics.populations import drawn_relative_scores, drawn_scores, on_a_screen
from annotations.statistics.rehearsal import DRAWS, rehearse
from annotations.statistics.uncertainty import Floats, student


@dataclass(frozen=True)
class KnownOfScores(Known):
    """`severity_sd` is of what a rater adds to the scores of all texts alike: it matters where screens do not show
    both systems."""

    of_difference: Variances = field(kw_only=True)
    severity_sd: float = 0.0
    takes = ("item_sd", "rater_sd", "residual_sd", "severity_sd")
    effects = {"difference": lambda value: value}
    counted = "differences"
    unit = "a difference"
    sentence = (
        "Standard deviations of a difference between two systems: item {item_sd:.3g}, rater {rater_sd:.3g}, residual "
        "{residual_sd:.3g}; of raters' severity {severity_sd:.3g} ({origin})"
    )

    @classmethod
    def assuming(cls, values: Mapping[str, float]) -> "KnownOfScores":
        item, rater, residual, severity = (values[name] for name in cls.takes)
        return cls(of_difference=Variances(item**2, rater**2, residual**2), severity_sd=severity)

    @classmethod
    def by_pilot(cls, found: PilotCampaign, origin: str) -> "KnownOfScores":
        others = [cls(of_difference=parts.variances, severity_sd=parts.severity_sd) for parts in found.drawn]
        parts = found.parts
        return cls(
            origin, found.said, found.seconds, others, of_difference=parts.variances, severity_sd=parts.severity_sd
        )

    def deviations(self) -> Mapping[str, float]:
        sds = {f"{name}_sd": value**0.5 for name, value in self.of_difference._asdict().items()}
        return sds | {"severity_sd": self.severity_sd}

    def variances(self, effect: float) -> Variances:
        return self.of_difference

    def pairs(self, design: Design, layout: Layout) -> float:
        return design.ratings * layout.texts / layout.systems

    def drawn(self, effect: float, study: Study, screens: Screens, draw: np.random.Generator) -> Floats:
        return drawn_scores(
            effect,
            self.of_difference,
            self.severity_sd,
            screens=screens,
            design=study.design,
            layout=study.layout,
            draw=draw,
        )

    def table(self, answers: Floats, screens: Screens, layout: Layout) -> RatingTable:
        return replace(empty_table(screens, layout), scores={CRITERION: answers})

    def formula(self, study: Study) -> Curve | None:
        return ByVariances(self.of_difference, study) if study.layout.complete and not study.looks else None

    def curve(self, study: Study) -> Curve:
        if study.layout.complete and study.looks:
            return AtLooks(self.of_difference, study)
        return super().curve(study)

    def rehearsed(self, study: Study) -> Rehearsed:
        return Shifted(self, study)


class KnownOfRelativeScores(KnownOfScores):
    """Scores add up to the same on every screen, as where raters compare its texts: on a screen that shows some of the
    systems a text has a score besides by which others it is shown with."""

    def pairs(self, design: Design, layout: Layout) -> float:
        return super().pairs(design, layout) * on_a_screen(layout)

    def drawn(self, effect: float, study: Study, screens: Screens, draw: np.random.Generator) -> Floats:
        return drawn_relative_scores(
            effect, self.of_difference, screens=screens, design=study.design, layout=study.layout, draw=draw
        )


class ByVariances(Curve):
    """Every screen shows both systems: `statistics.planning.power`."""

    def __init__(self, variances: Variances, study: Study) -> None:
        self.variances, self.study = variances, study

    def power(self, effect: float) -> float:
        return power(effect, self.variances, self.study.design, alpha=self.study.alpha) or 0.0

    def detectable(self, power: float) -> float | None:
        return detectable_difference(self.variances, self.study.design, power=power, alpha=self.study.alpha)


class AtLooks(Curve):
    """Every screen shows both systems, and there are several analyses."""

    runs = DRAWS

    def __init__(self, variances: Variances, study: Study) -> None:
        self.rehearsal = rehearse(variances, study.design, study.looks)

    def power(self, effect: float) -> float:
        return self.rehearsal.power(effect)

    def detectable(self, power: float) -> float | None:
        return self.rehearsal.detectable(power)


class Shifted(Rehearsed):
    """Screens that show some of the systems. A difference moves an estimate and leaves its error as it is, so that
    campaigns without any are drawn once, for all differences."""

    def _trials(self, effect: float) -> list[list[Trial]]:
        if not effect:
            return super()._trials(0.0)
        return [[shifted(trial, effect) for trial in looks] for looks in self.trials(0.0)]


def shifted(trial: Trial, by: float) -> Trial:
    found = trial.difference
    if found is None or found.value is None or not found.error or found.freedom is None:
        return trial
    value = found.value + by
    return trial._replace(difference=student(value, found.error**2, found.freedom, largest=abs(value)))
