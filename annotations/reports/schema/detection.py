"""How well raters told people's texts from machines'."""

from annotations.reports.schema.base import Estimate, Interval, Part, Reason
from annotations.reports.schema.report import OwnPart


class JudgedSystem(Part):
    """A system's texts: the share judged human, and the d′ of people's texts against them."""

    system: str
    n: int
    judged_human: Estimate
    d_prime: Estimate


class ChanceEquivalence(Part):
    """Two one-sided tests of accuracy − chance against the margin; `ci` is a 90 % interval."""

    margin: float
    ci: Interval | None
    p: float | None
    shown: bool
    undefined: Reason | None


class Detection(Part):
    """By one criterion; of all judgements but those in `systems`. See `statistics.detection.Detection`; `d_prime_p` is
    that of d′ being zero, `auc_p` that of the area being one half."""

    n: int
    base_rate: float | None
    accuracy: Estimate
    chance: float | None
    majority: float | None
    above_chance: Estimate
    above_chance_p: float | None
    equivalence: ChanceEquivalence | None
    least_margin: float | None
    d_prime: Estimate
    d_prime_p: float | None
    criterion: Estimate
    auc: Estimate
    auc_p: float | None
    systems: list[JudgedSystem]
    undefined: Reason | None


class DetectionPart(OwnPart):
    detection: dict[str, Detection]  # by criterion; empty where raters did not judge who wrote
