"""Writes of assignments and ratings. Every answer is written once, whatever is sent twice or at once."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from typing import Any, NamedTuple

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef

from annotations.campaigns.answers import fields_sent
from annotations.campaigns.models import Assignment, Campaign, Item, Rater, Rating, Remark, Rewrite
from annotations.campaigns.rounds import ItemTexts, assignment_locked, rating_newest
from annotations.campaigns.services.checks import answer_look, planned_item, rater_check, repeats_renew
from annotations.campaigns.services.leases import (
    assignment_release,
    assignment_retake,
    assignments_lock,
    items_lock,
    lease_end,
    place_give_back,
    place_take,
)
from annotations.campaigns.services.screens import check_open
from annotations.campaigns.standing import Looked
from annotations.errors import AnswerError, ConflictError, GoneError, InputError, NotFoundError
from annotations.protocols import cannot_say, protocol_named
from annotations.storage.prepared import inserting, slots, updating
from texts.storable import value_problem, without_unstorable

MAX_SECONDS = 7 * 24 * 3600
MAX_COMMENT_LENGTH = 2000
COMMENT = ":comment"  # among the fields of a draft
DRAFT_FIELDS, MAX_DRAFT_NAME_LENGTH, MAX_DRAFT_VALUE_LENGTH = 200, 160, 20_000
State, Kind = Assignment.State, Rating.Kind
ADDED = "revision", "kind", "answers", "seconds", "key", "body_hash"
ADD = inserting(Rating, "assignment", *ADDED, returning=["id", "created_at"])
ADD_REWRITE = inserting(Rewrite, "rating", "candidate", "text", returning=["id"])
END = updating(
    lambda: Assignment.objects.filter(
        Exists(Rater.objects.going_on().filter(pk=OuterRef("rater"))), **slots(Assignment, "id")
    ),
    draft={},
    **slots(Assignment, "state", "revision", "seconds_spent", "check_passed", "too_fast", "same_answers"),
)


def body_digest(rater: Rater, action: str, target: object, body: Mapping[str, Any]) -> str:
    """Of what was asked with a key: the same again gets the same answer, anything else is refused. It is keyed by the
    rater (HMAC, SHA-256), so that once they are erased nobody can try out what they had typed."""
    sent = json.dumps([action, str(target), body], sort_keys=True)
    return hmac.new(rater.digest_key.encode(), sent.encode(), hashlib.sha256).hexdigest()


def rating_submit(
    *,
    rater: Rater,
    assignment_id: uuid.UUID,
    key: uuid.UUID,
    answers: Any,
    seconds: float | None,
    comment: str = "",
) -> Rating:
    """Store an answer, and what the rater has to say of it. The same key and answer give the same rating again.

    An answer is taken as long as its item has a place for it, whatever became of the lease. Raises NotFoundError,
    AnswerError (422), ConflictError (409) and GoneError (410), as the rater API says.
    """
    if problem := value_problem(answers, "answers"):
        raise AnswerError(*problem, code="value")
    comment = cleaned(comment)
    if comment and not rater.campaign.comments:
        raise AnswerError("comment", "the campaign asks for no comments", "leave it out", code="form")
    body = {"answers": answers, "comment": comment}  # not the seconds: a clock runs on while the same is sent again
    digest = body_digest(rater, "submit", assignment_id, body)
    rating = _respond(rater, assignment_id, Response(Kind.ANSWER, key, digest, answers, seconds, comment=comment))
    rater_check(rater=rater, rating=rating)
    return rating


def rating_skip(
    *, rater: Rater, assignment_id: uuid.UUID, key: uuid.UUID, reason: str = "", comment: str = ""
) -> Rating:
    """Pass on an item: it goes to somebody else, and does not come back to this rater.

    A reason (`cannot_judge` or `wrong`) is kept with what the rater has to say about it.
    """
    if reason and reason not in Remark.Reason.values:
        raise AnswerError("reason", f"'{reason}' is not one of {', '.join(Remark.Reason.values)}")
    comment = cleaned(comment) if reason else ""
    digest = body_digest(rater, "skip", assignment_id, {"reason": reason, "comment": comment})
    rating = _respond(rater, assignment_id, Response(Kind.SKIP, key, digest, reason=reason, comment=comment))
    rater_check(rater=rater, rating=rating)
    return rating


def cleaned(comment: str) -> str:
    return without_unstorable(comment).strip()[:MAX_COMMENT_LENGTH]


def draft_save(
    *, rater: Rater, assignment_id: uuid.UUID, draft: Mapping[str, str], seconds: float | None = None
) -> None:
    """Keep half an answer and the seconds spent on it, and renew the lease, which is taken up again if it has ended.

    Raises NotFoundError, ConflictError where the screen was answered or skipped, the campaign is closed or the rater's
    part has ended, and GoneError where others have taken the place; the half answer is kept then, in case it comes free
    again.
    """
    kept = {
        without_unstorable(name)[:MAX_DRAFT_NAME_LENGTH]: without_unstorable(value)[:MAX_DRAFT_VALUE_LENGTH]
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
    """The rating that an undo would take back: the newest that was not taken back yet."""
    return rating_newest(rater)


class Response(NamedTuple):
    """What a rater sent of a screen."""

    kind: str
    key: uuid.UUID
    digest: str
    answers: Any = None
    seconds: float | None = None
    reason: str = ""
    comment: str = ""


def _respond(rater: Rater, assignment_id: uuid.UUID, sent: Response) -> Rating:
    with transaction.atomic():
        assignment = assignment_lock(rater, assignment_id)
        answered_before = assignment.state != State.OPEN or assignment.revision
        if answered_before and (again := rating_of_key(sent.key, sent.digest)):
            return again
        try:
            check_unanswered(assignment)
            item = planned_item(assignment) if rater.campaign.quality_control.planned else None
            if sent.kind == Kind.SKIP:
                missed = item and item.kind == Item.Kind.QUALIFICATION
                return _answer(rater, assignment, sent, {}, {}, None, Looked(check_passed=False if missed else None))
            if assignment.state == State.RELEASED and not place_take(assignment.item_id, rater):
                raise gone_error()
            stored, rewrites = read_answers(rater.campaign, assignment, sent.answers)
            seconds = seconds_looked(assignment, sent.seconds)
            looked = answer_look(rater, assignment, stored, seconds, item)
            rating = _answer(rater, assignment, sent, stored, rewrites, seconds, looked)
            rating.training = item.planted if item and item.kind == Item.Kind.TRAINING else None
            anew = answered_before and item is None and rater.campaign.quality_control.repeats
            if anew and repeats_renew(rater, assignment.item_id):
                rating.looked = None  # another screen was looked at
            return rating
        except InputError:
            check_open(rater)  # that the study has ended is said before all else
            raise


def check_unanswered(assignment: Assignment) -> None:
    if assignment.state in (State.DONE, State.SKIPPED):
        raise ConflictError(
            "", f"the assignment is already {assignment.state}, under another key", code=assignment.state
        )


def gone_error() -> GoneError:
    return GoneError(
        "",
        "the lease of the assignment has expired, and others have taken its place",
        "ask for the next one",
        code="gone",
    )


def seconds_looked(assignment: Assignment, said: float | None) -> float | None:
    """How long the rater looked at a locked assignment's screen: as long as their page or program says, but no less
    than it said before and no more than since the screen was handed out.

    Where nothing was ever said it is the time since then; beyond a lease that says nothing, and it is not known.
    """
    held = assignment.held.total_seconds()
    if said is None and not assignment.seconds_spent:
        return held if held <= settings.ASSIGNMENT_LEASE_SECONDS else None
    return max(min(said or 0, held), assignment.seconds_spent)


def read_answers(
    campaign: Campaign, assignment: Assignment, answers: Any
) -> tuple[Mapping[str, Any], Mapping[int, str]]:
    """What the rater sent, as it is stored, and what they rewrote of each candidate. Raises AnswerError."""
    candidates = {public_id: pk for pk, public_id in assignment.candidate_order}
    protocol = protocol_named(campaign.protocol)
    judged, declined = cannot_say.apart(answers, campaign.cannot_say)
    criteria = [criterion for criterion in campaign.criteria if criterion not in declined]
    texts = ItemTexts(assignment.item_id)
    read = protocol.read(judged, criteria=criteria, candidates=candidates, rules=campaign.rules, texts=texts)
    return protocol.apart(read)


def _answer(
    rater: Rater,
    assignment: Assignment,
    sent: Response,
    stored: Mapping[str, Any],
    rewrites: Mapping[int, str],
    seconds: float | None,
    looked: Looked,
) -> Rating:
    rating = rating_write(assignment, sent.kind, sent.key, sent.digest, answers=stored, seconds=seconds)
    rating.looked = looked
    state = State.DONE if sent.kind == Kind.ANSWER else State.SKIPPED
    spent = assignment.seconds_spent if seconds is None else seconds  # where an undo goes on from
    ended = {"state": state, "revision": rating.revision, "seconds_spent": spent, **looked._asdict()}
    if not END.count(id=assignment.pk, **ended):
        raise ConflictError("", "the campaign takes no ratings", code=rater.campaign.state)
    if sent.kind == Kind.SKIP and assignment.state == State.OPEN:
        place_give_back(assignment.item_id, rater)
    if sent.reason or sent.comment:
        Remark.objects.create(rating=rating, reason=sent.reason, comment=sent.comment)
    for candidate, text in rewrites.items():
        ADD_REWRITE.rows(rating_id=rating.pk, candidate_id=candidate, text=text)
    return rating


def assignment_lock(rater: Rater, assignment_id: uuid.UUID) -> Assignment:
    """The rater's assignment, locked until the transaction ends."""
    found = assignment_locked(rater, assignment_id)
    if found is None:
        raise NotFoundError("", "this rater has no such assignment", code="unknown")
    return found


def rating_of_key(key: uuid.UUID, digest: str) -> Rating | None:
    """The rating that came with the key before. Raises AnswerError where another body came with it."""
    rating = Rating.objects.filter(key=key).first()
    if rating:
        if rating.body_hash != digest:
            raise key_error(key)
        rating.sent_before = True
    return rating


def key_error(key: uuid.UUID) -> AnswerError:
    return AnswerError("key", f"{key} was already used with another body", "a new answer needs a new key", code="key")


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
    rating = Rating(
        assignment=assignment,
        revision=assignment.revision + 1,
        kind=kind,
        answers=dict(answers or {}),
        seconds=seconds,
        key=key,
        body_hash=digest,
    )
    values = {name: getattr(rating, name) for name in ADDED}
    # SQLite's trigger refuses what PostgreSQL leaves out, whose transaction would not survive an error.
    with suppress(IntegrityError) if connection.vendor == "sqlite" else nullcontext():
        for rating.pk, rating.created_at in ADD.rows(assignment_id=assignment.pk, **values):
            return rating
    if Rating.objects.filter(key=key).exists():
        raise key_error(key)
    raise ConflictError("", "another request has just answered this assignment", code=State.DONE)


def rating_undo(*, rater: Rater, rating_key: uuid.UUID, key: uuid.UUID) -> Rating:
    """Take back an answer or a skip, by adding a withdrawn revision: its screen is the rater's open one again.

    Raises NotFoundError, ConflictError where the rating does not count any more or others took the skipped item's
    last place meanwhile.
    """
    digest = body_digest(rater, "undo", rating_key, {})
    with transaction.atomic():
        target = Rating.objects.filter(key=rating_key, assignment__rater=rater).select_related("assignment").first()
        if target is None:
            raise NotFoundError("", "this rater has no such rating", code="unknown")
        assignments_lock(Assignment.objects.filter(rater=rater))
        assignment = assignment_lock(rater, target.assignment.public_id)
        if again := rating_of_key(key, digest):
            return again
        check_open(rater)
        if target.revision != assignment.revision or target.kind == Kind.WITHDRAWN:
            raise ConflictError("", "the rating has already been withdrawn or replaced", code="replaced")
        others = list(Assignment.objects.open().filter(rater=rater).exclude(pk=assignment.pk))
        items_lock([assignment.item_id, *(other.item_id for other in others)])
        for other in others:
            assignment_release(other)
        if target.kind == Kind.SKIP and not place_take(assignment.item_id, rater):
            raise ConflictError(
                "", "others have rated the skipped item in the meantime", "it needs no more ratings", code="taken"
            )
        withdrawn = rating_write(assignment, Kind.WITHDRAWN, key, digest)
        names = dict(assignment.candidate_order)
        before = {} if target.kind == Kind.SKIP else fields_before(rater.campaign, target, names)
        Assignment.objects.filter(pk=assignment.pk).update(
            state=State.OPEN, leased_until=lease_end(), draft=before, revision=withdrawn.revision
        )
        if target.kind == Kind.ANSWER and rater.campaign.quality_control.repeats:
            repeats_renew(rater, assignment.item_id)
        return withdrawn


def fields_before(campaign: Campaign, rating: Rating, names: Mapping[int, str]) -> dict[str, str]:
    """The page's fields as they were when an answer was sent, with its comment."""
    rewrites = dict(Rewrite.objects.filter(rating=rating).values_list("candidate", "text"))
    fields = fields_sent(campaign, rating, names, rewrites)
    for comment in Remark.objects.filter(rating=rating).values_list("comment", flat=True):
        fields[COMMENT] = comment
    return fields
