"""Reads of campaigns, items, raters and assignments."""

from collections import Counter
from collections.abc import Container
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, models
from django.db.models import Avg, Count, Exists, Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

TAKEN_BY_RATER = ("open", "done", "skipped")


def done_by(rater: Any) -> Coalesce:
    """How many assignments the rater has answered, as a part of another query."""
    from annotations.models import Assignment

    answered = Assignment.objects.filter(rater=rater, state="done").order_by().values("rater")
    return Coalesce(Subquery(answered.annotate(count=Count("pk")).values("count")), 0)


class CampaignQuerySet(models.QuerySet):
    def current(self) -> "CampaignQuerySet":
        """Those not archived."""
        return self.filter(archived_at=None)

    def showing_pictures_of(self, photos: Container[int]) -> Any:
        """The first that shows raters a picture of one of the photos, by their primary keys; None where none does."""
        shown = self.filter(show__in=["photo", "both"]).exclude(state="draft")
        rows = shown.order_by("pk").values_list("pk", "items__source__photo").distinct()
        return next((self.get(pk=pk) for pk, photo in rows.iterator() if photo in photos), None)

    def with_progress(self) -> "CampaignQuerySet":
        """Each with `answered`: screens that raters have answered, dry runs and what they rated again aside."""
        from annotations.models import Assignment

        done = Assignment.objects.filter(
            item__campaign=OuterRef("pk"), item__kind="regular", state="done", rater__trial=False
        )
        counted = done.order_by().values("item__campaign").annotate(count=Count("pk")).values("count")
        return self.annotate(answered=Coalesce(Subquery(counted), 0))


class ItemQuerySet(models.QuerySet):
    def new_to(self, rater: Any) -> "ItemQuerySet":
        """Items of the rater's campaign that they neither answered nor skipped nor have open."""
        from annotations.models import Assignment

        theirs = Assignment.objects.filter(item=OuterRef("pk"), rater=rater, state__in=TAKEN_BY_RATER)
        return self.filter(~Exists(theirs), campaign=rater.campaign_id)

    def leased_elsewhere(self, rater: Any) -> "ItemQuerySet":
        """Those that others' open leases keep from the rater: they may come free again."""
        from annotations.models import Assignment

        leased = Assignment.objects.filter(item=OuterRef("pk"), state="open", rater__trial=False)
        return self.new_to(rater).filter(Exists(leased))


def items_by_answers(campaign: Any) -> dict[int, int]:
    """How many items have 0, 1, … answers that count."""
    from annotations.models import Item

    done = Count("assignments", filter=Q(assignments__state="done", assignments__rater__trial=False))
    answers = (
        Item.objects.filter(campaign=campaign, kind="regular").annotate(answers=done).values_list("answers", flat=True)
    )
    return dict(sorted(Counter(answers).items()))


def rater_progress(campaign: Any) -> "models.QuerySet":
    """The campaign's raters, dry runs aside, each with `done`, `skipped`, `seconds` (mean a screen) and `last`."""
    from annotations.models import Assignment, Rater, Rating

    def counted(state: str) -> Coalesce:
        theirs = Assignment.objects.filter(rater=OuterRef("pk"), state=state).order_by().values("rater")
        return Coalesce(Subquery(theirs.annotate(count=Count("pk")).values("count")), 0)

    answers = Rating.objects.filter(assignment__rater=OuterRef("pk")).order_by().values("assignment__rater")
    paced = answers.filter(kind="answer").annotate(seconds=Avg("seconds")).values("seconds")
    return (
        Rater.objects.filter(campaign=campaign, trial=False)
        .annotate(
            done=counted("done"),
            skipped=counted("skipped"),
            seconds=Subquery(paced, output_field=models.FloatField()),
            last=Subquery(answers.annotate(last=Max("created_at")).values("last")),
        )
        .order_by("pk")
    )


class WaitingItem(NamedTuple):
    """An item that waits for a rater, and how many screens that rater has done."""

    pk: int
    position: int
    taken: int
    done: int


# Asked once a round by every rater, and most of a round's time if the ORM builds it anew each time.
WAITING = """
SELECT item.id, item.position, item.taken,
    (SELECT COUNT(*) FROM annotations_assignment mine WHERE mine.rater_id = %(rater)s AND mine.state = 'done')
FROM annotations_item item
WHERE item.campaign_id = %(campaign)s AND item.taken < %(places)s AND NOT EXISTS (
    SELECT 1 FROM annotations_assignment mine
    WHERE mine.item_id = item.id AND mine.rater_id = %(rater)s AND mine.state IN ('open', 'done', 'skipped')
)
ORDER BY {order} LIMIT %(window)s
"""
LEAST_TAKEN_FIRST, IN_ORDER = WAITING.format(order="item.taken, item.position"), WAITING.format(order="item.position")
ANY_NUMBER = 2**31 - 1


def items_waiting(rater: Any, window: int) -> list[WaitingItem]:
    """Items new to the rater that fewer raters than the overlap have taken, least taken first, at most `window`.

    A dry run goes through all of them in their order, however many have taken them.
    """
    sql, places = (IN_ORDER, ANY_NUMBER) if rater.trial else (LEAST_TAKEN_FIRST, rater.campaign.overlap)
    values = {"rater": rater.pk, "campaign": rater.campaign_id, "places": places, "window": window}
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [WaitingItem(*row) for row in cursor.fetchall()]


class CandidateQuerySet(models.QuerySet):
    def shown_in(self, item: int) -> "CandidateQuerySet":
        """An item's candidates, in the order they were made, each with its item and what that shows of the source."""
        return self.filter(item=item).select_related("item__source__photo").order_by("pk")


class AssignmentQuerySet(models.QuerySet):
    def open(self) -> "AssignmentQuerySet":
        return self.filter(state="open")

    def expired(self, now: datetime) -> "AssignmentQuerySet":
        return self.filter(state="open", leased_until__lte=now)

    def open_of(self, rater: Any) -> "AssignmentQuerySet":
        """The rater's open assignment with what its screen shows of the source, and `done` of the rater."""
        mine = self.open().filter(rater=rater)
        return mine.select_related("item__source__photo").annotate(done=done_by(rater))
