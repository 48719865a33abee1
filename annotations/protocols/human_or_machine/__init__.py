"""Did a person or a machine write this, and how sure is the rater? One text a screen."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypedDict

from annotations.errors import AnswerError
from annotations.protocols.base import (
    NO_TEXTS,
    Allowed,
    Field,
    Instrument,
    Numbers,
    Protocol,
    Rules,
    ShownText,
    check_keys,
    letter,
)
from annotations.protocols.criteria import Criterion
from annotations.protocols.labels import Label, translated
from annotations.protocols.labels import translatable as _
from texts.limits import shown

FIELD = ":judgement"  # behind the criterion, in the name of a field
QUESTION = _("Did a person or a machine write this?")
MAX_CONFIDENCE = 3
SEEMS_SURE = 0.7  # standard deviations from the middle to each further step of confidence


class Judgement(TypedDict):
    human: bool
    confidence: int  # from 1 to `MAX_CONFIDENCE`


Judgements = Mapping[str, Mapping[str, Judgement]]  # by criterion and by the candidate's primary key, as a string


class Point(NamedTuple):
    """A point of the page's scale: its number there, and the answer that it is."""

    number: str
    words: str
    judgement: Judgement


POINTS = {
    str(number): Point(str(number), words, Judgement(human=human, confidence=confidence))
    for number, (words, human, confidence) in enumerate(
        [
            (_("definitely a machine"), False, 3),
            (_("probably a machine"), False, 2),
            (_("possibly a machine"), False, 1),
            (_("possibly a person"), True, 1),
            (_("probably a person"), True, 2),
            (_("definitely a person"), True, 3),
        ],
        start=1,
    )
}


class HumanOrMachine(Protocol[Judgements]):
    """Its number is 1 where a text was judged human, so that a system's mean is the share of its texts that were."""

    name = "human_or_machine"
    noun = "judgements"
    measure = "judged_human"
    level = "nominal"
    scale = (0.0, 1.0)
    instrument = Instrument("Options, of which one is chosen.", "Classification.")
    asked = "whether a person or a machine wrote a text, and how sure they were"
    number = int
    shown_here = True
    least_texts = most_texts = usual_texts = 1
    one_criterion = True
    teaches = True
    heading = QUESTION
    own_question = True
    missing = _("Choose an answer first")
    told = _(
        "Some of these texts were written by people and some by machines, in no order. For each, choose which you "
        "think it was and how sure you are."
    )

    def question(self, label: Label) -> str:
        return translated(QUESTION)

    def question_in_full(self, label: Label) -> str:
        machine, person = (translated(POINTS[number].words) for number in ("1", "6"))
        return f"“{self.question(label)}”, from “{machine}” to “{person}”"

    def allowed(self, rules: Rules) -> Allowed:
        points = ", ".join(point.words for point in POINTS.values())
        return Allowed(f"{len(POINTS)}.", f"One of: {points}.")

    def screen(
        self, texts: Sequence[tuple[str, str]], draft: Mapping[str, str], *, criteria: Sequence[Criterion], rules: Rules
    ) -> dict[str, object]:
        """A field is named `criterion:judgement`; its value is the number of a point."""
        fields = [
            Field(
                id=f"field-{number}",
                name=f"{criterion.name}{FIELD}",
                label=criterion.label._replace(question=translated(QUESTION)),
                value=draft.get(f"{criterion.name}{FIELD}", ""),
            )
            for number, criterion in enumerate(criteria, start=1)
        ]
        points = [point._replace(words=translated(point.words)) for point in POINTS.values()]
        return {
            "candidates": [ShownText(letter(place), text, fields) for place, (_, text) in enumerate(texts)],
            "points": points,
        }

    def answers(self, fields: Mapping[str, str]) -> Mapping[str, object]:
        """A value that is no point stays as it is, for `read` to refuse."""
        return {
            name.removesuffix(FIELD): POINTS[value].judgement if value in POINTS else value
            for name, value in fields.items()
            if name.endswith(FIELD)
        }

    def read(
        self,
        answers: object,
        *,
        criteria: Sequence[str],
        candidates: Mapping[str, int],
        rules: Rules,
        texts: Mapping[int, str] = NO_TEXTS,
    ) -> Judgements:
        judged = {
            criterion: judgement(given, f"answers.{criterion}")
            for criterion, given in check_keys(answers, criteria, "answers", "criteria").items()
        }
        return {criterion: {str(pk): each for pk in candidates.values()} for criterion, each in judged.items()}

    def simulated(
        self, perceived: Mapping[str, Mapping[str, float]], *, rules: Rules, texts: Mapping[str, str] = NO_TEXTS
    ) -> Mapping[str, object]:
        """A text is judged human from the middle up, the more surely the further it seems to be from there."""
        return {
            criterion: Judgement(human=seems >= 0, confidence=min(1 + int(abs(seems) / SEEMS_SURE), MAX_CONFIDENCE))
            for criterion, seem in perceived.items()
            for seems in seem.values()
        }

    def fields(self, stored: Judgements, *, names: Mapping[int, str]) -> dict[str, str]:
        return {
            f"{criterion}{FIELD}": point.number
            for criterion, judged in stored.items()
            for each in judged.values()
            for point in POINTS.values()
            if point.judgement == each
        }

    def scores(self, stored: Judgements) -> Numbers:
        """1 where a text was judged human, and 0 where it was not."""
        return of_each(stored, lambda judged: float(judged["human"]))

    def sureness(self, stored: Judgements) -> Numbers:
        """How sure the rater was that a person wrote the text, below 0 where it was judged a machine's."""
        return of_each(stored, lambda judged: float(judged["confidence"] if judged["human"] else -judged["confidence"]))

    def lessons(self, stored: Judgements) -> Numbers:
        """Of two texts that were judged human the one is better of which the rater was surer."""
        return self.sureness(stored)


def of_each(stored: Judgements, number: Callable[[Judgement], float]) -> Numbers:
    return {
        criterion: {candidate: number(each) for candidate, each in judged.items()}
        for criterion, judged in stored.items()
    }


def judgement(given: object, place: str) -> Judgement:
    parts = check_keys(given, ("human", "confidence"), place, "keys")
    human, confidence = parts["human"], parts["confidence"]
    if not isinstance(human, bool):
        raise AnswerError(f"{place}.human", f"{shown(human)} must be true or false", code="value")
    if type(confidence) is not int or not 1 <= confidence <= MAX_CONFIDENCE:
        wanted = f"must be a whole number from 1 to {MAX_CONFIDENCE}"
        raise AnswerError(f"{place}.confidence", f"{shown(confidence)} {wanted}", code="value")
    return Judgement(human=human, confidence=confidence)
