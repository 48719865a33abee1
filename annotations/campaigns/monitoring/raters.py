"""The raters of a campaign as its table lists them: what they sent, how fast, and what quality control saw."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from statistics import median
from typing import Any, NamedTuple

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import Now

from annotations.campaigns.models import Assignment, Campaign, Item, Rater, Rating

TRIAL = "trial"
STATES = {
    "working": "has a screen open",
    "left": "has screens left, and none open",
    "done": "no screens are left for them",
    "stopped": "stopped by a rule of quality control",
    "ended": "withdrew, was excluded and replaced, or returned the study or ran out of its time",
    "erased": "erased",
    TRIAL: "dry runs",
}


class Sent(NamedTuple):
    """Of a rater's screens so many."""

    answered: int = 0
    skipped: int = 0
    fast: int = 0  # answered too fast
    same: int = 0  # with the same answers
    passed: int = 0  # checks as the rules count them: a skipped qualification screen is missed, training is none
    missed: int = 0
    open: int = 0  # on a lease that has not ended

    @property
    def checks(self) -> int:
        return self.passed + self.missed

    @property
    def fast_share(self) -> float | None:
        return self.fast / self.answered if self.answered else None

    @property
    def same_share(self) -> float | None:
        return self.same / self.answered if self.answered else None

    @property
    def passed_share(self) -> float | None:
        return self.passed / self.checks if self.checks else None


def sent_by_rater(assignments: "QuerySet[Assignment]") -> dict[int, Sent]:
    done = Q(state="done")
    check = ~Q(item__kind=Item.Kind.TRAINING)
    rows = assignments.order_by().values_list("rater")
    counted = rows.annotate(
        answered=Count("pk", filter=done),
        skipped=Count("pk", filter=Q(state="skipped")),
        fast=Count("pk", filter=done & Q(too_fast=True)),
        same=Count("pk", filter=done & Q(same_answers=True)),
        passed=Count("pk", filter=done & check & Q(check_passed=True)),
        missed=Count("pk", filter=Q(state__in=["done", "skipped"]) & check & Q(check_passed=False)),
        opened=Count("pk", filter=Q(state="open", leased_until__gt=Now())),
    )
    return {rater: Sent(*counts) for rater, *counts in counted}


def state_of(campaign: Campaign, rater: Rater, sent: Sent) -> str:
    """One of STATES."""
    had = sent.answered + sent.skipped
    screens = campaign.item_count + campaign.quality_control.planned
    all_had = rater.enough_answers is not None or sent.answered >= campaign.most_screens or had >= screens
    found = (
        (rater.trial, TRIAL),
        (rater.erased_at is not None, "erased"),
        (rater.stopped_by, "stopped"),
        (rater.replaced, "ended"),
        (sent.open, "working"),
        (all_had or 0 < rater.named_items <= had, "done"),
    )
    return next((state for true, state in found if true), "left")


def median_seconds(assignments: "QuerySet[Assignment]") -> dict[int, float]:
    """By rater, of the answered screens whose time is known."""
    rows = assignments.filter(state="done", seconds_spent__gt=0).order_by("rater").values_list("rater", "seconds_spent")
    return {rater: median(seconds for _, seconds in theirs) for rater, theirs in groupby(rows, key=lambda row: row[0])}


def last_sent(ratings: "QuerySet[Rating]") -> dict[int, datetime]:
    """By rater."""
    return dict(ratings.order_by().values_list("assignment__rater").annotate(last=Max("created_at")))


# By column what the table is sorted by, of what a rater sent; the others are sorted by otherwise.
BY_SENT: dict[str, Callable[[Sent], Any]] = {
    "answered": lambda sent: sent.answered,
    "skipped": lambda sent: sent.skipped,
    "fast": lambda sent: sent.fast_share,
    "same": lambda sent: sent.same_share,
    "checks": lambda sent: sent.passed_share,
}
SORTS = ("number", "state", *BY_SENT, "seconds", "last")


def raters_sorted(campaign: Campaign, sort: str = "number", state: str = "") -> list[int]:
    """The primary keys of the raters of a state, or of all but dry runs, by a column of SORTS, or by `-` and one from
    the highest on; who has nothing there comes last."""
    raters = Rater.objects.filter(campaign=campaign, trial=state == TRIAL).order_by("pk")
    column, downwards = sort.removeprefix("-"), sort.startswith("-")
    theirs = Assignment.objects.filter(rater__campaign=campaign)
    sent, states = dict[int, Sent](), dict[int, str]()
    if column in BY_SENT:
        sent = sent_by_rater(theirs)
    if column == "state" or state not in ("", TRIAL):
        sent = sent or sent_by_rater(theirs)
        rows = raters.only("enough_answers", "trial", "erased_at", "stopped_by", "replaced", "named_items")
        states = {rater.pk: state_of(campaign, rater, sent.get(rater.pk, Sent())) for rater in rows}
    pks = [pk for pk in states if states[pk] == state] if state not in ("", TRIAL) else None
    pks = list(raters.values_list("pk", flat=True)) if pks is None else pks
    values: Mapping[int, Any] = {pk: pk for pk in pks}
    if column == "state":
        values = states
    elif column == "seconds":
        values = median_seconds(theirs)
    elif column == "last":
        values = last_sent(Rating.objects.filter(assignment__rater__campaign=campaign))
    elif column in BY_SENT:
        values = {pk: BY_SENT[column](sent.get(pk, Sent())) for pk in pks}
    known = [pk for pk in pks if values.get(pk) is not None]
    known.sort(key=values.__getitem__, reverse=downwards)
    return known + [pk for pk in pks if values.get(pk) is None]


class RaterRow(NamedTuple):
    rater: Rater
    number: int | None  # as they joined; a dry run has none
    state: str
    sent: Sent
    seconds: float | None  # the median
    last: datetime | None


def raters_shown(campaign: Campaign, pks: Sequence[int]) -> list[RaterRow]:
    """These raters in this order."""
    theirs = Assignment.objects.filter(rater__in=pks)
    sent, medians, numbers = sent_by_rater(theirs), median_seconds(theirs), numbers_of(campaign, pks)
    last = last_sent(Rating.objects.filter(assignment__rater__in=pks))
    rows = {}
    for rater in Rater.objects.filter(pk__in=pks):
        rater.campaign, counts = campaign, sent.get(rater.pk, Sent())
        state = state_of(campaign, rater, counts)
        rows[rater.pk] = RaterRow(
            rater, numbers.get(rater.pk), state, counts, medians.get(rater.pk), last.get(rater.pk)
        )
    return [rows[pk] for pk in pks]


def numbers_of(campaign: Campaign, pks: Iterable[int]) -> dict[int, int]:
    """As the raters joined, from 1 on: on pages and in reports alike."""
    joined = Rater.objects.filter(campaign=campaign, trial=False).order_by("pk").values_list("pk", flat=True)
    wanted = set(pks)
    return {pk: number for number, pk in enumerate(joined, start=1) if pk in wanted}
