"""The rating page: plain forms that work one screen at a time, and htmx to swap the next one in."""

import uuid
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from annotations.errors import AnswerError, ConflictError, ForbiddenError, GoneError, InputError, NotFoundError
from annotations.links import photo_address
from annotations.models import Assignment, Campaign, Rater
from annotations.protocols.labels import label_of
from annotations.services import ratings
from annotations.services.raters import campaign_by_token, completion_code, rater_join, rater_of_session
from annotations.services.ratings import Screen, Wait

COOKIE_SECONDS = 90 * 24 * 3600


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx asks, for the part alone. (Typed: the middleware's attribute is not.)"""
    return bool(getattr(request, "htmx", False))


def cookie_of(token: str) -> str:
    return f"rater-{token[:8]}"


def rater_of(request: HttpRequest, campaign: Campaign) -> Rater | None:
    session = request.COOKIES.get(cookie_of(campaign.token))
    rater = rater_of_session(session) if session else None
    return rater if rater and rater.campaign_id == campaign.pk else None


def campaign_or_404(token: str) -> Campaign:
    try:
        return campaign_by_token(token)
    except NotFoundError as error:
        raise Http404 from error


@require_GET
@never_cache
def page(request: HttpRequest, token: str) -> HttpResponse:
    """Welcome, the open screen, or the thanks."""
    campaign = campaign_or_404(token)
    rater = rater_of(request, campaign)
    if rater is None:
        return welcome(request, campaign)
    return show(request, rater)


def welcome(request: HttpRequest, campaign: Campaign, problem: str = "") -> HttpResponse:
    given = request.POST if request.method == "POST" else request.GET
    context = welcome_context(campaign) | {
        "rater": given.get("rater", ""),
        "signature": given.get("signature", ""),
        "problem": problem,
    }
    return render(request, "rating/welcome.html", context, status=403 if problem else 200)


def welcome_context(campaign: Campaign) -> dict[str, Any]:
    return {"campaign": campaign, "labels": [label_of(criterion) for criterion in campaign.criteria]}


def session_cookie_set(request: HttpRequest, answer: HttpResponse, token: str, session: str) -> None:
    """Let this browser come back as the rater of the session."""
    answer.set_cookie(
        cookie_of(token),
        session,
        max_age=COOKIE_SECONDS,
        path=reverse("rate", args=[token]),
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )


@require_POST
@never_cache
def join(request: HttpRequest, token: str) -> HttpResponse:
    campaign = campaign_or_404(token)
    if rater_of(request, campaign):
        return redirect("rate", token)
    try:
        _rater, session = rater_join(
            token=token,
            outside_id=request.POST.get("rater") or None,
            signature=request.POST.get("signature") or None,
        )
    except ForbiddenError:
        return welcome(
            request, campaign, _("Somebody has joined under this id already. Use your own link to come back.")
        )
    except InputError:
        return redirect("rate", token)
    answer = redirect("rate", token)
    session_cookie_set(request, answer, token, session)
    return answer


def show(request: HttpRequest, rater: Rater, note: str = "", *, just_answered: bool = False) -> HttpResponse:
    """The rater's screen, or what stands in its place: alone for htmx, else in its page."""
    context: dict[str, Any] = {"campaign": rater.campaign, "rater": rater, "note": note}
    try:
        found = ratings.assignment_next(rater=rater, just_answered=just_answered)
    except ConflictError:  # paused or closed
        found, kind = None, "paused" if rater.campaign.state == Campaign.State.PAUSED else "thanks"
    else:
        kind = "wait" if isinstance(found, Wait) else "screen" if found else "thanks"
    if isinstance(found, Screen):
        context |= screen_context(rater.campaign, found)
    elif isinstance(found, Wait):
        context["seconds"] = found.seconds
    context |= {"code": completion_code(rater), "skip_key": uuid.uuid4(), "undo_key": uuid.uuid4()}
    context["can_undo"] = can_undo(rater)
    context["part"] = f"rating/_{kind}.html"
    return render(request, context["part"] if is_htmx(request) else "rating/page.html", context)


def can_undo(rater: Rater) -> bool:
    going = rater.trial or rater.campaign.state == Campaign.State.OPEN
    return going and ratings.rating_last(rater=rater) is not None


def screen_context(campaign: Campaign, screen: Screen) -> dict[str, Any]:
    """What a screen's template needs. A field is named `criterion:candidate`; its value is what the draft has."""
    source, draft = screen.assignment.item.source, screen.assignment.draft
    labels = [(criterion, label_of(criterion)) for criterion in campaign.criteria]
    return {
        "assignment": screen.assignment,
        "key": uuid.uuid4(),
        "source": source.text if campaign.shows_caption else "",
        "photo": photo_address(screen.assignment) if campaign.shows_photo else None,
        "candidates": [
            {
                "letter": chr(ord("A") + place),
                "text": text,
                "fields": [
                    {"name": f"{criterion}:{name}", "label": label, "value": draft.get(f"{criterion}:{name}", "")}
                    for criterion, label in labels
                ],
            }
            for place, (name, text) in enumerate(screen.texts)
        ],
        "done": screen.done,
        "total": campaign.item_count,
        "share": round(100 * screen.done / campaign.item_count),
    }


def joined(request: HttpRequest, token: str) -> Rater | None:
    return rater_of(request, campaign_or_404(token))


def start_again(request: HttpRequest, token: str) -> HttpResponse:
    """For who has no session, or no longer: back to the page, which says how to join."""
    address = reverse("rate", args=[token])
    if is_htmx(request):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)


def answers_in(request: HttpRequest) -> dict[str, dict[str, float]]:
    """`{criterion: {candidate: number}}` of the fields that hold a number; the protocol says what is missing."""
    answers: dict[str, dict[str, float]] = {}
    for field, value in request.POST.items():
        criterion, colon, candidate = field.rpartition(":")  # a criterion's name may hold a colon
        if colon and isinstance(value, str) and value:
            try:
                answers.setdefault(criterion, {})[candidate] = float(value)
            except ValueError:
                continue
    return answers


def number_in(request: HttpRequest, name: str) -> float | None:
    try:
        value = float(request.POST.get(name, ""))
    except ValueError:
        return None
    return value if 0 <= value < ratings.LONGEST_SECONDS else None


def key_in(request: HttpRequest) -> uuid.UUID:
    try:
        return uuid.UUID(request.POST.get("key", ""))
    except ValueError as error:
        raise AnswerError("key: missing; load the page again") from error


@require_POST
@never_cache
def answer(request: HttpRequest, token: str, assignment_id: uuid.UUID) -> HttpResponse:
    rater = joined(request, token)
    if rater is None:
        return start_again(request, token)
    try:
        ratings.rating_submit(
            rater=rater,
            assignment_id=assignment_id,
            key=key_in(request),
            answers=answers_in(request),
            seconds=number_in(request, "seconds"),
        )
    except AnswerError:
        keep_draft(request, rater, assignment_id)
        return show(request, rater, _("Some sliders are not set yet. Nothing was sent."))
    except (GoneError, NotFoundError):
        return show(request, rater, _("This screen had been given to somebody else. Here is another one."))
    except ConflictError:
        return show(request, rater, _("This screen was answered already. Here is the next one."))
    return show(request, rater, just_answered=True)


@require_POST
@never_cache
def skip(request: HttpRequest, token: str, assignment_id: uuid.UUID) -> HttpResponse:
    rater = joined(request, token)
    if rater is None:
        return start_again(request, token)
    try:
        ratings.rating_skip(
            rater=rater,
            assignment_id=assignment_id,
            key=key_in(request),
            reason=request.POST.get("reason", ""),
            comment=request.POST.get("comment", "").strip(),
        )
    except InputError:
        return show(request, rater, _("This screen was answered already. Here is the next one."))
    return show(request, rater, just_answered=True)


@require_POST
@never_cache
def undo(request: HttpRequest, token: str) -> HttpResponse:
    rater = joined(request, token)
    if rater is None:
        return start_again(request, token)
    last = ratings.rating_last(rater=rater)
    if last is None:
        return show(request, rater, _("There is nothing to take back."))
    try:
        ratings.rating_undo(rater=rater, rating_key=last.key, key=key_in(request))
    except InputError:
        return show(request, rater, _("This answer cannot be taken back any more."))
    return show(request, rater, _("Your last answer was taken back. Give it anew."))


@require_POST
def draft(request: HttpRequest, token: str, assignment_id: uuid.UUID) -> HttpResponse:
    rater = joined(request, token)
    if rater:
        keep_draft(request, rater, assignment_id)
    return HttpResponse(status=204)


def keep_draft(request: HttpRequest, rater: Rater, assignment_id: uuid.UUID) -> None:
    fields = {name: str(value) for name, value in request.POST.items() if ":" in name and value}
    ratings.draft_save(rater=rater, assignment_id=assignment_id, draft=fields)


@require_GET
def photo(request: HttpRequest, assignment_id: uuid.UUID) -> FileResponse:
    """The picture of a screen; the assignment's random id is the permission to see it."""
    rows = Assignment.objects.filter(public_id=assignment_id, item__campaign__show__in=["photo", "both"])
    return picture(rows.values_list("item__source__photo__image", flat=True))


def picture(paths: QuerySet[Any, Any]) -> FileResponse:
    """The file of the one path, without its name, which may tell what it is."""
    path = paths.first()
    if not path or not Path(path).is_file():
        raise Http404
    answer = FileResponse(Path(path).open("rb"))  # noqa: SIM115  the response closes it
    answer.headers["Content-Disposition"] = "inline"  # without the file's name
    answer.headers["Cache-Control"] = "private, max-age=3600"
    return answer
