"""The start page: what is going on, what comes next, and how human the systems of the last campaign read."""

from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from annotations.campaigns.selectors import with_progress
from annotations.models import Campaign, Dataset, Decoding, FeedbackSet, System
from annotations.plurals import counted
from annotations.reports.people import Reading, last_reading
from annotations.storage.clock import database_now
from annotations.web.pages import render_page
from workers.models import Checkpoint, Run
from workers.time_left import duration, seconds_left

SHOWN = 6  # of what goes on; lists have the rest
STEPS = 2


class Doing(NamedTuple):
    """Something that goes on: `done` of 100 of it."""

    name: str
    state: str
    says: str
    done: int
    rest: str
    address: str
    verb: str


class Link(NamedTuple):
    text: str
    address: str


class Step(NamedTuple):
    title: str
    text: str
    links: list[Link]


class Mark(NamedTuple):
    """A system's mean rating with its interval; the places on its line are in per cent of the scale."""

    system: str
    mean: str
    interval: str
    at: float
    low: float | None
    high: float | None


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Each part for who may see what it is about."""
    may = request.user.has_perm
    reading = last_reading() if may("annotations.view_report") else None
    context = {
        "runs": list(runs_going_on()) if may("workers.view_run") else [],
        "campaigns": list(campaigns_going_on()) if may("annotations.view_campaign") else [],
        "steps": list(steps())[:STEPS] if may("workers.add_run") and may("annotations.add_campaign") else [],
        "reading": reading,
        "marks": marks_of(reading) if reading else [],
    }
    return render_page(request, "site/start.html", "Where things stand", context)


def runs_going_on() -> Iterator[Doing]:
    now = database_now()
    rows = Run.objects.filter(state__in=[Run.State.RUNNING, Run.State.QUEUED]).select_related("system", "dataset")
    for run in rows.defer("history", "log", "result").order_by("-state", "pk")[:SHOWN]:
        left = seconds_left(run, now)
        rest = f"about {duration(left)} left" if left is not None else ""
        name = f"{run.get_kind_display().capitalize()} {run.about}".strip()
        yield Doing(name, run.state, run.message, round(100 * run.fraction), rest, run.get_absolute_url(), "Open")


def campaigns_going_on() -> Iterator[Doing]:
    people = Q(raters__trial=False, raters__replaced=False)
    rows = with_progress(Campaign.objects.current().filter(state__in=[Campaign.State.OPEN, Campaign.State.PAUSED]))
    rows = rows.annotate(
        people=Count("raters", filter=people, distinct=True),
        excluded=Count("raters", filter=people & Q(raters__excluded_at__isnull=False), distinct=True),
    )
    for row in rows.order_by("-pk")[:SHOWN]:
        says = counted(row.people, "raters") + (f" · {row.excluded} excluded" if row.excluded else "")
        rest = f"{row.answered:,} of {row.screens:,} screens"
        done = round(100 * row.answered / max(row.screens, 1))
        yield Doing(row.name, row.state, says, done, rest, row.get_absolute_url(), "Watch")


def steps() -> Iterator[Step]:
    """What comes next, what waits longest first."""
    dataset = Dataset.objects.order_by("-pk").first()
    if dataset is None:
        text = "VIST’s own files, JSON lines of captions and stories, or a table. What cannot be read is said first."
        yield Step("Import a dataset", text, [Link("Import files", reverse("import", args=["vist"]))])
        return
    yield from steps_of_campaigns()
    if not System.objects.filter(kind=System.Kind.MODEL).exists():
        text = f"Nothing has been trained here yet. A model learns from {dataset.name}’s captions and stories."
        yield Step("Train a first model", text, [launch("Train a model", "train", dataset=dataset.name)])
    undecoded = Checkpoint.objects.filter(system__decodings=None, pruned_at=None).select_related("system")
    if (checkpoint := undecoded.order_by("-pk").first()) and not checkpoint.worse:
        text = "It is trained and has written nothing yet."
        name = checkpoint.system.name
        yield Step(f"Decode with {name}", text, [launch("Decode", "decode", system=name)])
    if not Campaign.objects.exists():
        written = counted(Decoding.objects.complete().count(), "decodings")
        text = f"People judge, blind, what systems and people wrote: {written} can be shown."
        yield Step("Ask people", text, [Link("New campaign", reverse("campaign_new"))])


def steps_of_campaigns() -> Iterator[Step]:
    closed = Campaign.objects.current().filter(state=Campaign.State.CLOSED).order_by("-closed_at", "-pk").first()
    if closed:
        links = [Link("Read the report", reverse("report", args=[closed.pk]))]
        text = f"{closed.closed_at:%Y-%m-%d}. Its report is ready." if closed.closed_at else "Its report is ready."
        unused = not FeedbackSet.objects.filter(campaigns=closed).exists()
        if closed.purpose == Campaign.Purpose.FEEDBACK and unused:
            text += " Its ratings can train the next generation."
            links.append(launch("Train on it", "generation", campaigns=closed.name))
        yield Step(f"{closed.name} is closed", text, links)
    waiting = Campaign.objects.current().filter(state=Campaign.State.OPEN, raters=None, simulation__isnull=True)
    if open_one := waiting.order_by("-pk").first():
        text = "It is open, and nobody has joined yet. Send its link to your raters."
        yield Step(f"{open_one.name} waits for raters", text, [Link("Get the link", open_one.get_absolute_url())])
    if draft := Campaign.objects.current().filter(state=Campaign.State.DRAFT).order_by("-pk").first():
        text = "Look at it as a rater will see it, then open it."
        yield Step(f"{draft.name} is a draft", text, [Link("Look at the draft", draft.get_absolute_url())])


def launch(text: str, kind: str, **asked: str) -> Link:
    return Link(text, f"{reverse('launch', args=[kind])}?{urlencode(asked)}")


def marks_of(reading: Reading) -> list[Mark]:
    """In the order of the report."""
    low, high = reading.scale

    def at(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    return [
        Mark(
            row.system,
            f"{row.mean:.{reading.places}f}",
            f"{row.ci[0]:.{reading.places}f} to {row.ci[1]:.{reading.places}f}" if row.ci else "",
            at(row.mean),
            *((at(row.ci[0]), at(row.ci[1])) if row.ci else (None, None)),
        )
        for row in reading.systems
    ]
