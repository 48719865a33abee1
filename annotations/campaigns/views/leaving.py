"""Who leaves: by not taking part at all, or by withdrawing what they answered."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from annotations.campaigns.models import Campaign, Rater
from annotations.campaigns.recruiting import amount, arrival_in
from annotations.campaigns.services.endings import participation_decline, rater_withdraw
from annotations.campaigns.services.raters import completion_of
from annotations.campaigns.views.joining import (
    arrival_address,
    campaign_or_404,
    own_address,
    page_context,
    welcome,
    without_consent,
)
from annotations.campaigns.views.notes import note_named, note_of
from annotations.campaigns.views.rating import of_rater
from annotations.errors import ConflictError, InputError, NotFoundError, TooOftenError
from annotations.web.client_address import client_address


@require_POST
@never_cache
def decline(request: HttpRequest, token: str) -> HttpResponse:
    """Not take part: nothing is kept but that, and the id of who came through a recruiting service."""
    campaign = campaign_or_404(token)
    arrival, signature = arrival_in(request.POST), request.POST.get("signature", "")
    try:
        participation_decline(
            campaign=campaign, arrival=arrival, signature=signature or None, address=client_address(request)
        )
    except NotFoundError as error:  # the id was erased
        raise Http404 from error
    except ConflictError:  # not open: the page says so
        return redirect(arrival_address(campaign, arrival, signature))
    except InputError as error:
        return welcome(request, campaign, note_of(error), status=429 if isinstance(error, TooOftenError) else 403)
    return without_consent(request, campaign, arrival)


@require_http_methods(["GET", "POST"])
@of_rater
def withdraw(request: HttpRequest, rater: Rater) -> HttpResponse:
    """Withdraw all answers, once the question was answered."""
    campaign, problem = rater.campaign, ""
    if request.method == "POST":
        try:
            rater_withdraw(rater=rater)
        except ConflictError as error:
            problem = note_of(error)
        else:
            return redirect(own_address(rater))
    elif campaign.state == Campaign.State.CLOSED:
        problem = note_named("fixed")
    paid = campaign.recruited.pay_withdrawn
    done = completion_of(rater)
    context = page_context(campaign) | {
        "rater": rater,
        "address": f"{request.path}?whose={rater.public_id}",
        "back": own_address(rater),
        "problem": problem,
        "paid": amount(paid, campaign.recruited) if paid else "",
        "unpaid": paid == 0,
        "earned": paid is None and not rater.replaced and not done.missing,
    }
    return render(request, "rating/withdraw.html", context, status=409 if problem else 200)
