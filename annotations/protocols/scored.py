"""A number for every candidate, by each criterion."""

from collections.abc import Mapping, Sequence

from annotations.errors import AnswerError
from annotations.protocols.base import NO_TEXTS, Allowed, Field, Numbers, Protocol, Rules, ShownText, check_keys, letter
from annotations.protocols.criteria import Criterion
from annotations.protocols.labels import Label
from annotations.protocols.lessons import Lesson, Lessons, preferences_between
from texts.limits import shown

RELATIVE = "Relative: a screen shows texts of several systems. Each text gets its own score."


class Scored(Protocol[Numbers]):
    noun = "scores"
    measure = "mean"
    may_answer_alike = True
    varies = {"item_sd": 0.125, "rater_sd": 0.075, "residual_sd": 0.25, "severity_sd": 0.1}

    def allowed(self, rules: Rules) -> Allowed:
        low, high = self.ends(rules.scale)
        return Allowed(f"{high - low + 1:g}.", f"Whole numbers from {low:g} to {high:g}.")

    def question_in_full(self, label: Label) -> str:
        return f"{super().question_in_full(label)}, from “{label.low}” to “{label.high}”"

    def screen(
        self, texts: Sequence[tuple[str, str]], draft: Mapping[str, str], *, criteria: Sequence[Criterion], rules: Rules
    ) -> dict[str, object]:
        """A field is named `criterion:candidate`; its value is what the draft has."""
        labels = [(criterion.name, criterion.label) for criterion in criteria]
        return {
            "candidates": [
                ShownText(
                    letter(place),
                    text,
                    [
                        Field(
                            id=f"field-{place + 1}-{number}",
                            name=f"{criterion}:{name}",
                            label=label,
                            value=draft.get(f"{criterion}:{name}", ""),
                        )
                        for number, (criterion, label) in enumerate(labels, start=1)
                    ],
                )
                for place, (name, text) in enumerate(texts)
            ]
        }

    def answers(self, fields: Mapping[str, str]) -> Mapping[str, object]:
        answers: dict[str, dict[str, float | str]] = {}
        for field, value in fields.items():
            criterion, _, candidate = field.rpartition(":")  # a criterion's name may hold a colon
            answers.setdefault(criterion, {})[candidate] = number_or_text(value)
        return answers

    def simulated(
        self, perceived: Mapping[str, Mapping[str, float]], *, rules: Rules, texts: Mapping[str, str] = NO_TEXTS
    ) -> Mapping[str, object]:
        """The scale spans three standard deviations on either side."""
        low, high = self.ends(rules.scale)
        middle, deviation = (low + high) / 2, (high - low) / 6
        return {
            criterion: {name: round(min(max(middle + deviation * value, low), high)) for name, value in seem.items()}
            for criterion, seem in perceived.items()
        }

    def read(
        self,
        answers: object,
        *,
        criteria: Sequence[str],
        candidates: Mapping[str, int],
        rules: Rules,
        texts: Mapping[int, str] = NO_TEXTS,
    ) -> Numbers:
        ends = self.ends(rules.scale)
        return {
            criterion: {
                str(candidates[name]): self.score(value, ends, f"answers.{criterion}.{name}")
                for name, value in check_keys(of_it, candidates, f"answers.{criterion}", "candidates").items()
            }
            for criterion, of_it in check_keys(answers, criteria, "answers", "criteria").items()
        }

    def score(self, value: object, ends: tuple[float, float], place: str) -> float:
        low, high = ends
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise AnswerError(place, f"{shown(value)} must be a number from {low:g} to {high:g}", code="value")
        return float(value)

    def fields(self, stored: Numbers, *, names: Mapping[int, str]) -> dict[str, str]:
        return {
            f"{criterion}:{names[int(candidate)]}": f"{score:.15g}"
            for criterion, scores in stored.items()
            for candidate, score in scores.items()
        }

    def scores(self, stored: Numbers) -> Numbers:
        return stored

    def lessons(self, stored: Numbers, shown: Sequence[str]) -> Lessons:
        """The scores, and of every two texts of a screen the one with the higher score."""
        return {
            criterion: Lesson(scores=scores, preferences=preferences_between(scores))
            for criterion, scores in self.scores(stored).items()
        }


def number_or_text(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value
