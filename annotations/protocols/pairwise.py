"""Which of two candidates is better, by each criterion, or that neither is."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotations.errors import AnswerError
from annotations.protocols.base import Protocol, check_keys
from texts.limits import shown

TIE = "tie"


class Pairwise(Protocol):
    """Its numbers are made in a report: the share of comparisons that a system won, from 0 to 1."""

    name = "pairwise"
    gives = "choices"
    level = "nominal"
    scale = (0.0, 1.0)

    def read(
        self,
        answers: Any,
        *,
        criteria: Sequence[str],
        candidates: Mapping[str, int],
        scale: Sequence[float] = (),
    ) -> dict[str, Any]:
        check_keys(answers, criteria, "answers", "criteria")
        allowed = [*candidates, TIE]
        for criterion in criteria:
            if answers[criterion] not in allowed:
                place = f"answers.{criterion}"
                raise AnswerError(f"{place}: {shown(answers[criterion])} must be one of {', '.join(allowed)}", "value")
        return {
            criterion: TIE if answers[criterion] == TIE else str(candidates[answers[criterion]])
            for criterion in criteria
        }

    def fields(self, stored: Mapping[str, Any], *, names: Mapping[int, str]) -> dict[str, str]:
        return {
            criterion: TIE if chosen == TIE else names[int(chosen)]
            for criterion, chosen in self.choices(stored).items()
        }

    def choices(self, stored: Mapping[str, Any]) -> Mapping[str, str]:
        return stored
