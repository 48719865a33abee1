"""Writes of assignments and ratings. Every answer is written once, whatever is sent twice or at once."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Min, Q
from django.utils import timezone

from annotations.assignment.choice import candidate_order, pick_item
from annotations.errors import AnswerError, ConflictError, GoneError, NotFoundError
from annotations.models import Assignment, Campaign, Candidate, Item, Rater, Rating, Remark
from annotations.protocols import protocol_named
from annotations.querysets.campaigns import items_waiting
from annotations.texts import value_problem, without_unstorable

LONGEST_SECONDS = 7 * 24 * 3600
LONGEST_COMMENT = 2000
DRAFT_FIELDS, LONGEST_DRAFT_NAME, LONGEST_DRAFT_VALUE = 200, 120, 20
WINDOW = 16  # items a rater's next one is drawn from
WAIT_SECONDS = (1, 30)
State, Kind = Assignment.State, Rating.Kind


@dataclass(frozen=True)
class Screen:
    """What a rater gets to see: an open assignment with the texts of its candidates, in this rater's order."""

    assignment: Assignment
    texts: list[tuple[str, str]]  # random id, text
    done: int  # assignments this rater has answered


@dataclass(frozen=True)
class Wait:
    """Nothing is free now, but others' leases may expire: ask again in so many seconds."""

    seconds: int


def check_open(rater: Rater) -> None:
    campaign = rater.campaign
    tried_out = rater.trial and campaign.state != Campaign.State.CLOSED
    if campaign.state != Campaign.State.OPEN and not tried_out:
        raise ConflictError(f"the campaign is {campaign.state} and takes no ratings")


def assignment_next(*, rater: Rater, just_answered: bool = False) -> Screen | Wait | None:
    """The rater's open assignment, its lease renewed, or a newly claimed one; None when nothing is left for them.

    Who has just answered hardly has another one open, so that the claim is tried first: it fails where they have.
    """
    check_open(rater)
    return (None if just_answered else screen_open(rater)) or screen_claim(rater)


def screen_open(rater: Rater) -> Screen | None:
    found = Assignment.objects.open_of(rater).first()
    if found is None:
        return None
    renewed = lease_end()
    if not Assignment.objects.open().filter(pk=found.pk).update(leased_until=renewed):
        return None
    found.leased_until = renewed
    texts = Candidate.objects.filter(item=found.item_id).values_list("pk", "text")
    return screen_of(found, dict(texts), found.done)


def screen_claim(rater: Rater) -> Screen | Wait | None:
    """Claim an item: one that was taken least. Whoever takes the last place of an item first has it."""
    draw = 0
    while True:
        waiting = items_waiting(rater, WINDOW)
        if not waiting:
            if leases_release_expired():
                continue
            return wait_for_others(rater)
        if rater.trial:
            row = waiting[0]
        else:
            seed = f"{rater.public_id}:{waiting[0].done}:{draw}"
            row = pick_item([(row, row.taken) for row in waiting], seed=seed)
        draw += 1
        try:
            with transaction.atomic():
                if not place_take(row.pk, rater):
                    continue
                candidates = list(Candidate.objects.shown_in(row.pk))
                order = candidate_order(
                    [[candidate.pk, str(candidate.public_id)] for candidate in candidates],
                    turn=row.taken,
                    seed=f"{rater.campaign.seed}:{row.position}",
                )
                claimed = assignment_write(rater, candidates[0].item, order)
        except IntegrityError:  # another tab of the same rater was first
            if found := screen_open(rater):
                return found
            continue
        return screen_of(claimed, {candidate.pk: candidate.text for candidate in candidates}, row.done)


def place_take(item: int, rater: Rater) -> bool:
    """Take one of an item's places for the rater, if one is free. A dry run needs none."""
    if rater.trial:
        return True
    free = Item.objects.filter(pk=item, taken__lt=rater.campaign.overlap)
    return bool(free.update(taken=F("taken") + 1))


def place_give_back(item: int, rater: Rater) -> None:
    if not rater.trial:
        Item.objects.filter(pk=item).update(taken=F("taken") - 1)


def assignment_write(rater: Rater, item: Item, order: list[list[Any]]) -> Assignment:
    """Open the assignment of an item to a rater: a new row, or the one they had given back."""
    fields = {"state": State.OPEN, "candidate_order": order, "leased_until": lease_end()}
    try:
        with transaction.atomic():
            return Assignment.objects.create(item=item, rater=rater, **fields)
    except IntegrityError:
        again = Assignment.objects.filter(item=item, rater=rater, state=State.RELEASED)
        if not again.update(**fields):
            raise
        found = Assignment.objects.get(item=item, rater=rater)
        found.item = item
        return found


def screen_of(assignment: Assignment, texts: Mapping[int, str], done: int) -> Screen:
    return Screen(assignment, [(public_id, texts[pk]) for pk, public_id in assignment.candidate_order], done)


def wait_for_others(rater: Rater) -> Wait | None:
    """How long until the first lease ends that keeps an item from the rater; None when there is no such item."""
    now = timezone.now()
    open_lease = Min("assignments__leased_until", filter=Q(assignments__state=State.OPEN))
    ends = Item.objects.leased_elsewhere(rater).aggregate(end=open_lease)["end"]
    if ends is None:
        return None
    shortest, longest = WAIT_SECONDS
    return Wait(int(min(max((ends - now).total_seconds(), shortest), longest)))


def lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.ASSIGNMENT_LEASE_SECONDS)


def body_digest(action: str, target: object, body: Mapping[str, Any]) -> str:
    """SHA-256 of what was asked with a key: the same again gets the same answer, anything else is refused."""
    sent = json.dumps([action, str(target), body], sort_keys=True)
    return hashlib.sha256(sent.encode()).hexdigest()


def rating_submit(
    *, rater: Rater, assignment_id: uuid.UUID, key: uuid.UUID, answers: Any, seconds: float | None
) -> Rating:
    """Store an answer. The same key and answer give the same rating again.

    Raises NotFoundError, AnswerError (422), ConflictError (409) and GoneError (410), as the rater API says.
    """
    if problem := value_problem(answers, "answers"):
        raise AnswerError(problem)
    digest = body_digest("submit", assignment_id, {"answers": answers, "seconds": seconds})
    return _respond(rater, assignment_id, key, digest, Kind.ANSWER, answers=answers, seconds=seconds)


def rating_skip(
    *, rater: Rater, assignment_id: uuid.UUID, key: uuid.UUID, reason: str = "", comment: str = ""
) -> Rating:
    """Pass on an item: it goes to somebody else, and does not come back to this rater.

    A reason (`cannot_judge` or `wrong`) is kept with what the rater has to say about it.
    """
    if reason and reason not in Remark.Reason.values:
        raise AnswerError(f"reason: '{reason}' is not one of {', '.join(Remark.Reason.values)}")
    comment = without_unstorable(comment)
    said = {"reason": reason, "comment": comment} if reason else {}
    rating = _respond(rater, assignment_id, key, body_digest("skip", assignment_id, said), Kind.SKIP)
    if reason:
        Remark.objects.get_or_create(rating=rating, defaults={"reason": reason, "comment": comment[:LONGEST_COMMENT]})
    return rating


def draft_save(*, rater: Rater, assignment_id: uuid.UUID, draft: Mapping[str, str]) -> None:
    """Keep half an answer with the rater's open assignment; whatever is not open any more has no use for it."""
    kept = {
        without_unstorable(name)[:LONGEST_DRAFT_NAME]: without_unstorable(value)[:LONGEST_DRAFT_VALUE]
        for name, value in list(draft.items())[:DRAFT_FIELDS]
    }
    Assignment.objects.open().filter(public_id=assignment_id, rater=rater).update(draft=kept)


def rating_last(*, rater: Rater) -> Rating | None:
    """The rating that an undo would take back: the rater's newest, unless it is a withdrawal or has one after it."""
    newest = Rating.objects.filter(assignment__rater=rater).order_by("-pk").first()
    return newest if newest and newest.kind != Kind.WITHDRAWN else None


def _respond(
    rater: Rater,
    assignment_id: uuid.UUID,
    key: uuid.UUID,
    digest: str,
    kind: str,
    *,
    answers: Any = None,
    seconds: float | None = None,
) -> Rating:
    with transaction.atomic():
        assignment = assignment_lock(rater, assignment_id)
        answered_before = assignment.state != State.OPEN or assignment.revision
        if answered_before and (again := rating_of_key(key, digest)):
            return again
        check_open(rater)
        if assignment.state in (State.DONE, State.SKIPPED):
            raise ConflictError(f"the assignment is {assignment.state} already, under another key")
        leased = assignment.state == State.OPEN and assignment.leased_until > timezone.now()
        if leased:
            stored = read_answers(rater.campaign, assignment, answers) if kind == Kind.ANSWER else {}
            return _answer(rater, assignment, kind, key, digest, stored, seconds)
        assignment_release(assignment)  # committed: the error is raised outside of the transaction
    raise GoneError("the assignment's lease has expired; ask for the next one")


def read_answers(campaign: Campaign, assignment: Assignment, answers: Any) -> dict[str, Any]:
    """What the rater sent, as it is stored. Raises AnswerError."""
    candidates = {public_id: pk for pk, public_id in assignment.candidate_order}
    protocol = protocol_named(campaign.protocol)
    return protocol.read(answers, criteria=campaign.criteria, candidates=candidates, scale=campaign.scale)


def _answer(
    rater: Rater,
    assignment: Assignment,
    kind: str,
    key: uuid.UUID,
    digest: str,
    stored: Mapping[str, Any],
    seconds: float | None,
) -> Rating:
    rating = rating_write(assignment, kind, key, digest, answers=stored, seconds=seconds)
    state = State.DONE if kind == Kind.ANSWER else State.SKIPPED
    Assignment.objects.filter(pk=assignment.pk).update(state=state, draft={}, revision=rating.revision)
    if kind == Kind.SKIP:
        place_give_back(assignment.item_id, rater)
    return rating


def assignment_lock(rater: Rater, assignment_id: uuid.UUID) -> Assignment:
    """The rater's assignment, locked until the transaction ends."""
    found = Assignment.objects.select_for_update().filter(public_id=assignment_id, rater=rater).first()
    if found is None:
        raise NotFoundError("there is no such assignment of this rater")
    return found


def rating_of_key(key: uuid.UUID, digest: str) -> Rating | None:
    """The rating that came with the key before. Raises AnswerError where another body came with it."""
    rating = Rating.objects.filter(key=key).first()
    if rating and rating.body_hash != digest:
        raise AnswerError(f"key: {key} came with another body before; a new answer needs a new key")
    return rating


def rating_write(
    assignment: Assignment,
    kind: str,
    key: uuid.UUID,
    digest: str,
    *,
    answers: Mapping[str, Any] | None = None,
    seconds: float | None = None,
) -> Rating:
    """The assignment's next revision; noting its number there is left to the caller."""
    try:
        with transaction.atomic():
            return Rating.objects.create(
                assignment=assignment,
                revision=assignment.revision + 1,
                kind=kind,
                answers=dict(answers or {}),
                seconds=seconds,
                key=key,
                body_hash=digest,
            )
    except IntegrityError as error:
        if Rating.objects.filter(key=key).exists():
            raise AnswerError(f"key: {key} came with another body before; a new answer needs a new key") from error
        raise ConflictError("the assignment was answered by another request this very moment") from error


def rating_undo(*, rater: Rater, rating_key: uuid.UUID, key: uuid.UUID) -> Rating:
    """Take back an answer or a skip, by adding a withdrawn revision: its screen is the rater's open one again.

    Raises NotFoundError, ConflictError where the rating does not count any more or others took the skipped item's
    last place meanwhile.
    """
    digest = body_digest("undo", rating_key, {})
    with transaction.atomic():
        target = Rating.objects.filter(key=rating_key, assignment__rater=rater).select_related("assignment").first()
        if target is None:
            raise NotFoundError("there is no such rating of this rater")
        assignment = assignment_lock(rater, target.assignment.public_id)
        if again := rating_of_key(key, digest):
            return again
        check_open(rater)
        if target.revision != assignment.revision or target.kind == Kind.WITHDRAWN:
            raise ConflictError("the rating was taken back or replaced already")
        for other in Assignment.objects.select_for_update().open().filter(rater=rater).exclude(pk=assignment.pk):
            assignment_release(other)
        if target.kind == Kind.SKIP and not place_take(assignment.item_id, rater):
            raise ConflictError("others have rated the skipped item meanwhile; it needs no more ratings")
        withdrawn = rating_write(assignment, Kind.WITHDRAWN, key, digest)
        names = dict(assignment.candidate_order)
        before = protocol_named(rater.campaign.protocol).fields(target.answers, names=names)
        Assignment.objects.filter(pk=assignment.pk).update(
            state=State.OPEN, leased_until=lease_end(), draft=before, revision=withdrawn.revision
        )
        return withdrawn


def assignment_release(assignment: Assignment) -> bool:
    """Give an open assignment back, so that its place in the item is free. Says whether it was open."""
    released = Assignment.objects.open().filter(pk=assignment.pk).update(state=State.RELEASED)
    if released:
        place_give_back(assignment.item_id, assignment.rater)
    return bool(released)


def leases_release_expired() -> int:
    """Give back every open assignment whose lease has ended. Returns how many."""
    released = 0
    for pk in Assignment.objects.expired(timezone.now()).order_by("pk").values_list("pk", flat=True)[:1000]:
        with transaction.atomic():
            still = Assignment.objects.select_for_update(skip_locked=True).expired(timezone.now()).filter(pk=pk).first()
            released += bool(still and assignment_release(still))
    return released
