"""How the ratings of a criterion become results: what each way of doing it has to say."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from annotations.reports.schema.results import CriterionResult, Effects, PairResult
from annotations.reports.table import Bools, RatingTable
from annotations.statistics.agreement import Level
from annotations.statistics.differences import SystemDifference
from annotations.statistics.exact import ExactTests
from annotations.statistics.uncertainty import Ints

Pairs = dict[tuple[str, str], SystemDifference]  # of systems


class Contrast(NamedTuple):
    """Two systems by a criterion, and what there is between them; p as adjusted within its family, or, of the primary
    contrast, as it is. Where nothing varied it is that of the exact tests (`deciding_p`). `size` is that of the scores;
    `shown` says whether the difference counts."""

    criterion: str
    one: str
    other: str
    found: SystemDifference
    exact: ExactTests
    size: float
    p: float | None
    primary: bool
    shown: bool = False


class Rated(NamedTuple):
    """What was rated of s systems on n screens."""

    given: Bools  # (n, s)
    wins: Ints  # (s, s) decided comparisons that the row won against the column
    counts: Ints  # (s) ratings
    most: int  # ratings that a system can have


@dataclass(frozen=True)
class Analysis(ABC):
    """Of one criterion; `level` and `scale` are those of its scores."""

    table: RatingTable
    criterion: str
    level: Level
    scale: tuple[float, float]

    @property
    @abstractmethod
    def size(self) -> float:
        """What an error is compared with to be told from rounding."""

    @abstractmethod
    def differences(self) -> Pairs:
        """Of every pair of rated systems."""

    @abstractmethod
    def exact(self, pairs: Sequence[tuple[int, int]]) -> list[ExactTests]:
        """The exact tests of these pairs of systems, by their places."""

    @abstractmethod
    def results(
        self, compared: Sequence[Contrast], *, resamples: int, models: bool
    ) -> tuple[CriterionResult, list[PairResult]]:
        """The systems, best first, with their agreement; and the pairs of systems, with `models` of each."""

    @abstractmethod
    def effects(self, pair: PairResult) -> Effects | None:
        """The size of a difference without a unit."""

    @abstractmethod
    def bound(self, margin: float) -> float:
        """A margin of equivalence in the unit of differences."""

    @abstractmethod
    def rated(self, result: CriterionResult) -> Rated: ...
