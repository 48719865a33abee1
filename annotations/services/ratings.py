"""Writes of assignments and ratings. Every answer is written once, whatever is sent twice or at once."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import DurationField, ExpressionWrapper, Min, Q
from django.db.models.functions import Now

from annotations.assignment.choice import pick_item
from annotations.assignment.order import secret_draw, shown_as
from annotations.errors import AnswerError, ConflictError, GoneError, NotFoundError
from annotations.models import Assignment, Campaign, Candidate, Item, Rater, Rating, Remark
from annotations.protocols import protocol_named
from annotations.querysets.campaigns import ShownText, item_shown, items_waiting
from annotations.services.leases import (
    assignment_release,
    assignment_retake,
    assignments_lock,
    items_lock,
    lease_end,
    lease_length,
    leases_release_expired,
    place_give_back,
    place_take,
)
from annotations.services.raters import rater_finish
from texts.storable import value_problem, without_unstorable

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


def check_open(rater: Rater, *, drafts: bool = False) -> None:
    """Raises ConflictError where the campaign takes no ratings, or none of this rater's; a pause keeps no draft away.

    The state is read anew, after the assignment is locked, since the campaign may have been closed and the rater left
    out or erased after the request read them. A join to the locked row would give what was there before the wait.
    """
    now = Rater.objects.filter(pk=rater.pk).order_by().values_list("replaced", "erased_at", "campaign__state")
    replaced, erased_at, state = next(iter(now), (False, None, Campaign.State.CLOSED))  # a draft may be deleted
    rater.replaced = replaced or erased_at is not None
    rater.campaign.state = state
    goes_on = state != Campaign.State.CLOSED if rater.trial else state == Campaign.State.OPEN
    if not goes_on and not (drafts and state == Campaign.State.PAUSED):
        raise ConflictError(f"the campaign is {state} and takes no ratings", state)
    if rater.replaced:
        raise ConflictError("your part in the campaign has ended; it takes no more ratings of yours", "ended")


def assignment_next(*, rater: Rater, after: Rating | None = None) -> Screen | Wait | None:
    """The rater's open assignment, its lease renewed; or the one they were at when its lease ended; or a newly claimed
    one. None when nothing is left for them.

    Who has just answered a screen for the first time hardly has another one, so that the claim is tried first: it fails
    where they have.
    """
    if after is not None and after.revision == 1 and isinstance(claimed := screen_claim(rater), Screen):
        return claimed
    check_open(rater)
    return screen_open(rater) or screen_reopen(rater) or screen_claim(rater)


def screen_open(rater: Rater) -> Screen | None:
    found = Assignment.objects.open_of(rater).first()
    if found is None:
        return None
    renewed = found.now + lease_length()
    if not Assignment.objects.open().filter(pk=found.pk).update(leased_until=renewed):
        return None
    found.leased_until = renewed
    texts = Candidate.objects.filter(item=found.item_id).values_list("pk", "text")
    return screen_of(found, dict(texts), found.done)


def screen_reopen(rater: Rater) -> Screen | None:
    """The screen that the rater left, with what they had set, if its place is still free."""
    left = Assignment.objects.released_of(rater).first()
    return screen_open(rater) if left and assignment_retake(left) else None


def screen_claim(rater: Rater) -> Screen | Wait | None:
    """Claim an item: one that was taken least. Whoever takes the last place of an item first has it.

    As everywhere the assignment is written before its item, so that no two requests wait for each other's rows.
    """
    secret, tries = rater.campaign.order_secret, 0
    while True:
        waiting, before = items_waiting(rater, WINDOW)
        if not waiting:
            check_open(rater)
            if leases_release_expired():
                continue
            if (wait := wait_for_others(rater)) is None:
                rater_finish(rater=rater)
            return wait
        draw = secret_draw(secret, rater.pk, waiting[0].pk, waiting[0].done, tries)
        if rater.trial:
            row = waiting[0]
        else:
            picked = pick_item([(row.pk, row.taken) for row in waiting], draw=draw, misfit=before.misfit)
            row = next(row for row in waiting if row.pk == picked)
        tries += 1
        item, texts = item_shown(row.pk)
        order = before.order([text.systems for text in texts], row.pk, draw=draw)
        try:
            with transaction.atomic():
                claimed = assignment_write(rater, item, [texts[place] for place in order])
                if not place_take(row.pk, rater):
                    transaction.set_rollback(True)
                    continue
        except IntegrityError:  # another tab of the same rater was first
            if found := screen_open(rater):
                return found
            continue
        return screen_of(claimed, {text.pk: text.text for text in texts}, row.done)


def assignment_write(rater: Rater, item: Item, texts: Sequence[ShownText]) -> Assignment:
    """Open the assignment of an item to a rater, its texts in this order: a new row, or the one they had given back."""
    fields = {
        "state": State.OPEN,
        "candidate_order": [[text.pk, text.public_id] for text in texts],
        "shown": shown_as([text.systems for text in texts]),
        "leased_until": lease_end(),
    }
    try:
        with transaction.atomic():
            made = Assignment.objects.create(item=item, rater=rater, **fields)
            made.leased_until = made.created_at + lease_length()  # of one statement: the same moment
            return made
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
    open_lease = Min("assignments__leased_until", filter=Q(assignments__state=State.OPEN))
    left = ExpressionWrapper(open_lease - Now(), output_field=DurationField())
    seconds = Item.objects.leased_elsewhere(rater).aggregate(left=left)["left"]
    if seconds is None:
        return None
    shortest, longest = WAIT_SECONDS
    return Wait(int(min(max(seconds.total_seconds(), shortest), longest)))


def body_digest(action: str, target: object, body: Mapping[str, Any]) -> str:
    """SHA-256 of what was asked with a key: the same again gets the same answer, anything else is refused."""
    sent = json.dumps([action, str(target), body], sort_keys=True)
    return hashlib.sha256(sent.encode()).hexdigest()


def rating_submit(
    *, rater: Rater, assignment_id: uuid.UUID, key: uuid.UUID, answers: Any, seconds: float | None
) -> Rating:
    """Store an answer. The same key and answer give the same rating again.

    An answer is taken as long as its item has a place for it, whatever became of the lease. Raises NotFoundError,
    AnswerError (422), ConflictError (409) and GoneError (410), as the rater API says.
    """
    if problem := value_problem(answers, "answers"):
        raise AnswerError(problem, "value")
    digest = body_digest("submit", assignment_id, {"answers": answers})  # a clock runs on while the same is sent again
    return _respond(rater, assignment_id, key, digest, Kind.ANSWER, answers=answers, seconds=seconds)


@transaction.atomic
def rating_skip(
    *, rater: Rater, assignment_id: uuid.UUID, key: uuid.UUID, reason: str = "", comment: str = ""
) -> Rating:
    """Pass on an item: it goes to somebody else, and does not come back to this rater.

    A reason (`cannot_judge` or `wrong`) is kept with what the rater has to say about it.
    """
    if reason and reason not in Remark.Reason.values:
        raise AnswerError(f"reason: '{reason}' is not one of {', '.join(Remark.Reason.values)}")
    comment = without_unstorable(comment)
    said = {"reason": reason} if reason else {}  # not the comment: a digest of it could not be erased
    rating = _respond(rater, assignment_id, key, body_digest("skip", assignment_id, said), Kind.SKIP)
    if reason:
        Remark.objects.get_or_create(rating=rating, defaults={"reason": reason, "comment": comment[:LONGEST_COMMENT]})
    return rating


def draft_save(
    *, rater: Rater, assignment_id: uuid.UUID, draft: Mapping[str, str], seconds: float | None = None
) -> None:
    """Keep half an answer and the seconds spent on it, and renew the lease, which is taken up again if it has ended.

    Raises NotFoundError, ConflictError where the screen was answered or skipped, the campaign is closed or the rater's
    part has ended, and GoneError where others have taken the place; the half answer is kept then, in case it comes free
    again.
    """
    kept = {
        without_unstorable(name)[:LONGEST_DRAFT_NAME]: without_unstorable(value)[:LONGEST_DRAFT_VALUE]
        for name, value in list(draft.items())[:DRAFT_FIELDS]
    }
    with transaction.atomic():
        assignment = assignment_lock(rater, assignment_id)
        check_open(rater, drafts=True)
        check_unanswered(assignment)
        fields: dict[str, Any] = {"draft": kept, "seconds_spent": seconds_looked(assignment, seconds or 0)}
        if assignment.state == State.OPEN:
            fields["leased_until"] = lease_end()
        Assignment.objects.filter(pk=assignment.pk).update(**fields)
        if assignment.state != State.RELEASED or rater.campaign.state == Campaign.State.PAUSED:
            return
        if assignment_retake(assignment):
            return
    if not Assignment.objects.released_of(rater).filter(pk=assignment.pk).exists():
        raise gone_error()


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
        check_unanswered(assignment)
        if kind == Kind.SKIP:
            return _answer(rater, assignment, kind, key, digest, {}, None)
        if assignment.state == State.RELEASED and not place_take(assignment.item_id, rater):
            raise gone_error()
        stored = read_answers(rater.campaign, assignment, answers)
        return _answer(rater, assignment, kind, key, digest, stored, seconds_looked(assignment, seconds))


def check_unanswered(assignment: Assignment) -> None:
    if assignment.state in (State.DONE, State.SKIPPED):
        raise ConflictError(f"the assignment is {assignment.state} already, under another key", assignment.state)


def gone_error() -> GoneError:
    return GoneError("the assignment's lease has expired and others have taken its place; ask for the next one", "gone")


def seconds_looked(assignment: Assignment, said: float | None) -> float | None:
    """How long the rater looked at a locked assignment's screen: as long as their page or program says, but no less
    than it said before and no more than since the screen was handed out.

    Where nothing was ever said it is the time since then; beyond a lease that says nothing, and it is not known.
    """
    held = assignment.held.total_seconds()
    if said is None and not assignment.seconds_spent:
        return held if held <= settings.ASSIGNMENT_LEASE_SECONDS else None
    return max(min(said or 0, held), assignment.seconds_spent)


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
    spent = assignment.seconds_spent if seconds is None else seconds  # where an undo goes on from
    Assignment.objects.filter(pk=assignment.pk).update(
        state=state, draft={}, revision=rating.revision, seconds_spent=spent
    )
    if kind == Kind.SKIP and assignment.state == State.OPEN:
        place_give_back(assignment.item_id, rater)
    return rating


def assignment_lock(rater: Rater, assignment_id: uuid.UUID) -> Assignment:
    """The rater's assignment, locked until the transaction ends."""
    theirs = Assignment.objects.select_for_update().with_held().filter(public_id=assignment_id, rater=rater)
    found: Assignment | None = next(iter(theirs), None)
    if found is None:
        raise NotFoundError("there is no such assignment of this rater", "unknown")
    return found


def rating_of_key(key: uuid.UUID, digest: str) -> Rating | None:
    """The rating that came with the key before. Raises AnswerError where another body came with it."""
    rating = Rating.objects.filter(key=key).first()
    if rating and rating.body_hash != digest:
        raise key_error(key)
    return rating


def key_error(key: uuid.UUID) -> AnswerError:
    return AnswerError(f"key: {key} came with another body before; a new answer needs a new key", "key")


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
            raise key_error(key) from error
        raise ConflictError("the assignment was answered by another request this very moment", State.DONE) from error


def rating_undo(*, rater: Rater, rating_key: uuid.UUID, key: uuid.UUID) -> Rating:
    """Take back an answer or a skip, by adding a withdrawn revision: its screen is the rater's open one again.

    Raises NotFoundError, ConflictError where the rating does not count any more or others took the skipped item's
    last place meanwhile.
    """
    digest = body_digest("undo", rating_key, {})
    with transaction.atomic():
        target = Rating.objects.filter(key=rating_key, assignment__rater=rater).select_related("assignment").first()
        if target is None:
            raise NotFoundError("there is no such rating of this rater", "unknown")
        assignments_lock(Assignment.objects.filter(rater=rater))
        assignment = assignment_lock(rater, target.assignment.public_id)
        if again := rating_of_key(key, digest):
            return again
        check_open(rater)
        if target.revision != assignment.revision or target.kind == Kind.WITHDRAWN:
            raise ConflictError("the rating was taken back or replaced already", "replaced")
        others = list(Assignment.objects.open().filter(rater=rater).exclude(pk=assignment.pk))
        items_lock([assignment.item_id, *(other.item_id for other in others)])
        for other in others:
            assignment_release(other)
        if target.kind == Kind.SKIP and not place_take(assignment.item_id, rater):
            raise ConflictError("others have rated the skipped item meanwhile; it needs no more ratings", "taken")
        withdrawn = rating_write(assignment, Kind.WITHDRAWN, key, digest)
        names = dict(assignment.candidate_order)
        before = protocol_named(rater.campaign.protocol).fields(target.answers, names=names)
        Assignment.objects.filter(pk=assignment.pk).update(
            state=State.OPEN, leased_until=lease_end(), draft=before, revision=withdrawn.revision
        )
        return withdrawn
