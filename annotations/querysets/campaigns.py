"""Reads of campaigns, items, raters and assignments."""

from collections import Counter
from collections.abc import Container
from typing import Any

from django.db import models
from django.db.models import (
    Avg,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    Subquery,
    Sum,
)
from django.db.models.functions import Coalesce, Least, Now

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
        """Each with `answered`: of its screens those that are answered, dry runs and what was rated again aside. Of an
        item they are no more than the overlap, though a readmitted rater may have made its answers more."""
        from annotations.models import Assignment, Item

        done = Assignment.objects.filter(item=OuterRef("pk"), state="done", rater__trial=False, place_given_back=False)
        answers = Subquery(done.order_by().values("item").annotate(count=Count("pk")).values("count"))
        items = Item.objects.filter(campaign=OuterRef("pk"), kind="regular")
        filled = items.annotate(
            filled=Least(Coalesce(answers, 0), F("campaign__overlap"), output_field=models.IntegerField())
        )
        counted = filled.order_by().values("campaign").annotate(sum=Sum("filled")).values("sum")
        return self.annotate(answered=Coalesce(Subquery(counted), 0))


def screens_answered(campaign: Any) -> int:
    """Of a campaign's screens those that are answered, as `with_progress` counts them."""
    rows = type(campaign).objects.filter(pk=campaign.pk).with_progress()
    answered: int = rows.values_list("answered", flat=True).get()
    return answered


def items_by_answers(campaign: Any) -> dict[int, int]:
    """How many items have 0, 1, … answers; those aside whose place was given back with the rater who was left out."""
    from annotations.models import Item

    holding = Q(assignments__state="done", assignments__rater__trial=False, assignments__place_given_back=False)
    done = Count("assignments", filter=holding)
    answers = (
        Item.objects.filter(campaign=campaign, kind="regular").annotate(answers=done).values_list("answers", flat=True)
    )
    return dict(sorted(Counter(answers).items()))


def raters_without_screens(campaign: Any) -> "models.QuerySet":
    """Raters who have a screen neither open nor waiting: of each item they answered or skipped it, or others hold all
    its places."""
    from annotations.models import Assignment, Item, Rater

    taken = Assignment.objects.filter(item=OuterRef("pk"), rater=OuterRef(OuterRef("pk")), state__in=TAKEN_BY_RATER)
    waiting = Item.objects.filter(~Exists(taken), campaign=campaign, taken__lt=campaign.overlap)
    opened = Assignment.objects.open().filter(rater=OuterRef("pk"))
    raters = Rater.objects.filter(~Exists(opened), ~Exists(waiting), campaign=campaign, trial=False, replaced=False)
    return raters.select_related("campaign")


def rater_progress(campaign: Any) -> "models.QuerySet":
    """The campaign's raters, dry runs aside, each with `done`, `skipped`, `seconds` (mean a screen), and when they sent
    something `first` and `last`."""
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
            first=Subquery(answers.annotate(first=Min("created_at")).values("first")),
            last=Subquery(answers.annotate(last=Max("created_at")).values("last")),
        )
        .order_by("pk")
    )


class RaterQuerySet(models.QuerySet):
    def going_on(self) -> "RaterQuerySet":
        """Those whose ratings are taken now: see `check_open`, which says why one's are not."""
        tried = Q(trial=True) & ~Q(campaign__state="closed")
        return self.filter(Q(campaign__state="open") | tried, replaced=False, erased_at=None)


class AssignmentQuerySet(models.QuerySet):
    def open(self) -> "AssignmentQuerySet":
        return self.filter(state="open")

    def keeping_from(self, rater: Any) -> "AssignmentQuerySet":
        """Others' open assignments of items that are new to the rater: these may come free again."""
        from annotations.models import Assignment

        theirs = Assignment.objects.filter(item=OuterRef("item"), rater=rater, state__in=TAKEN_BY_RATER)
        return self.open().filter(~Exists(theirs), rater__campaign=rater.campaign_id, rater__trial=False)

    def expired(self) -> "AssignmentQuerySet":
        return self.filter(state="open", leased_until__lte=Now())

    def released_of(self, rater: Any) -> "AssignmentQuerySet":
        """Those that the rater's lease ended on and whose place nobody else has taken, the last one first."""
        theirs = self.filter(rater=rater, state="released").order_by("-leased_until")
        return theirs if rater.trial else theirs.filter(item__taken__lt=rater.campaign.overlap)

    def with_held(self) -> "AssignmentQuerySet":
        """Each with `held`: how long ago it was first handed out, by the database's clock alone."""
        return self.annotate(held=ExpressionWrapper(Now() - F("created_at"), DurationField()))

    def open_of(self, rater: Any) -> "AssignmentQuerySet":
        """The rater's open assignment with what its screen shows of the source, `done` of the rater, and the `now` of
        the database's clock."""
        mine = self.open().filter(rater=rater)
        return mine.select_related("item__source__photo").annotate(done=done_by(rater), now=Now())
