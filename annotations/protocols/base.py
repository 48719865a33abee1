"""What a protocol has to say: which answers it takes, what they give, and whether raters can be shown it here."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from annotations.errors import AnswerError
from texts.limits import shown

Gives = Literal["scores", "choices"]
Level = Literal["nominal", "ordinal", "interval"]
Numbers = Mapping[str, Mapping[str, float]]


class Protocol(ABC):
    """`gives` says which of `scores` and `choices` is filled, `level` how far the numbers can be trusted, and `scale`
    is what they run over where a campaign has no scale of its own. Without `shown_here` raters cannot be shown it: its
    answers come from studies run elsewhere."""

    name: ClassVar[str]
    gives: ClassVar[Gives]
    level: ClassVar[Level]
    scale: ClassVar[tuple[float, float]]
    shown_here: ClassVar[bool] = False

    @abstractmethod
    def read(
        self,
        answers: Any,
        *,
        criteria: Sequence[str],
        candidates: Mapping[str, int],
        scale: Sequence[float] = (),
    ) -> dict[str, Any]:
        """What a rater sent, checked, as it is stored: candidates by primary key instead of their random id.

        `candidates` maps random ids to primary keys; `scale` is the campaign's, if it has one. Raises AnswerError with
        the place of what is wrong.
        """

    @abstractmethod
    def fields(self, stored: Mapping[str, Any], *, names: Mapping[int, str]) -> dict[str, str]:
        """A stored answer as the page's fields hold it; `names` are the candidates' random ids by primary key."""

    def scores(self, stored: Mapping[str, Any]) -> Numbers:
        """The numbers of a stored answer, by criterion and by the candidate's primary key, written as a string."""
        return {}

    def choices(self, stored: Mapping[str, Any]) -> Mapping[str, str]:
        """By criterion the chosen candidate's primary key, written as a string, or `tie`."""
        return {}

    def ends(self, scale: Sequence[float]) -> tuple[float, float]:
        """The lowest and the highest score of a campaign with that scale, which is empty for the protocol's own."""
        low, high = scale or self.scale
        return float(low), float(high)


class Scored(Protocol):
    """A number for every candidate by each criterion."""

    gives = "scores"

    def read(
        self,
        answers: Any,
        *,
        criteria: Sequence[str],
        candidates: Mapping[str, int],
        scale: Sequence[float] = (),
    ) -> dict[str, Any]:
        check_keys(answers, criteria, "answers", "criteria")
        ends = self.ends(scale)
        return {
            criterion: {
                str(candidates[name]): self.number(answers[criterion][name], ends, f"answers.{criterion}.{name}")
                for name in check_keys(answers[criterion], candidates, f"answers.{criterion}", "candidates")
            }
            for criterion in criteria
        }

    def number(self, value: Any, ends: tuple[float, float], place: str) -> float:
        low, high = ends
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise AnswerError(f"{place}: {shown(value)} must be a number from {low:g} to {high:g}", "value")
        return float(value)

    def fields(self, stored: Mapping[str, Any], *, names: Mapping[int, str]) -> dict[str, str]:
        return {
            f"{criterion}:{names[int(candidate)]}": f"{score:g}"
            for criterion, scores in stored.items()
            for candidate, score in scores.items()
        }

    def scores(self, stored: Mapping[str, Any]) -> Numbers:
        return stored


def check_keys(given: Any, wanted: Sequence[str] | Mapping[str, Any], place: str, what: str) -> list[str]:
    """The wanted keys, if the object has exactly those."""
    if not isinstance(given, dict):
        raise AnswerError(f"{place}: must be an object with the {what} {', '.join(wanted)}", "value")
    if missing := [key for key in wanted if key not in given]:
        raise AnswerError(f"{place}.{missing[0]}: not answered; the {what} are {', '.join(wanted)}", "missing")
    if unknown := [key for key in given if key not in wanted]:
        raise AnswerError(f"{place}.{unknown[0]}: is none of the {what}, which are {', '.join(wanted)}", "value")
    return list(wanted)
