"""What an answer teaches a model, as plain values: each protocol says it of its own answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal, NamedTuple

Origin = Literal["choice", "ranking", "scores", "edit"]
ORIGINS: Mapping[str, str] = {
    "choice": "chosen",
    "ranking": "ranked above",
    "scores": "scored above",
    "edit": "rewritten",
}  # how a preference came about, in words


class Preference(NamedTuple):
    """One text over another; `tie`: neither is preferred."""

    chosen: str
    rejected: str
    tie: bool = False


class Rewritten(NamedTuple):
    """A text as a rater would have written it; `pasted`: not all of it was typed."""

    text: str
    pasted: bool


class MarkedPart(NamedTuple):
    """What is wrong in a text, in code points: from `start` up to, and without, `end`. `weight` is its severity's share
    of the most severe one, above 0 and at most 1."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class Lesson:
    """What an answer says by one criterion; texts are candidates' primary keys, written as strings.

    `scores` are numbers of which more is better, on the rater's own scale. `labels` say whether a text is as a person
    would have written it. `origin` says how the preferences came about. A text in `spans` without parts has no errors.
    """

    origin: Origin = "scores"
    scores: Mapping[str, float] = field(default_factory=dict)
    preferences: Sequence[Preference] = ()
    labels: Mapping[str, bool] = field(default_factory=dict)
    rewrites: Mapping[str, Rewritten] = field(default_factory=dict)
    spans: Mapping[str, Sequence[MarkedPart]] = field(default_factory=dict)


Lessons = Mapping[str, Lesson]  # by criterion


def preferences_between(numbers: Mapping[str, float]) -> list[Preference]:
    """Of every two texts the one with the higher number; of equal ones neither."""
    return [
        Preference(one, other, tie=numbers[one] == numbers[other])
        if numbers[one] >= numbers[other]
        else Preference(other, one)
        for one, other in combinations(numbers, 2)
    ]
