"""A step of a scale for every candidate, by each criterion. How far two steps lie apart is not said."""

from typing import Any

from annotations.errors import AnswerError
from annotations.protocols.base import Scored
from texts.limits import shown

MOST_STEPS = 11


class Likert(Scored):
    name = "likert"
    level = "ordinal"
    scale = (1.0, 5.0)

    def number(self, value: Any, ends: tuple[float, float], place: str) -> float:
        low, high = ends
        if isinstance(value, bool) or value not in range(int(low), int(high) + 1):
            raise AnswerError(f"{place}: {shown(value)} must be a whole number from {low:g} to {high:g}", "value")
        return float(value)
