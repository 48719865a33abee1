"""Which of two texts did a person write, and how sure is the rater? A person's and a system's text a screen."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotations.errors import AnswerError, InputError
from annotations.protocols.base import (
    NO_TEXTS,
    Allowed,
    Chosen,
    Instrument,
    Rules,
    ShownText,
    System,
    check_keys,
    letter,
)
from annotations.protocols.criteria import Criterion
from annotations.protocols.judgements import (
    FIELD,
    MAX_CONFIDENCE,
    Judged,
    Judgement,
    Judgements,
    Point,
    confidence_of,
    seems_sure,
)
from annotations.protocols.labels import Label, translated
from annotations.protocols.labels import translatable as _
from annotations.protocols.lessons import Lesson, Lessons, Preference
from texts.limits import shown

PEOPLE = "human"  # the system that is people
SURE = {3: _("definitely {letter}"), 2: _("probably {letter}"), 1: _("possibly {letter}")}
ONE_IS = "exactly one of the two texts is a person's"


class WhichIsHuman(Judged):
    """Two-alternative forced choice (Macmillan and Creelman 2005, chapter 7). An answer is stored as the judgements of
    both texts: of the one that was chosen that a person wrote it, of the other that a machine did."""

    name = "which_is_human"
    noun = "choices"
    measure = "chosen_as_human"
    instrument = Instrument(
        "Two texts, of which a person wrote exactly one. Options, of which one is chosen.",
        "Classification.",
        "Relative: a screen shows a person's text and a system's, and the person's is to be chosen.",
    )
    asked = "which of two texts a person wrote, and how sure they were"
    least_texts = most_texts = usual_texts = 2
    attention = "This is no text but a check that you are reading: please choose the other one."
    not_as_before = "fewer than half of the choices the same"
    varies = {"item_sd": 0.2, "rater_sd": 0.1, "ties": 0.0}
    heading = _("Which of these two texts did a person write?")
    told = _(
        "On every screen a person wrote one of the two texts, and a machine wrote the other one. Choose the one that "
        "you think a person wrote, and how sure you are."
    )

    def question_in_full(self, label: Label) -> str:
        first, second = (translated(SURE[MAX_CONFIDENCE]).format(letter=letter(place)) for place in (0, 1))
        return f"“{self.question(label)}”, from “{first}” to “{second}”"

    def allowed(self, rules: Rules) -> Allowed:
        return Allowed(
            f"{2 * MAX_CONFIDENCE}.",
            "The first text, definitely, probably or possibly; or the second text, possibly, probably or definitely.",
        )

    def shown_always(self, people: Sequence[System]) -> Sequence[System]:
        return people

    def check_campaign(self, *, systems: Sequence[str], **others: Any) -> None:
        super().check_campaign(systems=systems, **others)
        if PEOPLE not in systems:
            why = f"the protocol '{self.name}' shows a person's text on every screen"
            raise InputError("systems", f"'{PEOPLE}' is missing", why)

    def widest_margin(self, points: int | None = None) -> tuple[float, str]:
        return 0.5, "how far a share of right choices can be from one half"

    def screen(
        self, texts: Sequence[tuple[str, str]], draft: Mapping[str, str], *, criteria: Sequence[Criterion], rules: Rules
    ) -> dict[str, object]:
        """The value of a field is a candidate's random id and a confidence, with a colon between them."""
        steps = [
            (place, sure) for place, order in enumerate((sorted(SURE, reverse=True), sorted(SURE))) for sure in order
        ]
        return {
            "candidates": [ShownText(letter(place), text) for place, (_, text) in enumerate(texts)],
            "fields": self.judged_fields(criteria, draft),
            "points": [
                Point(str(number), f"{texts[place][0]}:{sure}", translated(SURE[sure]).format(letter=letter(place)))
                for number, (place, sure) in enumerate(steps, start=1)
            ],
        }

    def answers(self, fields: Mapping[str, str]) -> Mapping[str, object]:
        """A confidence that is none stays as it is, for `read` to refuse."""
        answers = {}
        for name, value in fields.items():
            if name.endswith(FIELD):
                human, _, sure = value.rpartition(":")
                confidence = {str(each): each for each in SURE}.get(sure, sure)
                answers[name.removesuffix(FIELD)] = {"human": human, "confidence": confidence}
        return answers

    def read(
        self,
        answers: object,
        *,
        criteria: Sequence[str],
        candidates: Mapping[str, int],
        rules: Rules,
        texts: Mapping[int, str] = NO_TEXTS,
    ) -> Judgements:
        stored = {}
        for criterion, given in check_keys(answers, criteria, "answers", "criteria").items():
            place = f"answers.{criterion}"
            parts = check_keys(given, ("human", "confidence"), place, "keys")
            human = parts["human"]
            if not isinstance(human, str) or human not in candidates:
                one_of = f"{shown(human)} must be one of {', '.join(candidates)}"
                raise AnswerError(f"{place}.human", one_of, ONE_IS, code="value")
            confidence = confidence_of(parts["confidence"], place)
            stored[criterion] = {
                str(pk): Judgement(human=name == human, confidence=confidence) for name, pk in candidates.items()
            }
        return stored

    def simulated(
        self, perceived: Mapping[str, Mapping[str, float]], *, rules: Rules, texts: Mapping[str, str] = NO_TEXTS
    ) -> Mapping[str, object]:
        """The text that seems better is taken for the person's, the first if they seem the same: the more surely the
        further the two are apart."""
        chosen = {}
        for criterion, seem in perceived.items():
            human, worst = max(seem, key=seem.__getitem__), min(seem.values())
            chosen[criterion] = {"human": human, "confidence": seems_sure(seem[human] - worst)}
        return chosen

    def fields(self, stored: Judgements, *, names: Mapping[int, str]) -> dict[str, str]:
        return {
            f"{criterion}{FIELD}": f"{names[int(candidate)]}:{each['confidence']}"
            for criterion, judged in stored.items()
            for candidate, each in judged.items()
            if each["human"]
        }

    def lessons(self, stored: Judgements, shown: Sequence[str]) -> Lessons:
        """The text that was taken for a person's over the other one, however sure the rater was."""
        return {
            criterion: Lesson("choice", preferences=[Preference(chosen, other) for other in shown if other != chosen])
            for criterion, chosen in self.choices(stored).items()
        }

    def choices(self, stored: Judgements) -> Chosen:
        return {
            criterion: candidate
            for criterion, judged in stored.items()
            for candidate, each in judged.items()
            if each["human"]
        }
