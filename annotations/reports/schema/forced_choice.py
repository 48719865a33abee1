"""How well raters told people's texts from machines', where a screen showed one of each."""

from annotations.reports.schema.base import Estimate, Part, Reason
from annotations.reports.schema.detection import ChanceEquivalence
from annotations.reports.schema.report import OwnPart


class ToldApart(Part):
    """Of so many choices. See `statistics.forced_choice.Told`; `above_chance_p` is that of accuracy being one half,
    `d_prime_p` that of d′ being zero."""

    n: int
    accuracy: Estimate
    above_chance: Estimate
    above_chance_p: float | None
    equivalence: ChanceEquivalence | None
    least_margin: float | None
    d_prime: Estimate
    d_prime_p: float | None
    bias: Estimate
    bias_p: float | None


class ToldFrom(Part):
    """A system beside whose texts people's were shown."""

    system: str
    told: ToldApart
    undefined: Reason | None


class ByConfidence(Part):
    """The choices that raters were so sure of."""

    confidence: int
    n: int
    accuracy: Estimate


class ForcedChoice(Part):
    """By one criterion; `told` is of all choices, of which a text of several systems is one."""

    told: ToldApart
    systems: list[ToldFrom]
    confidences: list[ByConfidence]


class ForcedChoicePart(OwnPart):
    forced_choice: dict[str, ForcedChoice]  # by criterion; empty where raters did not choose between two writers
