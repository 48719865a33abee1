"""The page takes what raters answer before and after the screens."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from annotations.campaigns.forms_due import form_after_screens, form_due
from annotations.campaigns.models import Rater
from annotations.campaigns.questionnaires import FORMS, FormError
from annotations.campaigns.services.endings import ending_of
from annotations.campaigns.services.questionnaires import form_submit
from annotations.campaigns.services.raters import completion_reach
from annotations.campaigns.views.form_fields import answers_typed, fields_typed, finish_address, form_context
from annotations.campaigns.views.joining import own_address
from annotations.campaigns.views.notes import note_named, note_of
from annotations.campaigns.views.rating import of_rater, rater_context, render_part, show, show_form
from annotations.errors import InputError


@require_http_methods(["GET", "POST"])
@of_rater
def questions(request: HttpRequest, rater: Rater) -> HttpResponse:
    """The form that the page shows is sent; or who has answered enough asks for the last one, though screens are
    left."""
    return form_answer(request, rater) if request.method == "POST" else form_ask(request, rater)


def form_ask(request: HttpRequest, rater: Rater) -> HttpResponse:
    due = form_after_screens(rater)
    if due is None or not finish_address(rater, completion_reach(rater=rater).answers):
        return redirect(own_address(rater))
    return show_form(request, rater, "", form_context(due) | {"finishing": True})


def form_answer(request: HttpRequest, rater: Rater) -> HttpResponse:
    form, typed, finishing = request.POST.get("form", ""), fields_typed(request), "finishing" in request.POST
    if form not in FORMS:
        return show(request, rater, note_named("form"))
    due = form_due(rater, form)
    try:
        answers = answers_typed(due, typed)
        sent = form_submit(rater=rater, form=form, attempt=attempt_in(request), answers=answers)
    except FormError as error:
        again = form_context(due, typed=typed, problems=error.problems)
        return show_form(request, rater, "", again | {"finishing": finishing})
    except InputError as error:
        return show(request, rater, note_of(error))
    if finishing and not rater.owes_exit:
        completion = completion_reach(rater=rater)
        thanks = {"completion": completion, "ending": ending_of(rater, completion), "finished": True}
        return render_part(request, {**rater_context(request, rater, ""), "part": "rating/_thanks.html", **thanks})
    failed = sent.passed is False and form not in rater.forms_left and rater.trial
    return show(request, rater, note_named("would_stop") if failed else "")


def attempt_in(request: HttpRequest) -> int:
    sent = request.POST.get("attempt", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 4 else 0
