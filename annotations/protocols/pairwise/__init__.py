"""Which of two candidates is better, by each criterion, or that neither is."""

from collections.abc import Mapping, Sequence

from annotations.errors import AnswerError
from annotations.protocols.base import (
    NO_TEXTS,
    SEEMS_EQUAL,
    TIE,
    Allowed,
    Chosen,
    Field,
    Instrument,
    Protocol,
    Rules,
    ShownText,
    check_keys,
    letter,
)
from annotations.protocols.criteria import Criterion
from annotations.protocols.labels import Label
from annotations.protocols.labels import translatable as _
from annotations.protocols.lessons import Lesson, Lessons, Preference
from texts.limits import shown

FIELD = ":choice"  # behind the criterion, in the name of a field


class Pairwise(Protocol[Chosen]):
    """Its numbers are made in a report: the share of comparisons that a system won, from 0 to 1."""

    name = "pairwise"
    noun = "choices"
    measure = "strength"
    level = "nominal"
    scale = (0.0, 1.0)
    instrument = Instrument("Options, of which one is chosen.", "Relative estimation of quality.")
    asked = "which of two texts is better"
    shown_here = True
    may_tie = True
    varies = {"item_sd": 0.15, "rater_sd": 0.1, "ties": 0.1}
    least_texts = most_texts = usual_texts = 2
    heading = _("Compare two texts at a time")
    attention = "This is no text but a check that you are reading: please choose the other one."
    not_as_before = "fewer than half of the choices the same"
    missing = _("Answer every question first")

    def question(self, label: Label) -> str:
        return label.which

    def allowed(self, rules: Rules) -> Allowed:
        if rules.ties:
            return Allowed("3.", "The first text, the second text, a tie.")
        return Allowed("2.", "The first text, the second text.")

    def asked_for(self, rules: Rules) -> str:
        return f"{self.asked}, or whether neither is" if rules.ties else self.asked

    def screen(
        self, texts: Sequence[tuple[str, str]], draft: Mapping[str, str], *, criteria: Sequence[Criterion], rules: Rules
    ) -> dict[str, object]:
        """A field is named `criterion:choice`; its value is a candidate's random id or `tie`."""
        candidates = [ShownText(letter(place), text) for place, (_, text) in enumerate(texts)]
        options = [(name, letter(place)) for place, (name, _) in enumerate(texts)]
        if rules.ties:
            options.insert(1, (TIE, ""))
        fields = [
            Field(
                id=f"field-{number}",
                name=f"{criterion.name}{FIELD}",
                label=criterion.label,
                value=draft.get(f"{criterion.name}{FIELD}", ""),
            )
            for number, criterion in enumerate(criteria, start=1)
        ]
        return {"candidates": candidates, "fields": fields, "options": options}

    def answers(self, fields: Mapping[str, str]) -> Mapping[str, object]:
        return {name.removesuffix(FIELD): value for name, value in fields.items() if name.endswith(FIELD)}

    def read(
        self,
        answers: object,
        *,
        criteria: Sequence[str],
        candidates: Mapping[str, int],
        rules: Rules,
        texts: Mapping[int, str] = NO_TEXTS,
    ) -> Chosen:
        stored = {name: str(pk) for name, pk in candidates.items()} | ({TIE: TIE} if rules.ties else {})
        chosen = {}
        for criterion, name in check_keys(answers, criteria, "answers", "criteria").items():
            if not isinstance(name, str) or name not in stored:
                place = f"answers.{criterion}"
                raise AnswerError(place, f"{shown(name)} must be one of {', '.join(stored)}", code="value")
            chosen[criterion] = stored[name]
        return chosen

    def simulated(
        self, perceived: Mapping[str, Mapping[str, float]], *, rules: Rules, texts: Mapping[str, str] = NO_TEXTS
    ) -> Mapping[str, object]:
        """Texts that seem equally good within `SEEMS_EQUAL` are a tie, where there are ties; otherwise the better one,
        the first if they seem the same."""
        chosen = {}
        for criterion, seem in perceived.items():
            best, worst = max(seem, key=seem.__getitem__), min(seem.values())
            chosen[criterion] = TIE if rules.ties and seem[best] - worst < SEEMS_EQUAL else best
        return chosen

    def fields(self, stored: Chosen, *, names: Mapping[int, str]) -> dict[str, str]:
        return {
            f"{criterion}{FIELD}": TIE if chosen == TIE else names[int(chosen)] for criterion, chosen in stored.items()
        }

    def choices(self, stored: Chosen) -> Chosen:
        return stored

    def lessons(self, stored: Chosen, shown: Sequence[str]) -> Lessons:
        """The chosen text over the other one, or that neither is better."""
        one, other = shown
        return {
            criterion: Lesson(
                "choice",
                preferences=[Preference(other, one) if chosen == other else Preference(one, other, tie=chosen == TIE)],
            )
            for criterion, chosen in stored.items()
        }

    def takes_choices(self) -> bool:
        return True

    def widest_margin(self, points: int | None = None) -> tuple[float, str]:
        return 0.5, "how far a share won can be from one half"
