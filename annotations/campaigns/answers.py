"""Reads of what raters sent, each with the texts in the order of its screen."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from annotations.campaigns.models import Assignment, Campaign, Candidate, Rater, Rating, Rewrite
from annotations.campaigns.rounds import photos_told
from annotations.errors import ConflictError, NotFoundError
from annotations.protocols import cannot_say, protocol_named

PAGE_SIZE = 20
SHOWN_WITH = "assignment__item__source__photo", "remark"  # what a rating is read with


class SentAnswer(NamedTuple):
    """An answer, or a skip, which has no `fields`. Whatever kind of item it is of, it looks the same."""

    rating: Rating  # with its assignment, its item and what that shows of its source
    texts: list[tuple[str, str]]  # random id, text
    fields: Mapping[str, str]  # the page's, as they were when it was sent
    reason: str  # of a skip
    comment: str

    @property
    def taken_back(self) -> bool:
        """Whether it no longer counts: it was undone, and perhaps answered again since."""
        return self.rating.revision < self.rating.assignment.revision


def check_readable(rater: Rater) -> None:
    """Raises ConflictError while hidden screens may come, some of which may be their own again: they are not to look
    their first answers up. It is the same whatever is hidden, so that it does not say that any come again."""
    campaign = rater.campaign
    if rater.trial or rater.replaced or not campaign.quality_control.hidden or campaign.state == Campaign.State.CLOSED:
        return
    if Assignment.objects.filter(rater=rater, state=Assignment.State.DONE).count() < rater.most_screens:
        raise ConflictError(
            "", "your answers can be read once all your screens are answered, or the study is over", code="later"
        )


def answers_sent(rater: Rater, before: uuid.UUID | None = None) -> tuple[list[SentAnswer], uuid.UUID | None]:
    """A page of what the rater sent, from the newest on or from the one `before` the rating of that key; and the key
    before which there is more, or None: nothing of who has withdrawn it all. In as many queries however many there are.
    Raises NotFoundError, and ConflictError as `check_readable` does."""
    if has_withdrawn(rater):
        return [], None
    check_readable(rater)
    mine = Rating.objects.filter(assignment__rater=rater)
    sent = mine.exclude(kind=Rating.Kind.WITHDRAWN)
    if before:
        newer = mine.filter(key=before).values_list("pk", flat=True).first()
        if newer is None:
            raise NotFoundError("before", "this rater has no such rating", code="unknown")
        sent = sent.filter(pk__lt=newer)
    found = list(sent.select_related(*SHOWN_WITH).order_by("-pk")[: PAGE_SIZE + 1])
    page = found[:PAGE_SIZE]
    older = page[-1].key if len(found) > len(page) else None
    return sent_answers(rater.campaign, page), older


def sent_answers(campaign: Campaign, ratings: Sequence[Rating]) -> list[SentAnswer]:
    """What these ratings say, each with its assignment, its item and what that shows of its source."""
    items = [rating.assignment.item for rating in ratings]
    told = photos_told([item.source_id for item in items if not item.source.photo_id])
    for item in items:
        if not item.source.photo_id:
            item.shown_photos = told.get(item.source_id, [])
    texts = dict(Candidate.objects.filter(item__in=items).values_list("pk", "text"))
    rewrites: dict[int, dict[int, str]] = defaultdict(dict)
    for rating, candidate, text in Rewrite.objects.filter(rating__in=ratings).values_list(
        "rating", "candidate", "text"
    ):
        rewrites[rating][candidate] = text
    return [sent_answer(campaign, rating, texts, rewrites[rating.pk]) for rating in ratings]


def has_withdrawn(rater: Rater) -> bool:
    return rater.replaced and rater.ended_by == Rater.EndedBy.WITHDRAWN


def sent_answer(
    campaign: Campaign, rating: Rating, texts: Mapping[int, str], rewrites: Mapping[int, str]
) -> SentAnswer:
    order, remark = rating.assignment.candidate_order, getattr(rating, "remark", None)
    return SentAnswer(
        rating,
        [(public_id, texts[pk]) for pk, public_id in order],
        fields_sent(campaign, rating, dict(order), rewrites) if rating.kind == Rating.Kind.ANSWER else {},
        remark.reason if remark else "",
        remark.comment if remark else "",
    )


def fields_sent(
    campaign: Campaign, rating: Rating, names: Mapping[int, str], rewrites: Mapping[int, str]
) -> dict[str, str]:
    """The page's fields as they were when an answer was sent; `names` are the candidates' random ids."""
    protocol = protocol_named(campaign.protocol)
    fields = protocol.fields(protocol.together(rating.answers, rewrites), names=names)
    return fields | cannot_say.fields(rating.answers, campaign.criteria)
