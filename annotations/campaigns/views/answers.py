"""The page on which raters read again what they sent. It stays there when their part, or the study, is over."""

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from annotations.campaigns.answers import SentAnswer, answers_sent, has_withdrawn
from annotations.campaigns.links import photo_address
from annotations.campaigns.models import Assignment, Campaign, Rater, Rating
from annotations.campaigns.services.endings import ENDED
from annotations.campaigns.views.examples import answered
from annotations.campaigns.views.joining import own_address, page_context
from annotations.campaigns.views.notes import note_of
from annotations.campaigns.views.rating import of_rater, often_asked, rating_to_undo, shown_photos
from annotations.errors import ConflictError, NotFoundError


@require_GET
@of_rater
def answers(request: HttpRequest, rater: Rater) -> HttpResponse:
    if refused := often_asked(rater):
        return refused
    before = before_in(request)
    sent, more, note = list[SentAnswer](), None, ""
    try:
        sent, more = answers_sent(rater, before)
    except NotFoundError as error:
        raise Http404 from error
    except ConflictError as error:  # hidden screens may come
        note = note_of(error)
    context = page_context(rater.campaign) | {
        "rater": rater,
        "address": answers_address(rater, before),
        "back": own_address(rater),
        "withdrawn": ENDED[rater.EndedBy.WITHDRAWN] if has_withdrawn(rater) else "",
        "answers": [in_words(rater.campaign, each) for each in sent],
        "newest": answers_address(rater) if before else "",
        "older": answers_address(rater, more) if more else "",
        "note": note,
        "undo": rating_to_undo(rater),
        "undo_key": uuid.uuid4(),
    }
    return render(request, "rating/answers.html", context)


def before_in(request: HttpRequest) -> uuid.UUID | None:
    """The key of the rating before which the page begins."""
    if not (given := request.GET.get("before")):
        return None
    try:
        return uuid.UUID(given)
    except ValueError as error:
        raise Http404 from error


def answers_address(rater: Rater, before: uuid.UUID | None = None) -> str:
    parameters = {"whose": rater.public_id} | ({"before": before} if before else {})
    return f"{reverse('rate-answers', args=[rater.campaign.token])}?{urlencode(parameters)}"


def in_words(
    campaign: Campaign, sent: SentAnswer, address: Callable[[Assignment, int], str] = photo_address
) -> dict[str, Any]:
    """What the page's template needs of an answer; `address` is as in `shown_photos`."""
    return {
        "key": sent.rating.key,
        "at": sent.rating.created_at,
        "skipped": sent.rating.kind == Rating.Kind.SKIP,
        "taken_back": sent.taken_back,
        "photos": shown_photos(campaign, sent.rating.assignment, address),
        **answered(campaign, sent.texts, sent.fields),
        "reason": sent.reason,
        "comment": sent.comment,
    }
