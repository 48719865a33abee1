"""Reads of campaigns, items, raters and assignments."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Count, Exists, OuterRef, Subquery
from django.db.models.functions import Coalesce

TAKEN_BY_RATER = ("open", "done", "skipped")


def done_by(rater: Any) -> Coalesce:
    """How many assignments the rater has answered, as a part of another query."""
    from annotations.models import Assignment

    answered = Assignment.objects.filter(rater=rater, state="done").order_by().values("rater")
    return Coalesce(Subquery(answered.annotate(count=Count("pk")).values("count")), 0)


class ItemQuerySet(models.QuerySet):
    def new_to(self, rater: Any) -> "ItemQuerySet":
        """Items of the rater's campaign that they neither answered nor skipped nor have open."""
        from annotations.models import Assignment

        theirs = Assignment.objects.filter(item=OuterRef("pk"), rater=rater, state__in=TAKEN_BY_RATER)
        return self.filter(~Exists(theirs), campaign=rater.campaign_id)

    def waiting_for(self, rater: Any) -> "ItemQuerySet":
        """Those that fewer raters than the overlap have taken, least taken first, each with `done` of the rater."""
        waiting = self.new_to(rater).filter(taken__lt=rater.campaign.overlap).order_by("taken", "position")
        return waiting.select_related("source__photo").annotate(done=done_by(rater))

    def leased_elsewhere(self, rater: Any) -> "ItemQuerySet":
        """Those that others' open leases keep from the rater: they may come free again."""
        from annotations.models import Assignment

        leased = Assignment.objects.filter(item=OuterRef("pk"), state="open")
        return self.new_to(rater).filter(Exists(leased))


class AssignmentQuerySet(models.QuerySet):
    def open(self) -> "AssignmentQuerySet":
        return self.filter(state="open")

    def expired(self, now: datetime) -> "AssignmentQuerySet":
        return self.filter(state="open", leased_until__lte=now)

    def open_of(self, rater: Any) -> "AssignmentQuerySet":
        """The rater's open assignment with what its screen shows of the source, and `done` of the rater."""
        mine = self.open().filter(rater=rater)
        return mine.select_related("item__source__photo").annotate(done=done_by(rater))
