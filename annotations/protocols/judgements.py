"""Who wrote: what raters judge, of a text alone or of two together, and how sure they are."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypedDict

from annotations.errors import AnswerError
from annotations.protocols.base import Field, Numbers, Protocol
from annotations.protocols.criteria import Criterion
from annotations.protocols.labels import Label, translated
from annotations.protocols.labels import translatable as _
from texts.limits import shown

FIELD = ":judgement"  # behind the criterion, in the name of a field
MAX_CONFIDENCE = 3
SEEMS_SURE = 0.7  # standard deviations to each further step of confidence


class Judgement(TypedDict):
    human: bool
    confidence: int  # from 1 to `MAX_CONFIDENCE`


Judgements = Mapping[str, Mapping[str, Judgement]]  # by criterion and by the candidate's primary key, as a string


class Point(NamedTuple):
    """A point of the page's scale: its number there, the field's value where it is chosen, and what it says."""

    number: str
    value: str
    words: str


class Judged(Protocol[Judgements]):
    """A text's number is 1 where it was judged human. Its heading is its question."""

    level = "nominal"
    scale = (0.0, 1.0)
    number = int
    shown_here = True
    one_criterion = True
    own_question = True
    missing = _("Choose an answer first")

    def question(self, label: Label) -> str:
        return translated(self.heading)

    def judged_fields(self, criteria: Sequence[Criterion], draft: Mapping[str, str]) -> list[Field]:
        """A field is named `criterion:judgement`; its value is that of a point."""
        return [
            Field(
                id=f"field-{number}",
                name=f"{criterion.name}{FIELD}",
                label=criterion.label._replace(question=self.question(criterion.label)),
                value=draft.get(f"{criterion.name}{FIELD}", ""),
            )
            for number, criterion in enumerate(criteria, start=1)
        ]

    def scores(self, stored: Judgements) -> Numbers:
        """1 where a text was judged human, and 0 where it was not."""
        return of_each(stored, lambda judged: float(judged["human"]))

    def sureness(self, stored: Judgements) -> Numbers:
        """How sure the rater was that a person wrote the text, below 0 where it was judged a machine's."""
        return of_each(stored, lambda judged: float(judged["confidence"] if judged["human"] else -judged["confidence"]))

    def goodness(self, stored: Judgements) -> Numbers:
        """Of two texts that were judged human the one is better of which the rater was surer."""
        return self.sureness(stored)


def of_each(stored: Judgements, number: Callable[[Judgement], float]) -> Numbers:
    return {
        criterion: {candidate: number(each) for candidate, each in judged.items()}
        for criterion, judged in stored.items()
    }


def confidence_of(given: object, place: str) -> int:
    """Checked; raises AnswerError."""
    if type(given) is not int or not 1 <= given <= MAX_CONFIDENCE:
        wanted = f"must be a whole number from 1 to {MAX_CONFIDENCE}"
        raise AnswerError(f"{place}.confidence", f"{shown(given)} {wanted}", code="value")
    return given


def seems_sure(apart: float) -> int:
    """The confidence of a simulated rater, by so many standard deviations."""
    return min(1 + int(abs(apart) / SEEMS_SURE), MAX_CONFIDENCE)
