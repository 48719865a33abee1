"""Did a person or a machine write this, and how sure is the rater? One text a screen."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from annotations.errors import AnswerError
from annotations.protocols.base import NO_TEXTS, Allowed, Instrument, Rules, ShownText, check_keys, letter
from annotations.protocols.criteria import Criterion
from annotations.protocols.judgements import FIELD, Judged, Judgement, Judgements, Point, confidence_of, seems_sure
from annotations.protocols.labels import Label, translated
from annotations.protocols.labels import translatable as _
from annotations.protocols.lessons import Lesson, Lessons
from texts.limits import shown


class Answer(NamedTuple):
    words: str
    judgement: Judgement


ANSWERS = {
    str(number): Answer(words, Judgement(human=human, confidence=confidence))
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


class HumanOrMachine(Judged):
    """Its number is 1 where a text was judged human, so that a system's mean is the share of its texts that were."""

    name = "human_or_machine"
    noun = "judgements"
    measure = "judged_human"
    instrument = Instrument("Options, of which one is chosen.", "Classification.")
    asked = "whether a person or a machine wrote a text, and how sure they were"
    least_texts = most_texts = usual_texts = 1
    found_bad_below = 0.0
    not_as_before = "another judgement, human or machine"
    attention = "This is no text but a check that you are reading: please answer that a machine wrote it."
    varies = {"item_sd": 0.25, "rater_sd": 0.15, "severity_sd": 0.15}
    usual_seconds = 15.0
    heading = _("Did a person or a machine write this?")
    told = _(
        "Some of these texts were written by people and some by machines, in no order. For each, choose which you "
        "think it was and how sure you are."
    )

    def question_in_full(self, label: Label) -> str:
        machine, person = (translated(ANSWERS[number].words) for number in ("1", "6"))
        return f"“{self.question(label)}”, from “{machine}” to “{person}”"

    def allowed(self, rules: Rules) -> Allowed:
        words = ", ".join(answer.words for answer in ANSWERS.values())
        return Allowed(f"{len(ANSWERS)}.", f"One of: {words}.")

    def screen(
        self, texts: Sequence[tuple[str, str]], draft: Mapping[str, str], *, criteria: Sequence[Criterion], rules: Rules
    ) -> dict[str, object]:
        fields = self.judged_fields(criteria, draft)
        points = [Point(number, number, translated(answer.words)) for number, answer in ANSWERS.items()]
        return {
            "candidates": [ShownText(letter(place), text, fields) for place, (_, text) in enumerate(texts)],
            "points": points,
        }

    def answers(self, fields: Mapping[str, str]) -> Mapping[str, object]:
        """A value that is no point stays as it is, for `read` to refuse."""
        return {
            name.removesuffix(FIELD): ANSWERS[value].judgement if value in ANSWERS else value
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
            criterion: Judgement(human=seems >= 0, confidence=seems_sure(seems))
            for criterion, seem in perceived.items()
            for seems in seem.values()
        }

    def lessons(self, stored: Judgements, shown: Sequence[str]) -> Lessons:
        """Whether a text was judged human, however sure the rater was."""
        return {
            criterion: Lesson(labels={candidate: each["human"] for candidate, each in judged.items()})
            for criterion, judged in stored.items()
        }

    def fields(self, stored: Judgements, *, names: Mapping[int, str]) -> dict[str, str]:
        return {
            f"{criterion}{FIELD}": number
            for criterion, judged in stored.items()
            for each in judged.values()
            for number, answer in ANSWERS.items()
            if answer.judgement == each
        }


def judgement(given: object, place: str) -> Judgement:
    parts = check_keys(given, ("human", "confidence"), place, "keys")
    human, confidence = parts["human"], parts["confidence"]
    if not isinstance(human, bool):
        raise AnswerError(f"{place}.human", f"{shown(human)} must be true or false", code="value")
    return Judgement(human=human, confidence=confidence_of(confidence, place))
