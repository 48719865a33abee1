"""Reads of campaigns, items, raters and assignments."""

from collections.abc import Container
from typing import Any

from django.db import models
from django.db.models import (
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Subquery,
)
from django.db.models.functions import Coalesce, Now

TAKEN_BY_RATER = ("open", "done", "skipped")


class CampaignQuerySet(models.QuerySet):
    def current(self) -> "CampaignQuerySet":
        """Those not archived."""
        return self.filter(archived_at=None)

    def showing_pictures_of(self, photos: Container[int]) -> Any:
        """The first that shows raters a picture of one of the photos, by their primary keys; None where none does."""
        shown = self.filter(show__in=["photo", "both"]).exclude(state="draft")
        for photo_of in ("photo", "sequence_photos__photo"):
            rows = shown.order_by("pk").values_list("pk", f"items__source__{photo_of}").distinct()
            for pk, photo in rows.iterator():
                if photo in photos:
                    return self.get(pk=pk)
        return None


class RaterQuerySet(models.QuerySet):
    def going_on(self) -> "RaterQuerySet":
        """Those whose ratings are taken now: see `check_open`, which says why one's are not."""
        tried = Q(trial=True) & ~Q(campaign__state="closed")
        return self.filter(Q(campaign__state="open") | tried, replaced=False, erased_at=None)


class AssignmentQuerySet(models.QuerySet):
    def done_by(self, rater: Any) -> Coalesce:
        """How many assignments the rater has answered, as a part of another query."""
        answered = self.model._default_manager.filter(rater=rater, state="done").order_by().values("rater")
        return Coalesce(Subquery(answered.annotate(count=Count("pk")).values("count")), 0)

    def open(self) -> "AssignmentQuerySet":
        return self.filter(state="open")

    def keeping_from(self, rater: Any) -> "AssignmentQuerySet":
        """Others' open assignments of items that are new to the rater: these may come free again."""
        theirs = self.model._default_manager.filter(item=OuterRef("item"), rater=rater, state__in=TAKEN_BY_RATER)
        free_again = self.open().filter(rater__campaign=rater.campaign_id, rater__trial=False, rater__named_items=0)
        return free_again.filter(~Exists(theirs), item__kind="regular")

    def expired(self) -> "AssignmentQuerySet":
        return self.filter(state="open", leased_until__lte=Now())

    def released_of(self, rater: Any) -> "AssignmentQuerySet":
        """Those that the rater's lease ended on and whose place nobody else has taken, the last one first."""
        theirs = self.filter(rater=rater, state="released").order_by("-leased_until")
        free = ~Q(item__kind="regular") | Q(item__taken__lt=rater.campaign.overlap)
        return theirs if rater.trial or rater.named_items else theirs.filter(free)

    def with_held(self) -> "AssignmentQuerySet":
        """Each with `held`: how long ago it was first handed out, by the database's clock alone."""
        return self.annotate(held=ExpressionWrapper(Now() - F("created_at"), DurationField()))

    def open_of(self, rater: Any) -> "AssignmentQuerySet":
        """The rater's open assignment with what its screen shows of the source, `done` of the rater, and the `now` of
        the database's clock."""
        mine = self.open().filter(rater=rater)
        return mine.select_related("item__source__photo").annotate(done=self.done_by(rater), now=Now())
