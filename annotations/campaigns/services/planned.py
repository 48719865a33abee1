"""Reads of which planned screen a rater sees next, if one is due."""

import random
from typing import NamedTuple

from django.db.models import QuerySet

from annotations.campaigns.models import Assignment, Item, Rater, Rating
from annotations.campaigns.quality import PlannedScreen, screens_planned
from annotations.campaigns.rounds import ShownText, SoFar, item_texts

LATELY = 2  # screens that are not repeated yet
State, Kind = Assignment.State, Item.Kind


class DueScreen(NamedTuple):
    """An item, by its primary key, and the texts of it that are shown; all, where none are named."""

    item: int
    kind: str
    texts: frozenset[str] = frozenset()

    def shown(self, texts: list[ShownText]) -> list[ShownText]:
        """Without the systems: what is shown here is balanced with nothing."""
        return [text._replace(systems=[]) for text in texts if not self.texts or text.text in self.texts]


def planned_had(rater: Rater, after: Rating | None) -> int:
    """How many planned screens the rater had."""
    if not rater.campaign.quality_control.planned:
        return 0
    if after and after.assignment.so_far:
        return SoFar.of(after.assignment.so_far).checks
    theirs = Assignment.objects.filter(rater=rater).exclude(item__kind=Kind.REGULAR)
    return theirs.exclude(state=State.RELEASED).count()


def planned_due(rater: Rater, done: int, had: int, draw: random.Random) -> DueScreen | None:
    """None where none is due, or it has to wait: a repeat until there is something to repeat."""
    campaign = rater.campaign
    quality = campaign.quality_control
    if had >= quality.planned:
        return None
    planned = screens_planned(quality, campaign.screens_per_rater, campaign.order_secret, rater.pk)
    following: PlannedScreen = planned[had]
    if following.after > done:
        return None
    if following.kind == Kind.REPEAT:
        return repeat_due(rater, draw)
    left = new_to(rater, following.kind).order_by("position").values_list("pk", flat=True)
    pks = list(left)
    return DueScreen(draw.choice(pks), following.kind) if pks else None


def new_to(rater: Rater, kind: str) -> QuerySet[Item]:
    taken = Assignment.objects.filter(rater=rater).exclude(state=State.RELEASED).values("item")
    return Item.objects.filter(campaign=rater.campaign_id, kind=kind).exclude(pk__in=taken)


def repeat_due(rater: Rater, draw: random.Random) -> DueScreen | None:
    """The twin of an ordinary screen that the rater answered, with the texts that it showed."""
    answered = Assignment.objects.filter(rater=rater, state=State.DONE, item__kind=Kind.REGULAR).order_by("-pk")
    earlier = answered.values_list("item", "item__source", "candidate_order")[LATELY:]
    before = {source: (item, order) for item, source, order in earlier}
    twins = dict(new_to(rater, Kind.REPEAT).filter(source__in=before).values_list("source", "pk"))
    if not twins:
        return None
    source = draw.choice(sorted(twins))
    item, order = before[source]
    texts = item_texts(item)
    return DueScreen(twins[source], Kind.REPEAT, frozenset(texts[pk] for pk, _ in order))
