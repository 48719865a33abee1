"""Which screen a rater sees next: the open one, the one they left, or a newly claimed one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction
from django.db.models import DurationField, ExpressionWrapper, Min
from django.db.models.functions import Now

from annotations.campaigns.assignment.choice import pick_item
from annotations.campaigns.assignment.order import ShownBefore, secret_draw
from annotations.campaigns.assignment.tally import shown_as
from annotations.campaigns.forms_due import FormDue, form_after_screens, form_before_screens
from annotations.campaigns.models import Assignment, Campaign, Item, Rater, Rating
from annotations.campaigns.quality import RULES
from annotations.campaigns.rounds import (
    ShownText,
    SoFar,
    Turn,
    WaitingItem,
    item_shown,
    item_texts,
    items_waiting,
    standing_of,
)
from annotations.campaigns.services.checks import rater_check
from annotations.campaigns.services.leases import (
    assignment_retake,
    lease_end,
    lease_length,
    leases_release_expired,
    place_take,
)
from annotations.campaigns.services.planned import planned_due, planned_had
from annotations.campaigns.services.raters import rater_finish
from annotations.errors import ConflictError
from annotations.storage.prepared import Slot, inserting

WINDOW, FAR_WINDOW = 16, 4  # items a rater's next one is drawn from: near the last one, and where none is
WAIT_SECONDS = (1, 30)
State = Assignment.State
CLAIM = inserting(
    Assignment,
    "public_id",
    "item",
    "rater",
    "candidate_order",
    "shown",
    "draft",
    "so_far",
    returning=["id", "created_at"],
    state=State.OPEN,
    revision=0,
    leased_until=Now() + Slot("lease", DurationField()),
)


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
    rater.replaced, rater.stopped_by, rater.campaign.state = standing_of(rater)
    state = rater.campaign.state
    goes_on = state != Campaign.State.CLOSED if rater.trial else state == Campaign.State.OPEN
    if not goes_on and not (drafts and state == Campaign.State.PAUSED):
        raise ConflictError("", f"the campaign is {state} and takes no ratings", code=state)
    if rater.replaced:
        why = RULES.get(rater.stopped_by, "")
        ended = "your part in the campaign has ended; it takes no more ratings of yours"
        raise ConflictError("", ended, why, code="ended")


def assignment_next(*, rater: Rater, after: Rating | None = None) -> Screen | Wait | FormDue | None:
    """The rater's open assignment, its lease renewed; or the one they were at when its lease ended; or a newly claimed
    one. Before the screens and after them a form that they have to fill in. None when nothing is left for them.

    Who has just answered a screen for the first time hardly has another one, so that the claim is tried first: it fails
    where they have.
    """
    answered_now = after is not None and after.revision == 1 and not after.sent_before
    if answered_now and isinstance(claimed := screen_claim(rater, after), Screen):
        return claimed
    check_open(rater)
    if due := form_before_screens(rater):
        return due
    return screen_open(rater) or screen_reopen(rater) or screen_claim(rater) or form_after_screens(rater)


def screen_open(rater: Rater) -> Screen | None:
    found = Assignment.objects.open_of(rater).first()
    if found is None:
        return None
    renewed = found.now + lease_length()
    if found.so_far:  # what was answered late meanwhile counts too
        found.so_far["done"] = found.done
    if not Assignment.objects.open().filter(pk=found.pk).update(leased_until=renewed, so_far=found.so_far):
        return None
    found.leased_until = renewed
    return screen_of(found, item_texts(found.item_id), found.done)


def screen_reopen(rater: Rater) -> Screen | None:
    """The screen that the rater left, with what they had set, if its place is still free."""
    left = Assignment.objects.released_of(rater).first()
    return screen_open(rater) if left and not has_all(rater) and assignment_retake(left) else None


def has_all(rater: Rater, done: int | None = None) -> bool:
    """Whether the rater has answered as many screens as one may, where the campaign limits them."""
    limit = rater.campaign.screens_per_rater
    if not limit or rater.trial:
        return False
    if done is None:
        done = Assignment.objects.filter(rater=rater, state=State.DONE).count()
    return done >= limit


def screen_claim(rater: Rater, after: Rating | None = None) -> Screen | Wait | None:
    """Claim an item: one that was taken least. Whoever takes the last place of an item first has it.

    As everywhere the assignment is written before its item, so that no two requests wait for each other's rows.
    """
    secret, tries = rater.campaign.order_secret, 0
    while True:
        waiting, before, newest, start = look(rater, after)
        if has_all(rater, before.done):
            check_open(rater)
            rater_end(rater)
            return None
        first, had = waiting[0] if waiting else None, planned_had(rater, after)
        draw = secret_draw(secret, rater.pk, first and first.pk, before.done, tries)
        due = planned_due(rater, before.done, had, draw)
        if first is None:
            check_open(rater)
            if due is None or before.done <= had:  # whoever has judged nothing else is not asked for a check alone
                if leases_release_expired():
                    continue
                if (wait := wait_for_others(rater)) is None:
                    rater_end(rater)
                return wait
        # As much is reckoned for a planned screen as for an ordinary one, so that it is not known by its time.
        ordinary = first.pk if first else 0
        if waiting and not rater.trial:
            ordinary = pick_item([(row.pk, row.turn.taken) for row in waiting], draw=draw, misfit=before.misfit)
        picked = due.item if due else ordinary
        tries += 1
        item, texts = item_shown(picked)
        systems = [[system] for system in before.systems] if due else [text.systems for text in texts]
        places = before.order(systems, picked, draw=draw)
        if due:
            order = draw.sample(shown := due.shown(texts), len(shown))
        else:
            order = [texts[place] for place in places]
            before.rater.add(shown_as([text.systems for text in order]))
        rest = [row.turn for row in waiting if row.pk != picked] or [max(start, first.turn) if first else start]
        item.kind = due.kind if due else Item.Kind.REGULAR
        words = sum(len(text.text.split()) for text in order) if rater.campaign.quality_control else 0
        known = SoFar(before.done, before.rater, rest[0], newest, had + bool(due), item.kind, words)
        so_far = None if rater.trial or rater.named_items else known
        try:
            with transaction.atomic():
                claimed = assignment_write(rater, item, order, so_far)
                if not place_take(picked, rater):
                    transaction.set_rollback(True)
                    continue
        except IntegrityError:  # another tab of the same rater was first
            if found := screen_open(rater):
                return found
            continue
        return screen_of(claimed, {text.pk: text.text for text in texts}, before.done)


def rater_end(rater: Rater) -> None:
    """Nothing is left for a rater. Whom a rule stops, though the answer that broke it could not say so, has not done
    all there was."""
    rater_check(rater=rater, rating=None)
    check_open(rater)
    rater_finish(rater=rater)


def look(rater: Rater, after: Rating | None) -> tuple[list[WaitingItem], ShownBefore, int, Turn]:
    """What waits for the rater, what was shown before, the newest assignment, and from where on it was looked for: from
    where the screen just answered was found, first nearby; where that is not known, or nothing is left from there on,
    from the first item."""
    if after and after.assignment.so_far:
        known = SoFar.of(after.assignment.so_far)
        so_far = replace(known, done=known.done + (after.kind == Rating.Kind.ANSWER))
        for near in (True, False):
            waiting, before, newest = items_waiting(rater, WINDOW if near else FAR_WINDOW, so_far, near=near)
            if waiting:
                return waiting, before, newest, known.start
    return *items_waiting(rater, WINDOW), Turn(0, 0, 0)


def assignment_write(rater: Rater, item: Item, texts: Sequence[ShownText], so_far: SoFar | None) -> Assignment:
    """Open the assignment of an item to a rater, its texts in this order: a new row, or the one they had given back,
    which keeps its order if they ever answered it. Raises IntegrityError where they have another one open."""
    order, shown = [[text.pk, text.public_id] for text in texts], shown_as([text.systems for text in texts])
    made = Assignment(item=item, rater=rater, candidate_order=order, shown=shown)
    for pk, created_at in CLAIM.rows(
        public_id=made.public_id,
        item_id=item.pk,
        rater_id=rater.pk,
        candidate_order=order,
        shown=shown,
        draft={},
        so_far=so_far and so_far.stored(),
        lease=lease_length(),
    ):
        made.pk, made.created_at = pk, created_at
        made.leased_until = created_at + lease_length()  # of one statement: the same moment
        return made
    again = Assignment.objects.filter(item=item, rater=rater, state=State.RELEASED)
    # What is known so far may count the order in which it was shown before: the next claim counts anew.
    if not again.update(state=State.OPEN, so_far=None, leased_until=lease_end()):
        raise IntegrityError("the rater has another screen open")
    again = Assignment.objects.filter(item=item, rater=rater)
    again.filter(revision=0).update(candidate_order=order, shown=shown)  # what was answered stays as it was then
    found = again.get()
    found.item = item
    return found


def screen_of(assignment: Assignment, texts: Mapping[int, str], done: int) -> Screen:
    return Screen(assignment, [(public_id, texts[pk]) for pk, public_id in assignment.candidate_order], done)


def wait_for_others(rater: Rater) -> Wait | None:
    """How long until the first lease ends that keeps an item from the rater; None when there is no such item. What was
    named for a rater nobody keeps from them."""
    if rater.named_items:
        return None
    left = ExpressionWrapper(Min("leased_until") - Now(), output_field=DurationField())
    seconds = Assignment.objects.keeping_from(rater).aggregate(left=left)["left"]
    if seconds is None:
        return None
    shortest, longest = WAIT_SECONDS
    return Wait(int(min(max(seconds.total_seconds(), shortest), longest)))
