"""What a statistic gives: a value, how sure it is, or the reason why there is none."""

from typing import NamedTuple

from annotations.reasons import Reason


class Estimate(NamedTuple):
    """A value, its interval (of 95 %), and why the one or the other is None.

    Where it has them: its standard error, the two-sided p of its being zero, the degrees of freedom of Student's t
    behind both, and how many observations it is of.
    """

    value: float | None
    interval: tuple[float, float] | None = None
    undefined: Reason | None = None
    error: float | None = None
    p: float | None = None
    freedom: float | None = None
    n: int = 0

    @classmethod
    def none(cls, why: Reason, *, n: int = 0) -> "Estimate":
        return cls(None, undefined=why, n=n)
