"""Erasing a rater: the page that says what goes and what stays, and asks."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from annotations.campaigns.forms import EraseForm
from annotations.campaigns.models import Campaign
from annotations.errors import InputError
from annotations.plurals import counted
from annotations.removal.erasing import LOG_LEFT, elsewhere, erasure_of, identities, log_empty, person_erase
from annotations.web.pages import page_for, render_page


@require_POST
@page_for("annotations.change_campaign")
def erase(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask what the form names, and erase it once that was answered with `confirm`. No address holds an id."""
    campaign = get_object_or_404(Campaign, pk=pk)
    form = EraseForm(request.POST, campaign=campaign)
    if not form.is_valid():
        messages.error(request, "; ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect(campaign)
    try:
        identity = next(iter(identities(form.cleaned_data["name"], [campaign])), None)
    except InputError as error:
        messages.error(request, str(error))
        return redirect(campaign)
    if identity is None:
        messages.info(request, "That rater has already been erased.")
        if not log_empty():
            messages.warning(request, f"{LOG_LEFT[0].upper()}{LOG_LEFT[1:]}.")
        return redirect(campaign)
    others = elsewhere(identity)
    if not request.POST.get("confirm"):
        context = {"campaign": campaign, "erasure": erasure_of(identity), "asked": form.data}
        context |= {"others": [erasure_of(each) for each in others]}
        return render_page(request, "annotations/campaigns/erase.html", "Erase this rater?", context)
    try:
        done = person_erase([identity, *(others if form.cleaned_data["everywhere"] else [])])
    except InputError as error:
        messages.error(request, str(error))
    else:
        count = len(done.identities)
        where = f" from {counted(count, 'campaigns')}" if count > 1 else ""
        messages.success(request, f"The rater was erased{where}." if count else "That rater has already been erased.")
        if not done.log_emptied:
            messages.warning(request, f"{LOG_LEFT[0].upper()}{LOG_LEFT[1:]}.")
    return redirect(campaign)
