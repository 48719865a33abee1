"""Writes of what raters answer before and after the screens. A form is written once, whatever is sent twice or at
once."""

from contextlib import suppress

from django.db import transaction

from annotations.campaigns.forms_due import FormDue
from annotations.campaigns.models import Campaign, QuestionnaireAnswer, Rater
from annotations.campaigns.questionnaires import ATTEMPTS, FORMS, FormError, answers_read, wrong_in
from annotations.campaigns.services.raters import completion_of, rater_stop
from annotations.campaigns.services.screens import assignment_next, check_open
from annotations.errors import AnswerError, ConflictError
from texts.limits import shown


@transaction.atomic
def form_submit(*, rater: Rater, form: object, answers: object, attempt: int = 1) -> QuestionnaireAnswer:
    """Store a form. The same again gives the same row again. Who answers a comprehension check wrongly for the last
    time is stopped; a dry run, and who was readmitted, goes on.

    Raises AnswerError for an unknown form, FormError for answers that cannot be taken, ConflictError for a form that is
    not the one that is due or was sent with other answers before, and where the campaign or the rater's part has ended.
    """
    if form not in FORMS:
        raise AnswerError("questionnaire", f"{shown(form)} is not one of {', '.join(FORMS)}", code="form")
    # In the order of all that stops or erases a rater. Two windows of one rater wait for each other here.
    Campaign.objects.select_for_update(no_key=True).get(pk=rater.campaign_id)
    rater.forms_due = Rater.objects.select_for_update().values_list("forms_due", flat=True).get(pk=rater.pk)
    sent = {row.attempt: row for row in QuestionnaireAnswer.objects.filter(rater=rater, form=form)}
    questions = rater.campaign.questions(str(form))
    if before := sent.get(attempt):
        with suppress(FormError):
            if answers_read(questions, answers) == before.answers:
                return before
        raise ConflictError("", f"the questionnaire '{form}' was answered already, otherwise", code="answered")
    check_open(rater)
    check_due(rater, str(form), attempt, len(sent) + 1)
    if form == "exit" and completion_of(rater).missing and not isinstance(assignment_next(rater=rater), FormDue):
        raise ConflictError("questionnaire", "'exit' is not due", "screens are left to be answered", code="not_due")
    read = answers_read(questions, answers)
    passed = not wrong_in(questions, read) if form in ATTEMPTS else None
    row = QuestionnaireAnswer.objects.create(rater=rater, form=str(form), attempt=attempt, answers=read, passed=passed)
    over = passed is not False or attempt >= ATTEMPTS[str(form)]
    if over:
        left = [each for each in rater.forms_left if each != form]
        Rater.objects.filter(pk=rater.pk).update(forms_due=" ".join(left))
        rater.forms_due = " ".join(left)
    if over and passed is False and not rater.trial:
        wrong = len(wrong_in(questions, read))
        said = f"answered {wrong} of {len(questions)} questions about the instructions wrongly in attempt {attempt}"
        rater_stop(rater=rater, rule=str(form), reason=said)
    return row


def check_due(rater: Rater, form: str, attempt: int, expected: int) -> None:
    """Raises ConflictError where the form is not the rater's next one, AnswerError where the attempt is not."""
    due = rater.forms_left[:1]
    if [form] != due:
        said = f"'{due[0]}' is" if due else "none is"
        raise ConflictError("questionnaire", f"'{form}' is not due", f"{said} due now", code="not_due")
    if attempt != expected:
        raise AnswerError("attempt", f"{attempt} must be {expected}", code="form")
