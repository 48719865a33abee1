"""Who is at a rating page: joining, coming back, and several people at one browser.

The address and each form say whose screen it is; a cookie only says who was here. It holds the sessions of the
campaign's raters who joined in this browser, who came last first. Dry runs have a cookie of their own, and act only
where an address or a form names them.
"""

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from annotations.campaigns.models import Campaign, Rater
from annotations.campaigns.recruiting import Arrival, arrival_in, check_arrival
from annotations.campaigns.services.arrivals import check_may_join, has_joined, participation_declined
from annotations.campaigns.services.endings import ending_without_consent
from annotations.campaigns.services.raters import campaign_by_token, rater_join, rater_of_session, raters_of_sessions
from annotations.campaigns.views.examples import example_shown
from annotations.campaigns.views.notes import note_of
from annotations.errors import ConflictError, InputError, NotFoundError, TooOftenError
from annotations.protocols import protocol_named
from annotations.web.client_address import client_address

COOKIE_SECONDS = 90 * 24 * 3600
MAX_HERE = 12  # raters whose sessions a browser keeps
RATERS, TRIALS = "rater", "try"


class SomebodyElseError(InputError):
    """The screen is of somebody else than the rater who is at this browser now."""


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx asks, for the part alone. (Typed: the middleware's attribute is not.)"""
    return bool(getattr(request, "htmx", False))


def campaign_or_404(token: str) -> Campaign:
    try:
        return campaign_by_token(token)
    except NotFoundError as error:
        raise Http404 from error


def cookie_of(kind: str, token: str) -> str:
    return f"{kind}-{token[:8]}"


def sessions_here(request: HttpRequest, kind: str, token: str) -> list[str]:
    return [session for session in request.COOKIES.get(cookie_of(kind, token), "").split(".") if session][:MAX_HERE]


def raters_here(request: HttpRequest, campaign: Campaign, kind: str = RATERS) -> dict[str, Rater]:
    """Those who joined in this browser by session, who came last first."""
    sessions = sessions_here(request, kind, campaign.token)
    return raters_of_sessions(sessions, campaign) if sessions else {}


def rater_here(request: HttpRequest, campaign: Campaign) -> Rater | None:
    """Who came last, if their session is still good: nobody else steps in for them."""
    last = sessions_here(request, RATERS, campaign.token)[:1]
    rater = rater_of_session(last[0]) if last else None
    return rater if rater and rater.campaign_id == campaign.pk else None


def rater_asked(request: HttpRequest, campaign: Campaign) -> Rater | None:
    """Whose screen the form or the address is of; None where nobody is here.

    Raises SomebodyElseError where it is not of the rater who is here now.
    """
    whose = given_in(request).get("whose", "")
    for trial in raters_here(request, campaign, TRIALS).values():
        if str(trial.public_id) == whose:
            return trial
    here = rater_here(request, campaign)
    if here and str(here.public_id) != whose:
        raise SomebodyElseError("", "the screen belongs to somebody other than the current rater", code="elsewhere")
    return here


def given_in(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else request.GET


def address_of(token: str, **parameters: str) -> str:
    filled = {name: value for name, value in parameters.items() if value}
    return f"{reverse('rate', args=[token])}{'?' if filled else ''}{urlencode(filled)}"


def own_address(rater: Rater, signature: str = "") -> str:
    """Where the rater's screen is, whoever else rates in the browser."""
    if rater.outside_id:
        return address_of(rater.campaign.token, rater=rater.outside_id, signature=signature)
    return address_of(rater.campaign.token, whose=str(rater.public_id))


def sessions_set(
    request: HttpRequest, answer: HttpResponse, token: str, sessions: list[str], kind: str = RATERS
) -> None:
    """Let this browser come back as the raters of the sessions, the first of whom is here now."""
    answer.set_cookie(
        cookie_of(kind, token),
        ".".join(sessions[:MAX_HERE]),
        max_age=COOKIE_SECONDS,
        path=reverse("rate", args=[token]),
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )


def trial_begin(request: HttpRequest, trial: Rater, session: str) -> HttpResponse:
    """Send a researcher to their dry run, at an address of its own."""
    token = trial.campaign.token
    answer = redirect(address_of(token, whose=str(trial.public_id)))
    sessions_set(request, answer, token, [session, *sessions_here(request, TRIALS, token)], TRIALS)
    return answer


def welcome(request: HttpRequest, campaign: Campaign, problem: str = "", status: int = 200) -> HttpResponse:
    """What the study is about and how to begin; who was here already only says that they go on."""
    given = given_in(request)
    arrival, signature = arrival_in(given), given.get("signature", "")
    named, barred = arrival.participant, ""
    try:
        if has_joined(campaign, arrival):  # who has a place already keeps it, however full the study is
            check_arrival(campaign.recruited, arrival)
        else:
            check_may_join(campaign, arrival)
    except InputError as error:
        if error.code == "declined":
            return without_consent(request, campaign, arrival)
        barred = note_of(error)
    context = welcome_context(campaign, arrival_address(campaign, arrival, signature)) | {
        "named": named,
        "signature": signature,
        "arrival": arrival,
        "barred": barred,
        "others": rater_here(request, campaign) is not None,
        "was_here": any(rater.outside_id == named for rater in raters_here(request, campaign).values() if named),
        "problem": problem,
    }
    return render(request, "rating/welcome.html", context, status=status)


def arrival_address(campaign: Campaign, arrival: Arrival, signature: str) -> str:
    """The welcome page of who comes so."""
    named, study, submission = arrival
    return address_of(campaign.token, rater=named, study=study, submission=submission, signature=signature)


def without_consent(request: HttpRequest, campaign: Campaign, arrival: Arrival) -> HttpResponse:
    """What who does not take part leaves with."""
    declined = participation_declined(campaign, arrival)
    context = page_context(campaign) | {
        "address": arrival_address(campaign, arrival, given_in(request).get("signature", "")),
        "ending": ending_without_consent(campaign, declined),
        "stored": declined is not None,
    }
    return render(request, "rating/declined.html", context)


def welcome_context(campaign: Campaign, address: str) -> dict[str, Any]:
    """`address` is where the page is when its language is changed."""
    return {**page_context(campaign), "address": address}


def page_context(campaign: Campaign) -> dict[str, Any]:
    """What any page of the campaign's raters needs; the help is on all but the welcome."""
    protocol = protocol_named(campaign.protocol)
    return {
        **protocol.page,
        "campaign": campaign,
        "asked": lambda: protocol.asks(campaign.asked),
        "example": lambda: example_shown(campaign),
    }


def somebody_else(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """Instead of a screen that is not of the rater who is here now: whose turn is it?

    An address of somebody who never was here was copied from another browser: it leads to what else it says.
    """
    whose = given_in(request).get("whose", "")
    was_here = any(str(rater.public_id) == whose for rater in raters_here(request, campaign).values())
    if request.method == "GET" and not was_here and not is_htmx(request):
        rest = {name: value for name, value in request.GET.items() if name != "whose"}
        return redirect(f"{address_of(campaign.token)}{'?' if rest else ''}{urlencode(rest)}")
    context = page_context(campaign) | {
        "address": address_of(campaign.token, whose=whose),
        "part": "rating/_somebody_else.html",
        "sent": request.method == "POST",
        "whose": whose if was_here else "",
    }
    template = "rating/_part.html" if is_htmx(request) else "rating/page.html"
    return render(request, template, context, status=409)


def start_again(request: HttpRequest, token: str) -> HttpResponse:
    """For who has no session, or no longer: back to the page at their own address, which says how to join."""
    address = address_of(token)
    with suppress(ValueError):  # no address
        shown = urlsplit(request.headers.get("HX-Current-URL", ""))
        if shown.path == address and shown.query:
            address = f"{address}?{shown.query}"
    if is_htmx(request):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)


@require_POST
@never_cache
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Become the rater whom the form names: one who was here, a known one with proof, or a new one."""
    campaign = campaign_or_404(token)
    whose, signature = (request.POST.get(name, "") for name in ("whose", "signature"))
    arrival = arrival_in(request.POST)
    named = arrival.participant
    here = raters_here(request, campaign)
    for session, rater in here.items():
        if (whose and str(rater.public_id) == whose) or (named and rater.outside_id == named):
            return go_on(request, rater, session, list(here), signature)
    if whose or (not named and rater_here(request, campaign)):
        return redirect("rate", token)
    try:
        rater, session = rater_join(
            token=token, outside_id=named or None, signature=signature or None, address=client_address(request),
            study=arrival.study, submission=arrival.submission,
        )  # fmt: skip
    except NotFoundError as error:  # the id was erased
        raise Http404 from error
    except ConflictError:  # not open, or not for them: the page says so
        return redirect(arrival_address(campaign, arrival, signature))
    except InputError as error:
        return welcome(request, campaign, note_of(error), status=429 if isinstance(error, TooOftenError) else 403)
    return go_on(request, rater, session, list(here), signature)


def go_on(
    request: HttpRequest, rater: Rater, session: str, sessions: list[str], signature: str
) -> HttpResponseRedirect:
    """To the rater's screen, at their own address; from now on they are the one who is here."""
    token = rater.campaign.token
    answer = HttpResponseRedirect(own_address(rater, signature))
    sessions_set(request, answer, token, [session, *(each for each in sessions if each != session)])
    return answer
