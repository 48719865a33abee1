"""Reads of generations: their runs and campaigns, and the line that they stand in."""

from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Max, Prefetch, QuerySet

from annotations.campaigns.selectors import with_progress
from annotations.models import Campaign, FeedbackSet, Report, System
from workers.models import Generation, Run


def with_runs(generations: "QuerySet[Generation]") -> "QuerySet[Generation]":
    """Each with its runs, and these with the campaign, how far that is, and if it is closed the report kept last."""
    newest = Report.objects.filter(campaign__state=Campaign.State.CLOSED).values("campaign").annotate(pk_=Max("pk"))
    kept = Prefetch("reports", Report.objects.filter(pk__in=newest.values("pk_")), to_attr="kept")
    campaigns = Prefetch("campaign", with_progress(Campaign.objects.all()).prefetch_related(kept))
    runs = Run.objects.defer("config", "history", "log", "result").order_by("pk").prefetch_related(campaigns)
    return generations.select_related("before").prefetch_related(Prefetch("runs", runs))


def campaign_of(generation: Generation) -> Campaign | None:
    """The one that it opened."""
    return next((run.campaign for run in generation.runs.all() if run.step == Generation.Step.CAMPAIGN), None)


def generation_that_trained(system: System) -> Generation | None:
    return Generation.objects.filter(runs__step=Generation.Step.TRAIN, runs__system=system).first()


def generations_from(systems: Iterable[System]) -> "QuerySet[Generation]":
    return Generation.objects.filter(before__in=systems).order_by("pk")


def generation_that_opened(campaign: Campaign) -> Generation | None:
    return Generation.objects.filter(runs__step=Generation.Step.CAMPAIGN, runs__campaign=campaign).first()


def generations_taught_by(campaign: Campaign) -> "QuerySet[Generation]":
    """Those whose feedback set has the campaign's ratings."""
    sets = FeedbackSet.objects.filter(campaigns=campaign)
    return Generation.objects.filter(runs__step=Generation.Step.FEEDBACK, runs__feedback_set__in=sets).order_by("pk")


def generation_that_built(feedback_set: FeedbackSet) -> Generation | None:
    return Generation.objects.filter(runs__step=Generation.Step.FEEDBACK, runs__feedback_set=feedback_set).first()


class Line(NamedTuple):
    """What a generation goes on from, oldest first, and what goes on from it."""

    earlier: list[Generation]
    later: list[Generation]


def line_of(generation: Generation) -> Line:
    earlier, later = list[Generation](), list[Generation]()
    origin = generation_that_trained(generation.before)
    while origin:
        earlier.insert(0, origin)
        origin = generation_that_trained(origin.before)
    latest = [generation]
    while latest:
        trained = System.objects.filter(runs__step=Generation.Step.TRAIN, runs__generation__in=latest)
        latest = list(generations_from(trained))
        later += latest
    return Line(earlier, later)
