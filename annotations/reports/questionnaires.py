"""What raters answered before and after the screens: counted for the report, and row by row for an export."""

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from django.db.models import Count, Max

from annotations.campaigns.models import Campaign, QuestionnaireAnswer
from annotations.campaigns.questionnaires import ATTEMPTS, FORMS, Question, share_passing_by_chance, wrong_in
from annotations.reports.schema.questionnaires import ComprehensionResult, QuestionAnswers


class AnswerRow(NamedTuple):
    """An answer; `right` is of a comprehension check alone."""

    rater: str  # pseudonym
    excluded: bool
    questionnaire: str
    attempt: int
    question: str
    kind: str
    text: str
    answer: str | int
    right: bool | None
    sent_at: str  # ISO 8601


def answer_rows(campaign: Campaign) -> Iterator[AnswerRow]:
    """Of all raters but dry runs, in the order in which they were sent."""
    rows = QuestionnaireAnswer.objects.filter(rater__campaign=campaign, rater__trial=False).select_related("rater")
    questions = {form: {each.id: each for each in campaign.questions(form)} for form in FORMS}
    for row in rows.order_by("pk").iterator():
        wrong = wrong_in(list(questions[row.form].values()), row.answers)
        for name, question in questions[row.form].items():
            if name in row.answers:
                yield AnswerRow(
                    str(row.rater.public_id),
                    row.rater.excluded_at is not None,
                    row.form,
                    row.attempt,
                    name,
                    question.kind,
                    question.text,
                    row.answers[name],
                    name not in wrong if row.form in ATTEMPTS else None,
                    row.created_at.isoformat(),
                )


def answers_of(campaign: Campaign, form: str) -> list[QuestionAnswers]:
    """Of raters who count."""
    theirs = QuestionnaireAnswer.objects.filter(rater__campaign=campaign, rater__trial=False, rater__excluded_at=None)
    sent = list(theirs.filter(form=form).values_list("answers", flat=True))
    return [
        question_answers(question, [answers[question.id] for answers in sent if question.id in answers])
        for question in campaign.questions(form)
    ]


def question_answers(question: Question, answers: Sequence[Any]) -> QuestionAnswers:
    return QuestionAnswers(
        id=question.id,
        text=question.text,
        kind=question.kind,
        n=len(answers),
        counts={option: answers.count(option) for option in question.options},
        mean=fmean(answers) if question.kind == "scale" and answers else None,
        low=f"{question.low}: {question.low_label}" if question.kind == "scale" else "",
        high=f"{question.high}: {question.high_label}" if question.kind == "scale" else "",
    )


def comprehension_of(campaign: Campaign) -> ComprehensionResult | None:
    """Of all raters but dry runs, those too who were stopped."""
    questions = campaign.questions("comprehension")
    if not questions:
        return None
    theirs = QuestionnaireAnswer.objects.filter(
        rater__campaign=campaign, rater__trial=False, form="comprehension"
    ).order_by()
    passed = dict(theirs.filter(passed=True).values_list("attempt").annotate(count=Count("pk")))
    ended = theirs.values("rater").annotate(last=Max("attempt")).filter(last=ATTEMPTS["comprehension"]).count()
    return ComprehensionResult(
        questions=[question.text for question in questions],
        first=passed.get(1, 0),
        second=passed.get(2, 0),
        failed=ended - passed.get(2, 0),
        by_chance=share_passing_by_chance(questions),
    )


def asked_in_words(campaign: Campaign) -> Iterator[tuple[str, list[str]]]:
    """The questions that a campaign declares, by what their form is called."""
    for form, title in FORMS.items():
        if questions := campaign.questions(form):
            yield title, [question_in_words(question) for question in questions]


def question_in_words(question: Question) -> str:
    optional = "" if question.required else ", optional"
    if question.kind == "text":
        return f"{question.text} (text{optional})"
    if question.kind == "choice":
        return f"{question.text} (one of: {'; '.join(question.options)}{optional})"
    ends = f"{question.low}, {question.low_label}, to {question.high}, {question.high_label}"
    return f"{question.text} (from {ends}{optional})"
