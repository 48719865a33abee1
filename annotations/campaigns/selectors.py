"""Reads over several tables of campaigns: how far they are, and their raters."""

from typing import Any

from django.db import models
from django.db.models import (
    Avg,
    Count,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    Subquery,
    Sum,
)
from django.db.models.functions import Coalesce, Least

from annotations.campaigns.models import Assignment, Campaign, Item, NamedItem, Rater, Rating
from annotations.campaigns.querysets.campaigns import TAKEN_BY_RATER


def with_progress(campaigns: "models.QuerySet") -> "models.QuerySet":
    """Each with `answered`: of its screens those that are answered, dry runs and what was rated again aside. Of an
    item they are no more than the overlap, though a readmitted rater may have made its answers more."""
    done = Assignment.objects.filter(item=OuterRef("pk"), state="done", rater__trial=False, place_given_back=False)
    answers = Subquery(done.order_by().values("item").annotate(count=Count("pk")).values("count"))
    items = Item.objects.filter(campaign=OuterRef("pk"), kind="regular")
    filled = items.annotate(
        filled=Least(Coalesce(answers, 0), F("campaign__overlap"), output_field=models.IntegerField())
    )
    counted = filled.order_by().values("campaign").annotate(sum=Sum("filled")).values("sum")
    return campaigns.annotate(answered=Coalesce(Subquery(counted), 0))


def screens_answered(campaign: Any) -> int:
    """Of a campaign's screens those that are answered, as `with_progress` counts them."""
    rows = with_progress(Campaign.objects.filter(pk=campaign.pk))
    answered: int = rows.values_list("answered", flat=True).get()
    return answered


def raters_without_screens(campaign: Any) -> "models.QuerySet":
    """Raters who have a screen neither open nor waiting: of each item they answered or skipped it, or others hold all
    its places; of items that were named for them they hold one."""
    taken = Assignment.objects.filter(item=OuterRef("pk"), rater=OuterRef(OuterRef("pk")), state__in=TAKEN_BY_RATER)
    waiting = Item.objects.filter(~Exists(taken), campaign=campaign, kind="regular", taken__lt=campaign.overlap)
    of_named = Assignment.objects.filter(
        item=OuterRef("item"), rater=OuterRef(OuterRef("pk")), state__in=TAKEN_BY_RATER
    )
    named = NamedItem.objects.filter(~Exists(of_named), campaign=campaign, outside_id=OuterRef("outside_id"))
    has_none = Q(~Exists(waiting), named_items=0) | Q(~Exists(named), named_items__gt=0)
    opened = Assignment.objects.open().filter(rater=OuterRef("pk"))
    raters = Rater.objects.filter(has_none, ~Exists(opened), campaign=campaign, trial=False, replaced=False)
    return raters.select_related("campaign")


def rater_progress(campaign: Any) -> "models.QuerySet":
    """The campaign's raters, dry runs aside, each with `done`, `skipped`, `seconds` (mean a screen), and when they sent
    something `first` and `last`."""

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
