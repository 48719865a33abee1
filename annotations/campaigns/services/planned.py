"""Reads of which planned screen a rater sees next, if one is due."""

import random
from functools import lru_cache
from typing import NamedTuple

from annotations.campaigns.assignment.order import secret_draw
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
    items = planned_items(rater.campaign_id, campaign.token, following.kind)
    theirs = secret_draw(campaign.order_secret, following.kind, rater.pk).sample(items, len(items))
    number = sum(screen.kind == following.kind for screen in planned[:had])
    return DueScreen(theirs[number], following.kind)


@lru_cache(maxsize=256)
def planned_items(campaign: int, token: str, kind: str) -> tuple[int, ...]:
    """A campaign's items of a kind, which stay as they were made: a query would tell a hidden screen by its time. (The
    token tells campaigns apart that were given one primary key after another.)"""
    items = Item.objects.filter(campaign=campaign, kind=kind).order_by("position")
    return tuple(items.values_list("pk", flat=True))


def repeat_due(rater: Rater, draw: random.Random) -> DueScreen | None:
    """The twin of an ordinary screen that the rater answered, with the texts that it showed."""
    answered = Assignment.objects.filter(rater=rater, state=State.DONE, item__kind=Kind.REGULAR).order_by("-pk")
    earlier = answered.values_list("item", "item__source", "candidate_order")[LATELY:]
    before = {source: (item, order) for item, source, order in earlier}
    had = Assignment.objects.filter(rater=rater).exclude(state=State.RELEASED).values("item")
    twins = Item.objects.filter(campaign=rater.campaign_id, kind=Kind.REPEAT, source__in=before).exclude(pk__in=had)
    of_source = dict(twins.values_list("source", "pk"))
    if not of_source:
        return None
    source = draw.choice(sorted(of_source))
    item, order = before[source]
    texts = item_texts(item)
    return DueScreen(of_source[source], Kind.REPEAT, frozenset(texts[pk] for pk, _ in order))
