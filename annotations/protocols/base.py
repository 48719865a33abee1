"""What a protocol has to say: which answers it takes, and which numbers they are."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal


class Protocol(ABC):
    name: ClassVar[str]
    gives: ClassVar[Literal["scores", "choices"]] = "scores"
    level: ClassVar[Literal["nominal", "ordinal", "interval"]] = "interval"

    @abstractmethod
    def read(self, answers: Any, *, criteria: Sequence[str], candidates: Mapping[str, int]) -> dict[str, Any]:
        """What a rater sent, checked, as it is stored: candidates by primary key instead of their random id.

        `candidates` maps random ids to primary keys. Raises AnswerError with the place of what is wrong.
        """

    @abstractmethod
    def fields(self, stored: Mapping[str, Any], *, names: Mapping[int, str]) -> dict[str, str]:
        """A stored answer as the page's fields hold it; `names` are the candidates' random ids by primary key."""

    def choices(self, stored: Mapping[str, Any]) -> Mapping[str, str]:
        """Of a protocol that gives choices, the chosen candidate's primary key by criterion, as a string, or "tie"."""
        return {}

    @abstractmethod
    def scores(self, stored: Mapping[str, Any]) -> Mapping[str, Mapping[str, float]]:
        """The numbers of a stored answer, by criterion and by the candidate's primary key, written as a string."""
