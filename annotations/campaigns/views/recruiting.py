"""What the campaign's page says of recruiting: whose code it is, who takes part, and whom to pay."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET

from annotations.audit.services import Deed, audit_note, of_campaign
from annotations.campaigns.links import site_link
from annotations.campaigns.models import Campaign, Participation, Rater
from annotations.campaigns.payments import Payment, code_found, payments_of
from annotations.campaigns.recruiting import FILLED_IN, pay_in_words, recruiting_in_words
from annotations.campaigns.selectors import rater_progress
from annotations.campaigns.services.arrivals import taking_part
from annotations.campaigns.services.campaigns import check_rated_here
from annotations.campaigns.services.raters import code_as_typed, completion_of
from annotations.documents.csv_tables import csv_file
from annotations.errors import InputError
from annotations.web.pages import attached, page_for


def recruiting_context(campaign: Campaign) -> dict[str, Any]:
    """Of a campaign that recruits; nothing of others."""
    recruiting = campaign.recruited
    if not recruiting:
        return {}
    parameters = FILLED_IN[recruiting.service]
    address = site_link(reverse("rate", args=[campaign.token]))
    return {
        "said": [part for part in (recruiting_in_words(recruiting), pay_in_words(recruiting)) if part],
        "address": f"{address}?{parameters}" if parameters else "",
        "taking_part": taking_part(campaign),
        "limit": recruiting.participants,
        "declined": Participation.objects.filter(campaign=campaign, rater=None).count(),
    }


def code_context(campaign: Campaign, typed: str) -> dict[str, Any]:
    """Whose completion code it is, and what they have done for it; `number` is the rater's on the page."""
    code = code_as_typed(typed)
    if rater := rater_progress(campaign).filter(completion_code=code).first():
        rater.campaign = campaign
        number = Rater.objects.filter(campaign=campaign, trial=False, pk__lte=rater.pk).count()
        took = rater.last - rater.first if rater.first else None
        minutes = round(took.total_seconds() / 60) if took else 0
        return {"typed": typed, "number": number, "rater": rater, "minutes": minutes, "done": completion_of(rater)}
    other = Rater.objects.filter(completion_code=code).select_related("campaign").first()
    return {"typed": typed, "other": other and other.campaign, "found": code_found(campaign, typed, code)}


@require_GET
@page_for("annotations.change_campaign")
def payments(request: HttpRequest, pk: int) -> HttpResponse:
    """Whom to pay how much, as CSV."""
    campaign = get_object_or_404(Campaign, pk=pk)
    try:
        check_rated_here(campaign, "paid for")
    except InputError as error:
        messages.error(request, str(error))
        return redirect("campaign", campaign.pk)
    audit_note(kind=Deed.EXPORT, about=of_campaign(campaign.name), detail="codes and pay, csv")
    file, headers = csv_file(Payment._fields, payments_of(campaign)), attached(f"{campaign.name}-personal-pay.csv")
    return HttpResponse(file, content_type="text/csv; charset=utf-8", headers=headers)
