"""Reads of the form that a rater has to fill in next: nobody comes by it to the screens, or to a completion code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotations.campaigns.models import QuestionnaireAnswer, Rater
from annotations.campaigns.questionnaires import ATTEMPTS, Question, ShownQuestion, question_shown, wrong_in

BEFORE_SCREENS = ("entry", "comprehension")


@dataclass(frozen=True)
class FormDue:
    """A form that a rater has to fill in; in a second attempt with the answers of the first, and which were wrong."""

    form: str
    questions: Sequence[Question]
    attempt: int = 1
    before: Mapping[str, Any] = field(default_factory=dict)
    wrong: Sequence[str] = ()

    @property
    def right(self) -> dict[str, Any]:
        return {question: answer for question, answer in self.before.items() if question not in self.wrong}

    @property
    def shown(self) -> list[ShownQuestion]:
        """In the active language."""
        return [question_shown(each) for each in self.questions]


def form_before_screens(rater: Rater) -> FormDue | None:
    return next((form_due(rater, form) for form in rater.forms_left if form in BEFORE_SCREENS), None)


def form_after_screens(rater: Rater) -> FormDue | None:
    return form_due(rater, "exit") if rater.owes_exit else None


def form_due(rater: Rater, form: str) -> FormDue:
    questions = rater.campaign.questions(form)
    last = None
    if form in ATTEMPTS:
        last = QuestionnaireAnswer.objects.filter(rater=rater, form=form).order_by("attempt").last()
    if last is None:
        return FormDue(form, questions)
    return FormDue(form, questions, last.attempt + 1, last.answers, wrong_in(questions, last.answers))
