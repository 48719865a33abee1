"""A protocol as somebody else could add it: would a person have written this, yes or no? Nothing but this folder."""

from annotations.errors import AnswerError
from annotations.protocols.base import Allowed, Instrument, Rules
from annotations.protocols.labels import Label
from annotations.protocols.scored import RELATIVE, Scored

QUESTION = "Would a person have written this?"


class YesNo(Scored):
    name = "yes_no"
    level = "ordinal"
    scale = (0.0, 1.0)
    instrument = Instrument("Two options, yes and no.", "Classification.", RELATIVE)
    asked = "of every text whether a person would have written it, no being {low:g} and yes {high:g}"
    number = int
    shown_here = True
    own_question = True
    missing = "Say yes or no of every text"

    def question(self, label: Label) -> str:
        return QUESTION

    def question_in_full(self, label: Label) -> str:
        return f"“{QUESTION}”"

    def allowed(self, rules: Rules) -> Allowed:
        return Allowed("2.", "No (0) and yes (1).")

    def score(self, value: object, ends: tuple[float, float], place: str) -> float:
        if isinstance(value, bool) or value not in (0, 1):
            raise AnswerError(place, "must be 0, for no, or 1, for yes", code="value")
        return 1.0 if value else 0.0
