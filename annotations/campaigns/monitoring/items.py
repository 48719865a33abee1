"""The items of a campaign as its table lists them: how far each is."""

from typing import Any

from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Greatest

from annotations.campaigns.models import Assignment, Campaign, Item

# By column what is sorted by.
SORTS = {"number": "position", "free": "free"}


def items_sorted(campaign: Campaign, sort: str = "number") -> "QuerySet[Item]":
    """All items and checks, each with how many of its places are `free`, of which a check has none."""
    free = Greatest(Value(campaign.overlap) - F("taken"), 0)
    rows = Item.objects.filter(campaign=campaign).annotate(free=free)
    column, downwards = SORTS[sort.removeprefix("-")], sort.startswith("-")
    return rows.order_by(f"-{column}" if downwards else column, "position")


def with_counts(items: "QuerySet[Item]") -> "QuerySet[Item]":
    """Each with how many raters, dry runs aside, `answered` it, have it `opened`, and `skipped` it."""

    def counted(state: str) -> Any:
        of_item = Assignment.objects.filter(item=OuterRef("pk"), state=state, rater__trial=False)
        return Coalesce(Subquery(of_item.order_by().values("item").annotate(count=Count("pk")).values("count")), 0)

    rows = items.annotate(answered=counted("done"), opened=counted("open"), skipped=counted("skipped"))
    return rows.select_related("source")
