"""What the rating page needs to ask raters before and after the screens."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from annotations.campaigns.forms_due import FormDue
from annotations.campaigns.models import Rater
from annotations.campaigns.questionnaires import PROBLEMS, ShownQuestion
from annotations.campaigns.services.raters import may_finish
from annotations.protocols.labels import translated

PREFIX = "question:"  # of the names of fields
# What a form's page is called, what it begins with, and what is said above what is wrong.
TITLES = {
    "entry": _("Before you begin"),
    "comprehension": _("A few questions about the instructions"),
    "exit": _("A few last questions"),
}
LEADS = {
    "entry": _("Please answer these questions first."),
    "comprehension": _("Please answer these questions before you begin. You have two attempts."),
    "exit": _("Please answer these questions to finish."),
}
UNSENT, WRONG = (
    _("Something is missing or cannot be taken as it is. Nothing was sent."),
    _("Some answers were not right. Please read the instructions again: this is your last attempt."),
)


class AskedField(NamedTuple):
    """A question with what was typed or chosen, and what is wrong with it."""

    question: ShownQuestion
    value: str
    problem: str

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.question.id}"

    @property
    def points(self) -> list[str]:
        return [str(point) for point in self.question.points]


def form_context(
    due: FormDue, *, typed: Mapping[str, str] | None = None, problems: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What a form's template needs: as it was typed, where it could not be taken."""
    values: Mapping[str, Any] = due.right if typed is None else typed
    problems = dict.fromkeys(due.wrong, "wrong") if problems is None else problems
    fields = [
        AskedField(question, str(values.get(question.id, "")), problem_in_words(problems.get(question.id)))
        for question in due.shown
    ]
    return {
        "due": due,
        "title": TITLES[due.form],
        "lead": LEADS[due.form],
        "fields": fields,
        "wrong": [field for field in fields if field.problem],
        "wrong_lead": WRONG if typed is None else UNSENT,
    }


def problem_in_words(code: str | None) -> str:
    return translated(PROBLEMS[code]) if code else ""


def fields_typed(request: HttpRequest) -> dict[str, str]:
    """By question."""
    return {name.removeprefix(PREFIX): str(value) for name, value in request.POST.items() if name.startswith(PREFIX)}


def answers_typed(due: FormDue, typed: Mapping[str, str]) -> dict[str, Any]:
    """As the rater API takes them: a point of a scale as a number. A part of the page that is not there is an answer
    that is missing."""
    scales = {question.id for question in due.questions if question.kind == "scale"}
    return {
        name: int(value) if name in scales and value.isascii() and value.isdigit() and len(value) < 9 else value
        for name, value in typed.items()
    }


def finish_address(rater: Rater, answers: int) -> str:
    """Where a rater with so many answers gets to the last questions, though screens are left; empty where they
    cannot."""
    if not may_finish(rater=rater, answers=answers):
        return ""
    return f"{reverse('rate-questions', args=[rater.campaign.token])}?{urlencode({'whose': rater.public_id})}"
