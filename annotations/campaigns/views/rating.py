"""The rating page: plain forms that work one screen at a time, and htmx to swap the next one in."""

import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from annotations.campaigns.forms_due import FormDue
from annotations.campaigns.links import photo_address
from annotations.campaigns.models import Assignment, Campaign, Item, Rater, Rating
from annotations.campaigns.models.items import ShownPhoto
from annotations.campaigns.quality import RULES
from annotations.campaigns.recruiting import arrival_in
from annotations.campaigns.rounds import CAMPAIGN, photos_of
from annotations.campaigns.services import ratings, screens
from annotations.campaigns.services.endings import ENDED, Ending, ending_of
from annotations.campaigns.services.raters import Completion, answers_needed, code_reach, completion_reach, id_erased
from annotations.campaigns.services.screens import Screen, Wait
from annotations.campaigns.training import STAGES, TrainingFeedback, training_feedback
from annotations.campaigns.views.form_fields import finish_address, form_context
from annotations.campaigns.views.joining import (
    SomebodyElseError,
    campaign_or_404,
    given_in,
    is_htmx,
    own_address,
    page_context,
    rater_asked,
    rater_here,
    somebody_else,
    start_again,
    welcome,
)
from annotations.campaigns.views.notes import note_named, note_of
from annotations.corpora.models import SequencePhoto, Source
from annotations.errors import AnswerError, ConflictError, InputError, TooOftenError
from annotations.protocols import cannot_say, protocol_named
from annotations.web.blanks import filled
from annotations.web.frequency import count_next
from texts.stories import story_lines

RaterView = Callable[..., HttpResponse]
SCREEN, QUESTIONS = "rating/_screen.html", "rating/_questions.html"


def of_rater(view: RaterView) -> RaterView:
    """A view that only the rater gets whom the form or the address names; anybody else is told whose turn it is."""

    @never_cache
    @wraps(view)
    def wrapped(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponse:
        campaign = campaign_or_404(token)
        try:
            rater = rater_asked(request, campaign)
        except SomebodyElseError:
            return somebody_else(request, campaign)
        return view(request, rater, **kwargs) if rater else start_again(request, token)

    return wrapped


@require_GET
@never_cache
def page(request: HttpRequest, token: str) -> HttpResponse:
    """The screen of the rater whom the address names, or who is here where it names nobody; the welcome; the thanks."""
    campaign = campaign_or_404(token)
    named = arrival_in(request.GET).participant
    try:
        rater = rater_asked(request, campaign) if "whose" in request.GET else rater_here(request, campaign)
    except SomebodyElseError:
        return somebody_else(request, campaign)
    if rater is None and is_htmx(request):
        return start_again(request, token)
    if rater is None or (named and rater.outside_id != named and not rater.trial):
        if named and id_erased(campaign, named):
            raise Http404
        return welcome(request, campaign)
    return often_asked(rater) or show(request, rater)


def often_asked(rater: Rater) -> HttpResponse | None:
    """Instead of what a rater asks for too often."""
    try:
        count_next(rater.public_id)
    except TooOftenError as error:
        return HttpResponse(note_of(error), status=429, headers={"Retry-After": str(error.seconds)})
    return None


def show(request: HttpRequest, rater: Rater, note: str = "", *, after: Rating | None = None) -> HttpResponse:
    """The rater's screen, or what stands in its place: alone for htmx, else in its page."""
    context = rater_context(request, rater, note)
    try:
        found = screens.assignment_next(rater=rater, after=after)
    except ConflictError:  # paused or closed, or the rater's part has ended
        paused = rater.campaign.state == Campaign.State.PAUSED and not rater.replaced
        found, kind = None, "paused" if paused else "thanks"
    else:
        kind = "wait" if isinstance(found, Wait) else "screen" if found else "thanks"
    if isinstance(found, FormDue):
        return show_form(request, rater, note, form_context(found))
    context |= {"undo": rating_to_undo(rater, after), "undo_key": uuid.uuid4(), "part": SCREEN}
    if isinstance(found, Screen):
        own = code_reach(rater=rater, answers=found.done)
        context |= {
            "skip_key": uuid.uuid4(),
            "ending": ending_of(rater, Completion(found.done, 0, answers_needed(rater), own)),
        }
        context["finish"] = finish_address(rater, found.done)
        if found.assignment.draft or found.assignment.seconds_spent:
            context |= screen_context(rater.campaign, found, rater.most_screens)
        else:
            context["filled"] = screen_untouched(request, context, found, rater.most_screens)
    else:
        completion = completion_reach(rater=rater)
        ending = ending_of(rater, completion)
        context |= {"part": f"rating/_{kind}.html", "completion": completion, "ending": ending}
        context["stopped"] = ENDED.get(ending.how) or RULES.get(rater.stopped_by, "")
        context["finish"] = finish_address(rater, completion.answers)
    if isinstance(found, Wait):
        context["seconds"] = found.seconds
    return render_part(request, context)


def rater_context(request: HttpRequest, rater: Rater, note: str) -> dict[str, Any]:
    address = own_address(rater, given_in(request).get("signature", ""))
    return page_context(rater.campaign) | {"rater": rater, "note": note, "address": address}


def render_part(request: HttpRequest, context: Mapping[str, Any]) -> HttpResponse:
    return render(request, "rating/_part.html" if is_htmx(request) else "rating/page.html", dict(context))


def show_form(request: HttpRequest, rater: Rater, note: str, form: Mapping[str, Any]) -> HttpResponse:
    """A form before or after the screens: see `form_context`."""
    undo = {"undo": rating_to_undo(rater), "undo_key": uuid.uuid4()}
    return render_part(request, {**rater_context(request, rater, note), **undo, "part": QUESTIONS, **form})


def rating_to_undo(rater: Rater, after: Rating | None = None) -> Rating | None:
    going = rater.trial or rater.campaign.state == Campaign.State.OPEN
    if not going or rater.replaced:
        return None
    return after if after and not after.sent_before else ratings.rating_last(rater=rater)


def screen_context(campaign: Campaign, screen: Screen, total: int) -> dict[str, Any]:
    """What a screen's template needs; `total` is how many screens its rater can answer."""
    draft, protocol = screen.assignment.draft, protocol_named(campaign.protocol)
    return {
        **protocol.page,
        **protocol.screen(screen.texts, draft, criteria=campaign.asked, rules=campaign.rules),
        "assignment": screen.assignment,
        "stage": screen.assignment.item.kind if screen.assignment.item.kind in STAGES else "",
        "declinable": [
            (name := f"{criterion.name}{cannot_say.FIELD}", criterion.label.title, name in draft)
            for criterion in campaign.asked
            if criterion.name in campaign.cannot_say
        ],
        "comment": draft.get(ratings.COMMENT, ""),
        "key": uuid.uuid4(),
        "photos": shown_photos(campaign, screen.assignment, photo_address),
        "done": screen.done,
        "total": total,
    }


def screen_untouched(request: HttpRequest, context: Mapping[str, Any], screen: Screen, total: int) -> str:
    """The screen's part of the page where nothing was set yet: but for these values it is the same for all raters of
    the campaign."""
    campaign, undo, ending = context["campaign"], context["undo"], context["ending"]
    photos = photos_of(screen.assignment.item)
    kind = screen.assignment.item.kind if screen.assignment.item.kind in STAGES else Item.Kind.REGULAR
    texts = [(public_id, story_lines(text)) for public_id, text in screen.texts]
    values = {
        "csrf": get_token(request),
        "rater": context["rater"].public_id,
        "assignment": screen.assignment.public_id,
        "done": screen.done,
        "key": uuid.uuid4(),
        **{name: context[name] for name in ("skip_key", "undo_key")},
        **({"undo": undo.key} if undo else {}),
        **({"code": ending.code} if ending.code else {}),
        **({"link": ending.link} if ending.link else {}),
        **({"finish": context["finish"]} if context["finish"] else {}),
        **{f"image {place}": photo.image for place, photo in enumerate(photos) if photo.image},
        **{f"caption {place}": photo.caption for place, photo in enumerate(photos) if photo.caption},
        **{f"id {place}": public_id for place, (public_id, _) in enumerate(texts)},
        **{f"text {place}.{n}": line for place, (_, lines) in enumerate(texts) for n, line in enumerate(lines)},
    }

    def with_blanks(blank: dict[str, str]) -> dict[str, Any]:
        assignment = Assignment(public_id=uuid.UUID(blank["assignment"]), item=Item(kind=kind))
        assignment.item.shown_photos = [
            ShownPhoto(blank.get(f"image {place}", ""), blank.get(f"caption {place}", ""))
            for place in range(len(photos))
        ]
        shown = [
            (blank[f"id {place}"], "\n".join(blank[f"text {place}.{n}"] for n in range(len(lines))))
            for place, (_, lines) in enumerate(texts)
        ]
        return {
            **screen_context(campaign, Screen(assignment, shown, done=0), total),
            **{name: blank[name] for name in ("done", "key", "skip_key", "undo_key")},
            "campaign": campaign,
            "csrf_token": blank["csrf"],
            "rater": {"public_id": blank["rater"]},
            "undo": {"key": blank["undo"]} if undo else None,
            "ending": Ending(code=blank.get("code"), link=blank.get("link", "")),
            "finish": blank.get("finish"),
        }

    key = len(photos), total, kind, *(repr(getattr(campaign, name)) for name in CAMPAIGN)
    return filled(SCREEN, key, values, with_blanks)


def shown_photos(
    campaign: Campaign, assignment: Assignment, address: Callable[[Assignment, int], str]
) -> list[dict[str, str]]:
    """What a screen shows of the source's photos: `address` gives where the one at a place, from 1, is served."""
    if campaign.show == Campaign.Show.NONE:
        return []
    shown = [
        {
            "address": address(assignment, place) if campaign.shows_photo and photo.image else "",
            "caption": photo.caption if campaign.shows_caption else "",
        }
        for place, photo in enumerate(photos_of(assignment.item), start=1)
    ]
    return shown if any(any(photo.values()) for photo in shown) else []


def answers_in(request: HttpRequest, campaign: Campaign) -> Mapping[str, object]:
    """Of the fields that are filled; the protocol says what is missing or wrong."""
    fields = {name: value for name, value in fields_in(request).items() if name != ratings.COMMENT}
    return cannot_say.answers(protocol_named(campaign.protocol), fields)


def fields_in(request: HttpRequest, *, emptied: bool = False) -> dict[str, str]:
    """The fields that are filled, and with `emptied` those that are sent without a value."""
    return {name: str(value) for name, value in request.POST.items() if ":" in name and (value or emptied)}


def number_in(request: HttpRequest, name: str) -> float | None:
    try:
        value = float(request.POST.get(name, ""))
    except ValueError:
        return None
    return value if 0 <= value < ratings.MAX_SECONDS else None


def key_in(request: HttpRequest, name: str = "key") -> uuid.UUID:
    try:
        return uuid.UUID(request.POST.get(name, ""))
    except ValueError as error:
        raise AnswerError(name, "missing", "load the page again", code="form") from error


@require_POST
@of_rater
def answer(request: HttpRequest, rater: Rater, assignment_id: uuid.UUID) -> HttpResponse:
    try:
        rating = ratings.rating_submit(
            rater=rater,
            assignment_id=assignment_id,
            key=key_in(request),
            answers=answers_in(request, rater.campaign),
            seconds=number_in(request, "seconds"),
            comment=request.POST.get(ratings.COMMENT, ""),
        )
    except InputError as error:
        with suppress(InputError):
            keep_draft(rater, assignment_id, fields_in(request), seconds=number_in(request, "seconds"))
        return show(request, rater, note_named("kept") if error.code == "paused" else note_of(error))
    if feedback := training_feedback(rating):
        return show_feedback(request, rater, feedback)
    return show(request, rater, note_of_again(rating), after=rating)


def show_feedback(request: HttpRequest, rater: Rater, feedback: TrainingFeedback) -> HttpResponse:
    """What was hidden on a training screen; from there a button leads to the next one."""
    context = page_context(rater.campaign) | {"rater": rater, "feedback": feedback, "part": "rating/_feedback.html"}
    context["address"] = own_address(rater, given_in(request).get("signature", ""))
    return render(request, "rating/_part.html" if is_htmx(request) else "rating/page.html", context)


@require_POST
@of_rater
def skip(request: HttpRequest, rater: Rater, assignment_id: uuid.UUID) -> HttpResponse:
    try:
        rating = ratings.rating_skip(
            rater=rater,
            assignment_id=assignment_id,
            key=key_in(request),
            reason=request.POST.get("reason", ""),
            comment=request.POST.get("comment", "").strip(),
        )
    except InputError as error:
        return show(request, rater, note_of(error))
    return show(request, rater, note_of_again(rating), after=rating)


@require_POST
@of_rater
def undo(request: HttpRequest, rater: Rater) -> HttpResponse:
    """Take back what the form shows as the last answer, whatever has been sent from elsewhere since."""
    try:
        rating = ratings.rating_undo(rater=rater, rating_key=key_in(request, "rating"), key=key_in(request))
    except InputError as error:
        return show(request, rater, note_of(error))
    return show(request, rater, note_named("replaced" if superseded(rating) else "undone"))


def superseded(rating: Rating) -> bool:
    """Whether a rating that was sent again under its old key no longer counts: it was taken back or replaced since."""
    return rating.revision < rating.assignment.revision


def note_of_again(rating: Rating) -> str:
    """What to say of an answer or a skip that was sent again under its old key: nothing where it counts."""
    if not superseded(rating):
        return ""
    to_answer = rating.kind == Rating.Kind.ANSWER and rating.assignment.state == Assignment.State.OPEN
    return note_named("withdrawn" if to_answer else "replaced")


@require_POST
@never_cache
def draft(request: HttpRequest, token: str, assignment_id: uuid.UUID) -> HttpResponse:
    """Keep half an answer. Where it is of no use any more the answer is a note, which the page shows beside it."""
    try:
        rater = rater_asked(request, campaign_or_404(token))
        if rater is None:
            return HttpResponse(note_named("nobody"), status=409)
        fields = fields_in(request, emptied=True)
        keep_draft(rater, assignment_id, fields, seconds=number_in(request, "seconds"))
    except InputError as error:
        return HttpResponse(note_of(error), status=409)
    return HttpResponse(status=204)


def keep_draft(rater: Rater, assignment_id: uuid.UUID, fields: Mapping[str, str], *, seconds: float | None) -> None:
    """Keep what a form sends with what is kept already: a window sends what was set in it, another may set the rest.
    What is sent empty was taken back."""
    kept = Assignment.objects.filter(public_id=assignment_id, rater=rater).values_list("draft", flat=True).first()
    draft = {name: value for name, value in {**(kept or {}), **fields}.items() if value}
    ratings.draft_save(rater=rater, assignment_id=assignment_id, draft=draft, seconds=seconds)


@require_GET
def photo(request: HttpRequest, assignment_id: uuid.UUID, place: int) -> FileResponse:
    """A picture of a screen; the assignment's random id is the permission to see it."""
    rows = Assignment.objects.filter(public_id=assignment_id, item__campaign__show__in=["photo", "both"])
    return picture(Source.objects.filter(items__assignments__in=rows.filter(rater__erased_at=None)), place)


def picture(sources: QuerySet[Source], place: int) -> FileResponse:
    """The picture of the one source's photo at a place, from 1, without its file's name, which may tell what it is."""
    told = SequencePhoto.objects.filter(source__in=sources, position=place - 1).values_list("photo__image", flat=True)
    single = sources.filter(photo__isnull=False).values_list("photo__image", flat=True)
    path = told.first() or (single.first() if place == 1 else None)
    file = settings.VAR_DIR / path if path else None
    if file is None or not file.is_file():
        raise Http404
    answer = FileResponse(file.open("rb"))
    answer.headers["Content-Disposition"] = "inline"  # without the file's name
    answer.headers["Cache-Control"] = "private, max-age=3600"
    return answer
