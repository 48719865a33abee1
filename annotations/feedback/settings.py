"""What a researcher chooses for a feedback set."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from annotations.errors import InputError


@dataclass(frozen=True)
class FeedbackSettings:
    """`beta`: where a model learns by weighted likelihood, a text's weight is clip(exp(β score), 0.1, 3). `criteria`:
    those that count, in place of all. `admit_pasted`: rewrites with pasted text count as well. `simulated`: campaigns
    of simulated raters are admitted, which makes the set a simulated one."""

    beta: float = 1.0
    criteria: tuple[str, ...] = ()
    admit_pasted: bool = False
    simulated: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.beta <= 10:
            raise InputError("beta", f"{self.beta} must be a number from 0 to 10")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"criteria": list(self.criteria)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        return cls(**{**values, "criteria": tuple(values.get("criteria", ()))})
