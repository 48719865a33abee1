"""Planning campaigns whose raters judge of one text at a time who wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import ndtr

from annotations.errors import InputError
from annotations.reports.pilot import PilotCampaign
from annotations.reports.planning.curves import Study
from annotations.reports.planning.known import CRITERION, Known, empty_table
from annotations.reports.table import RatingTable
from annotations.statistics.dealing import Layout, Screens
from annotations.statistics.detection import judged_above_chance
from annotations.statistics.estimate import Estimate
from annotations.statistics.planning import Design, Variances
from annotations.statistics.populations import JudgedShares, drawn_judgements
from annotations.statistics.uncertainty import Floats

MOST, LEAST_CHANCE = 0.2, 0.05  # variance of a share, which is below 0.25; of an answer's variance what chance has


@dataclass(frozen=True)
class KnownOfJudgements(Known):
    """An effect is the difference between the shares judged human, people's (the first system's) minus another's; half
    of the texts of both are taken to be judged human."""

    spread: JudgedShares = field(kw_only=True)
    takes = ("item_sd", "rater_sd", "severity_sd")
    effects = {
        "difference": lambda value: value,
        "accuracy": lambda value: 2 * value - 1,
        "d_prime": lambda value: 2 * float(ndtr(value / 2)) - 1,  # raters lean to neither answer: H = 1 − F
    }
    counted = "judgements"
    unit = "a difference in shares judged human"
    tells_who_wrote = True
    sentence = (
        "Standard deviations of a difference in shares judged human: over items {item_sd:.3f}, over raters "
        "{rater_sd:.3f}; of raters' leaning to “a person” {severity_sd:.3f} ({origin})"
    )

    @classmethod
    def assuming(cls, values: Mapping[str, float]) -> "KnownOfJudgements":
        return cls(spread=JudgedShares(*(values[name] for name in cls.takes)))

    @classmethod
    def by_pilot(cls, found: PilotCampaign, origin: str) -> "KnownOfJudgements":
        others = [cls(spread=held(parts.shares)) for parts in found.drawn]
        return cls(origin, found.said, found.seconds, others, spread=held(found.parts.shares))

    def deviations(self) -> Mapping[str, float]:
        return self.spread._asdict()

    def variances(self, effect: float) -> Variances:
        """Of a judgement of each system: what is not items' and raters' is chance. Raises InputError for a difference
        that shares cannot have."""
        if not -1 < effect < 1:
            raise InputError("--difference", f"{effect:g} must be above -1 and below 1", "it is one of two shares")
        item, rater, severity = (value**2 for value in self.spread)
        right = 0.5 + effect / 2
        chance = 2 * right * (1 - right)
        return Variances(item, rater, max(chance - item - rater - 2 * severity, LEAST_CHANCE * chance))

    def pairs(self, design: Design, layout: Layout) -> float:
        return design.ratings * layout.texts / layout.systems

    def drawn(self, effect: float, study: Study, screens: Screens, draw: np.random.Generator) -> Floats:
        try:
            return drawn_judgements(
                effect, self.spread, screens=screens, design=study.design, layout=study.layout, draw=draw
            )
        except ValueError as error:
            raise InputError("--item-sd, --rater-sd, --severity-sd", str(error)) from error

    def table(self, answers: Floats, screens: Screens, layout: Layout) -> RatingTable:
        return replace(empty_table(screens, layout), scores={CRITERION: answers})

    def chance(self, table: RatingTable) -> Estimate | None:
        (judged,) = table.scores.values()
        rows, systems = np.nonzero(~np.isnan(judged))
        truth = (systems == 0).astype(np.float64)
        return judged_above_chance(truth, judged[rows, systems], table.albums[rows], table.raters[rows]).estimate


def held(spread: JudgedShares) -> JudgedShares:
    """Within what shares can deviate: a small pilot may have estimated more."""
    variance = (spread.item_sd**2 + spread.rater_sd**2) / 2 + spread.severity_sd**2
    by = min(1.0, (MOST / variance) ** 0.5) if variance else 1.0
    return JudgedShares(*(by * sd for sd in spread))
