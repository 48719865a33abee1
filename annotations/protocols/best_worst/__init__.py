"""Which of a screen's texts is best and which is worst, by each criterion (best-worst scaling)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from annotations.errors import AnswerError
from annotations.protocols.base import (
    NO_TEXTS,
    Allowed,
    Field,
    Instrument,
    Numbers,
    Rules,
    ShownText,
    check_keys,
    letter,
)
from annotations.protocols.criteria import Criterion
from annotations.protocols.labels import Label
from annotations.protocols.labels import translatable as _
from annotations.protocols.lessons import Lesson, Lessons, preferences_between
from annotations.protocols.scored import Scored
from texts.limits import shown

CHOSEN = {"best": 1.0, "worst": -1.0}
SAME = "the text chosen as best cannot also be the worst"


class ChoicesBy(NamedTuple):
    """The two choices by a criterion, as the page shows them."""

    label: Label
    best: Field
    worst: Field


class BestWorst(Scored):
    """Its scores are 1 for the best text, −1 for the worst and 0 for every other, so that a mean is best − worst counts
    by times shown (Louviere, Flynn and Marley 2015)."""

    name = "best_worst"
    measure = "best_minus_worst"
    level = "ordinal"
    scale = (-1.0, 1.0)
    instrument = Instrument(
        "Options, of which one is chosen as the best and another one as the worst.", "Relative estimation of quality."
    )
    asked = "which of the texts on a screen is best and which is worst"
    number = int
    shown_here = True
    least_texts = 3
    attention = "This is no text but a check that you are reading: please choose it as the worst."
    not_as_before = "fewer than half of the choices the same"
    usual_texts = 4
    varies = {"item_sd": 0.25, "rater_sd": 0.15, "residual_sd": 0.5, "severity_sd": 0.0}
    heading = _("Choose the best and the worst text")
    missing = _("Choose the best and the worst first")

    def question(self, label: Label) -> str:
        return f"{label.best} {label.worst}"

    def question_in_full(self, label: Label) -> str:
        return f"“{self.question(label)}”"

    def allowed(self, rules: Rules) -> Allowed:
        return Allowed(
            "n × (n − 1) for a screen of n texts: 12 for four.",
            "Any text as the best, and any other one as the worst.",
        )

    def screen(
        self, texts: Sequence[tuple[str, str]], draft: Mapping[str, str], *, criteria: Sequence[Criterion], rules: Rules
    ) -> dict[str, object]:
        """Fields are named `criterion:best` and `criterion:worst`; their value is a candidate's random id."""
        return {
            "candidates": [ShownText(letter(place), text) for place, (_, text) in enumerate(texts)],
            "options": [(name, letter(place)) for place, (name, _) in enumerate(texts)],
            "choices": [choices_by(criterion, number, draft) for number, criterion in enumerate(criteria, start=1)],
        }

    def answers(self, fields: Mapping[str, str]) -> Mapping[str, object]:
        answers: dict[str, dict[str, str]] = {}
        for field, value in fields.items():
            criterion, _, kind = field.rpartition(":")  # a criterion's name may hold a colon
            answers.setdefault(criterion, {})[kind] = value
        return answers

    def simulated(
        self, perceived: Mapping[str, Mapping[str, float]], *, rules: Rules, texts: Mapping[str, str] = NO_TEXTS
    ) -> Mapping[str, object]:
        """What seems best and what seems worst, of equal ones the first and the last."""
        orders = {criterion: sorted(seem, key=seem.__getitem__, reverse=True) for criterion, seem in perceived.items()}
        return {criterion: {"best": order[0], "worst": order[-1]} for criterion, order in orders.items()}

    def read(
        self,
        answers: object,
        *,
        criteria: Sequence[str],
        candidates: Mapping[str, int],
        rules: Rules,
        texts: Mapping[int, str] = NO_TEXTS,
    ) -> Numbers:
        stored = {}
        for criterion, given in check_keys(answers, criteria, "answers", "criteria").items():
            place = f"answers.{criterion}"
            chosen = check_keys(given, CHOSEN, place, "choices")
            for kind, name in chosen.items():
                if not isinstance(name, str) or name not in candidates:
                    one_of = ", ".join(candidates)
                    raise AnswerError(f"{place}.{kind}", f"{shown(name)} must be one of {one_of}", code="value")
            if chosen["best"] == chosen["worst"]:
                raise AnswerError(f"{place}.worst", SAME, "choose another text as best or as worst", code="same")
            numbers = {name: CHOSEN[kind] for kind, name in chosen.items()}
            stored[criterion] = {str(pk): numbers.get(name, 0.0) for name, pk in candidates.items()}
        return stored

    def agrees(self, first: Numbers, later: Numbers, twins: Mapping[str, str], rules: Rules) -> bool:
        chosen = [
            (criterion, score, pk) for criterion, scores in first.items() for pk, score in scores.items() if score != 0
        ]
        again = {(criterion, score, twins[pk]) for criterion, scores in later.items() for pk, score in scores.items()}
        return 2 * len(again & set(chosen)) >= len(chosen)

    def lessons(self, stored: Numbers, shown: Sequence[str]) -> Lessons:
        """The best text over every other, and every other over the worst; between the others nothing was said."""
        return {
            criterion: Lesson("ranking", preferences=[each for each in preferences_between(scores) if not each.tie])
            for criterion, scores in stored.items()
        }

    def fields(self, stored: Numbers, *, names: Mapping[int, str]) -> dict[str, str]:
        return {
            f"{criterion}:{kind}": names[int(candidate)]
            for criterion, scores in stored.items()
            for kind, chosen in CHOSEN.items()
            for candidate, score in scores.items()
            if score == chosen
        }


def choices_by(criterion: Criterion, number: int, draft: Mapping[str, str]) -> ChoicesBy:
    """Where two windows have set one text as best and as worst, only the best is shown."""
    best, worst = (f"{criterion.name}:{kind}" for kind in CHOSEN)
    values = {best: draft.get(best, ""), worst: draft.get(worst, "")}
    if values[best] == values[worst]:
        values[worst] = ""
    label = criterion.label
    return ChoicesBy(label, *(Field(f"field-{number}-{name}", name, label, value) for name, value in values.items()))
