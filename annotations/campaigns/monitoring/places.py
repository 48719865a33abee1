"""What a campaign still misses, where it is, and who would fill it.

Counted from the places that items keep count of (`Item.taken`) and from what is open, so that it takes no longer with
more answers.
"""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Now

from annotations.campaigns.models import Assignment, Campaign, Item, NamedItem, Rater
from annotations.campaigns.querysets.campaigns import TAKEN_BY_RATER

WORKING, LAPSED, TO_JOIN, TO_ANSWER, SKIPPED = "working", "lapsed", "to_join", "to_answer", "skipped"
HELD = (WORKING, LAPSED, TO_JOIN, TO_ANSWER, SKIPPED)


@dataclass(frozen=True)
class Places:
    """Of a campaign's places, an item having as many as the overlap, those that no answer holds.

    `held` are taken without an answer: in a screen that is being rated (`working`) or whose lease has ended
    (`lapsed`), or kept for named raters who have not joined (`to_join`), have not come to the item (`to_answer`) or
    have skipped it (`skipped`). All others are free.
    """

    answers: dict[int, int]  # how many items have 0, 1, … answers, as far as they hold a place
    missing: int
    held: Counter[str]
    free: dict[int, int]  # how many items have 1, 2, … places free

    @property
    def free_places(self) -> int:
        return sum(places * items for places, items in self.free.items())

    @property
    def free_items(self) -> int:
        return sum(self.free.values())


def places_of(campaign: Campaign) -> Places:
    items = Item.objects.filter(campaign=campaign, kind=Item.Kind.REGULAR).order_by()
    taken = Counter(dict(items.values_list("taken").annotate(count=Count("pk"))))
    held_in: dict[int, Counter[str]] = {}  # by item; and how many places of it are taken
    taken_of: dict[int, int] = {}
    for item, places, what in (*opened(campaign), *kept(campaign)):
        held_in.setdefault(item, Counter())[what] += 1
        taken_of[item] = places
    answers, free, held = taken.copy(), Counter[int](), Counter[str]()
    for item, whats in held_in.items():
        answers[taken_of[item]] -= 1
        done = taken_of[item] - whats.total()
        answers[done] += 1
        # A readmitted rater may have made an item's answers more than it has places.
        left = max(campaign.overlap - done, 0) - max(campaign.overlap - taken_of[item], 0)
        for what in HELD:
            held[what] += min(whats[what], left)
            left -= min(whats[what], left)
    for places, count in taken.items():
        if places < campaign.overlap:
            free[campaign.overlap - places] += count
    missing = sum(max(campaign.overlap - done, 0) * count for done, count in answers.items())
    there = {done: count for done, count in sorted(answers.items()) if count}
    return Places(there, missing, +held, dict(sorted(free.items())))


Held = tuple[int, int, str]  # an item, how many places of it are taken, and by what one of them


def opened(campaign: Campaign) -> list[Held]:
    """The open screens of raters."""
    rows = Assignment.objects.open().filter(rater__campaign=campaign, rater__trial=False, item__kind=Item.Kind.REGULAR)
    state = Case(When(leased_until__gt=Now(), then=Value(WORKING)), default=Value(LAPSED))
    return list(rows.annotate(what=state).values_list("item", "item__taken", "what"))


def kept(campaign: Campaign) -> list[Held]:
    """The places kept for named raters who have neither answered nor opened their items."""
    if not NamedItem.objects.filter(campaign=campaign).exists():
        return []
    theirs = Assignment.objects.filter(
        item=OuterRef("item"), rater__campaign=campaign, rater__outside_id=OuterRef("outside_id")
    )
    joined = Rater.objects.filter(campaign=campaign, outside_id=OuterRef("outside_id"))
    what = Case(
        When(Exists(theirs.filter(state="skipped")), then=Value(SKIPPED)),
        When(Exists(joined), then=Value(TO_ANSWER)),
        default=Value(TO_JOIN),
    )
    rows = NamedItem.objects.filter(~Exists(theirs.filter(state__in=["open", "done"])), place_kept=True)
    return list(rows.filter(campaign=campaign).annotate(what=what).values_list("item", "item__taken", "what"))


class Raters(NamedTuple):
    """Who may take free places: raters who take part and for whom no items were named."""

    joined: int = 0
    finished: int = 0  # answered as many screens as one may
    screens: int | None = None  # that the others may still answer; None where nothing limits it


@dataclass(frozen=True)
class Outlook:
    """Who would fill what is missing."""

    places: Places
    raters: Raters
    within_reach: int  # free places that raters who take part can fill
    new_raters: int  # the fewest that would fill the other free places
    instead: int  # the fewest that would fill all free places, if none of those who take part comes back
    absent: int  # named raters who have not joined and for whom places are kept

    @property
    def beyond_reach(self) -> int:
        return self.places.free_places - self.within_reach


def outlook_of(campaign: Campaign) -> Outlook:
    """One rater gets an item once; nobody rates more screens than the campaign allows, checks among them."""
    places, raters, within_reach, new_raters, instead = places_of(campaign), Raters(), 0, 0, 0
    if places.free:
        each = max(campaign.most_screens - campaign.quality_control.planned, 1)
        going = raters_going(campaign)
        raters = raters_counted(campaign, going)
        shut = shut_places(campaign, places, going, raters)
        within_reach = places.free_places - sum(count * items for count, items in shut.items())
        if raters.screens is not None:
            within_reach = min(within_reach, raters.screens)
        if left := places.free_places - within_reach:
            new_raters = max(-(-left // each), *shut, 1)
        instead = max(-(-places.free_places // each), *places.free)
    return Outlook(places, raters, within_reach, new_raters, instead, absent(campaign) if places.held[TO_JOIN] else 0)


def absent(campaign: Campaign) -> int:
    """Raters who have not joined, and for whom places are kept."""
    joined = Rater.objects.filter(campaign=campaign, outside_id=OuterRef("outside_id"))
    kept_for = NamedItem.objects.filter(~Exists(joined), campaign=campaign, place_kept=True)
    return kept_for.order_by().values("outside_id").distinct().count()


def raters_going(campaign: Campaign) -> "QuerySet[Rater]":
    """Whose ratings are taken while the campaign is open, and who get any items that are free."""
    return Rater.objects.filter(campaign=campaign, trial=False, named_items=0, replaced=False, erased_at=None)


def raters_counted(campaign: Campaign, going: "QuerySet[Rater]") -> Raters:
    limit, checks = campaign.screens_per_rater, campaign.quality_control.planned
    joined = going.count()
    if not limit:
        return Raters(joined, 0, None)
    theirs = Assignment.objects.filter(rater__in=going)
    answered = counted_by_rater(theirs.filter(state="done"))
    planned = theirs.filter(state__in=["done", "skipped"]).exclude(item__kind=Item.Kind.REGULAR)
    had = counted_by_rater(planned) if checks else {}
    came = {pk: (answered.get(pk, 0), had.get(pk, 0)) for pk in (*answered, *had)}
    still = [max(limit - count - max(checks - seen, 0), 0) for count, seen in came.values()]
    still.append((joined - len(came)) * (limit - checks))
    return Raters(joined, sum(count >= limit for count in answered.values()), sum(still))


def counted_by_rater(assignments: "QuerySet[Assignment]") -> dict[int, int]:
    return dict(assignments.order_by().values_list("rater").annotate(count=Count("pk")))


def shut_places(campaign: Campaign, places: Places, going: "QuerySet[Rater]", raters: Raters) -> dict[int, int]:
    """How many items have 1, 2, … free places for which nobody who takes part is left, each having had the item."""
    able = raters.joined - raters.finished
    if not able:
        return dict(places.free)
    taken = Assignment.objects.filter(rater__campaign=campaign, rater__trial=False, item__kind=Item.Kind.REGULAR)
    skips = taken.filter(state="skipped").order_by().values("item").annotate(count=Count("pk")).order_by("-count")
    if able >= campaign.overlap + (skips.values_list("count", flat=True).first() or 0):
        return {}  # they are more than can have had any one item that has a free place
    who = list(going_on(campaign, going).values_list("pk", flat=True))
    theirs = taken.filter(rater__in=who, state__in=TAKEN_BY_RATER, item__taken__lt=campaign.overlap)
    shut, untouched = Counter[int](), Counter(places.free)
    for _, taken_places, had in theirs.order_by().values_list("item", "item__taken").annotate(had=Count("pk")):
        free = campaign.overlap - taken_places
        untouched[free] -= 1
        shut[free - max(able - had, 0)] += 1
    for free, count in untouched.items():
        shut[free - able] += count
    return {count: items for count, items in shut.items() if count > 0 and items}


def going_on(campaign: Campaign, going: "QuerySet[Rater]") -> "QuerySet[Rater]":
    """Those who have not answered as many screens as one may."""
    if not campaign.screens_per_rater:
        return going
    answered = Count("assignments", filter=Q(assignments__state="done"))
    return going.annotate(answered=answered).filter(answered__lt=campaign.screens_per_rater)
