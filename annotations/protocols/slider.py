"""A number from 0 to 100 for every candidate, by each criterion. A slider that was not touched is no answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotations.errors import AnswerError
from annotations.protocols.base import Protocol

LOWEST, HIGHEST = 0, 100


class Slider(Protocol):
    name = "slider"

    def read(self, answers: Any, *, criteria: Sequence[str], candidates: Mapping[str, int]) -> dict[str, Any]:
        check_keys(answers, criteria, "answers", "criteria")
        return {
            criterion: {
                str(candidates[name]): number(answers[criterion][name], f"answers.{criterion}.{name}")
                for name in check_keys(answers[criterion], candidates, f"answers.{criterion}", "candidates")
            }
            for criterion in criteria
        }

    def fields(self, stored: Mapping[str, Any], *, names: Mapping[int, str]) -> dict[str, str]:
        return {
            f"{criterion}:{names[int(candidate)]}": f"{score:g}"
            for criterion, scores in stored.items()
            for candidate, score in scores.items()
        }

    def scores(self, stored: Mapping[str, Any]) -> Mapping[str, Mapping[str, float]]:
        return stored


def check_keys(given: Any, wanted: Sequence[str] | Mapping[str, Any], place: str, what: str) -> list[str]:
    """The wanted keys, if the object has exactly those."""
    if not isinstance(given, dict):
        raise AnswerError(f"{place}: must be an object with the {what} {', '.join(wanted)}")
    if missing := [key for key in wanted if key not in given]:
        raise AnswerError(f"{place}.{missing[0]}: not answered; the {what} are {', '.join(wanted)}")
    if unknown := [key for key in given if key not in wanted]:
        raise AnswerError(f"{place}.{unknown[0]}: is none of the {what}, which are {', '.join(wanted)}")
    return list(wanted)


def number(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not LOWEST <= value <= HIGHEST:
        raise AnswerError(f"{place}: {value!r} must be a number from {LOWEST} to {HIGHEST}")
    return float(value)
