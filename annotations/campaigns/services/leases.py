"""Writes of leases and places: an open assignment holds one of its item's places until it is answered or given back.

Rows are locked in one order: a rater, assignments by primary key, items by primary key. A request that locks an
assignment and reads afterwards whether it may go on is either done before an end or sees it.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F, IntegerField, Q, QuerySet, Subquery
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce

from annotations.campaigns.models import Assignment, Item, Rater
from annotations.storage.clock import from_now
from annotations.storage.prepared import Slot, slots, updating

State = Assignment.State
TAKE = updating(
    lambda: Item.objects.filter(
        ~Q(kind=Item.Kind.REGULAR) | Q(taken__lt=Slot("overlap", IntegerField())), **slots(Item, "id")
    ),
    taken=F("taken") + 1,
)


def lease_end() -> CombinedExpression:
    """When a lease ends that is given or renewed now."""
    return from_now(settings.ASSIGNMENT_LEASE_SECONDS)


def lease_length() -> timedelta:
    return timedelta(seconds=settings.ASSIGNMENT_LEASE_SECONDS)


def assignments_lock(rows: QuerySet[Assignment]) -> None:
    """Lock assignments until the transaction ends. On SQLite it has the whole database to itself."""
    if connection.vendor != "sqlite":
        list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def items_lock(items: Iterable[int]) -> None:
    list(Item.objects.select_for_update(no_key=True).filter(pk__in=items).order_by("pk").values_list("pk"))


def place_take(item: int, rater: Rater) -> bool:
    """Take one of an item's places for the rater, if one is free. A dry run needs none; for whom items were named has
    theirs from the beginning; and a planned screen has one for every rater."""
    if rater.trial or rater.named_items:
        return True
    return bool(TAKE.count(id=item, overlap=rater.campaign.overlap))


def place_give_back(item: int, rater: Rater) -> None:
    if not (rater.trial or rater.named_items):
        Item.objects.filter(pk=item).update(taken=F("taken") - 1, turn=turn_last())


def turn_last() -> Coalesce:
    """The turn of an item that comes back: not before the newest assignment that anybody who passed it had seen."""
    return Coalesce(Subquery(Assignment.objects.order_by("-pk").values("pk")[:1]), 0)


def assignment_release(assignment: Assignment) -> bool:
    """Give an open assignment back, so that its place in the item is free. Says whether it was open."""
    released = Assignment.objects.open().filter(pk=assignment.pk).update(state=State.RELEASED, so_far=None)
    if released:
        place_give_back(assignment.item_id, assignment.rater)
    return bool(released)


def assignment_retake(assignment: Assignment) -> bool:
    """Open a released assignment again, if its item has a free place and the rater no other one open. Says whether."""
    released = Assignment.objects.filter(pk=assignment.pk, state=State.RELEASED)
    try:
        with transaction.atomic():
            if released.update(state=State.OPEN, leased_until=lease_end()) and place_take(
                assignment.item_id, assignment.rater
            ):
                return True
            transaction.set_rollback(True)
    except IntegrityError:  # another one is open
        pass
    return False


def leases_release_expired() -> int:
    """Give back every open assignment whose lease has ended. Returns how many."""
    released = 0
    for pk in Assignment.objects.expired().order_by("pk").values_list("pk", flat=True)[:1000]:
        with transaction.atomic():
            still = Assignment.objects.select_for_update(skip_locked=True).expired().filter(pk=pk).first()
            released += bool(still and assignment_release(still))
    return released
