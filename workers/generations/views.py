"""The page of a generation: how far it is, what people say of its model, and the line that it stands in."""

from contextlib import suppress
from typing import Any, NamedTuple

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from annotations.errors import ConflictError, InputError
from annotations.models import Campaign
from annotations.models import Report as KeptReport
from annotations.reports.charts.drawing import svg_of
from annotations.reports.keeping import report_freeze, results_of
from annotations.reports.schema.report import Report
from annotations.web.lists import listed
from annotations.web.pages import page_for, render_page
from workers.generations.chain import generation_resume, generation_stop, steps_of
from workers.generations.charts import panel_chart
from workers.generations.results import Panel, in_short, judge_panels, metric_rows, rating_panels, verdict_of
from workers.generations.scores import scores_of
from workers.generations.selectors import campaign_of, line_of, with_runs
from workers.generations.standing import Standing, standing_of
from workers.guarding import guarding_context
from workers.models import Checkpoint, Generation, Run


class Link(NamedTuple):
    text: str
    address: str


def made_by(run: Run) -> Link | None:
    """What a run that is done has made, where it has a page of its own."""
    if run.campaign:
        return Link("the campaign", reverse("campaign", args=[run.campaign_id]))
    if run.kind == Run.Kind.FEEDBACK and run.feedback_set_id:
        return Link("the feedback set", reverse("feedback_set", args=[run.feedback_set_id]))
    if run.kind == Run.Kind.REWARD and run.state == Run.State.DONE:
        return Link("its agreement with raters", reverse("run", args=[run.pk]))
    if run.kind == Run.Kind.TRAIN and run.state == Run.State.DONE:
        return Link("the new model", reverse("system", args=[run.system_id]))
    if run.kind == Run.Kind.DECODE and run.state == Run.State.DONE:
        page = reverse("system", args=[run.system_id])
        return Link("its texts", f"{page}?decoding={run.result['decoding']}")
    return None


def standing_context(generation: Generation) -> dict[str, Any]:
    """The part of the page that changes; of a generation `with_runs`."""
    checkpoint = Checkpoint.objects.filter(run__generation=generation).first()
    return {
        "generation": generation,
        "standing": standing_of(generation),
        "steps": [(each.step, each.run, each.run and made_by(each.run)) for each in steps_of(generation)],
        "campaign": campaign_of(generation),
        "worse": bool(checkpoint and checkpoint.worse and generation.problem),
        "checkpoint": checkpoint,
    }


class Listed(NamedTuple):
    """A row of the list of generations; `said` is what people say of its model, in short."""

    row: Generation
    standing: Standing
    said: str


@require_GET
@page_for("workers.view_generation")
def index(request: HttpRequest) -> HttpResponse:
    context = listed(request, with_runs(Generation.objects.order_by("-pk")))
    rows = [Listed(row, standing_of(row), said_of(row)) for row in context["page"]]
    return render_page(request, "workers/generations.html", "Generations", {**context, "rows": rows})


def said_of(generation: Generation) -> str:
    """Nothing before its campaign is closed."""
    campaign = campaign_of(generation)
    if campaign is None or campaign.state != Campaign.State.CLOSED:
        return ""
    kept: list[KeptReport] = campaign.kept  # type: ignore[attr-defined]  # by `with_runs`
    return in_short(bytes(kept[0].content) if kept else None)


@require_GET
@page_for("workers.view_generation")
def watch(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that changes; where nothing moves any more the page is loaded again, with all results."""
    context = standing_context(get_object_or_404(with_runs(Generation.objects.all()), pk=pk))
    if not context["standing"].moving:
        return HttpResponseClientRefresh()
    return render(request, "workers/_generation.html", context)


@require_POST
@page_for("workers.change_run")
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    generation = get_object_or_404(Generation, pk=pk)
    try:
        if action == "stop":
            generation_stop(generation)
        elif action == "resume":
            generation_resume(generation, accepts_worse="accepts_worse" in request.POST)
        else:
            raise Http404
    except InputError as error:
        messages.error(request, str(error))
    return redirect("generation", pk)


def report_of(generation: Generation) -> Report | None:
    """Of its campaign, and None before that is closed, whatever was kept: nobody is told here who leads."""
    campaign = campaign_of(generation)
    if campaign is None or campaign.state != Campaign.State.CLOSED:
        return None
    with suppress(ConflictError):  # kept in a layout of old, as the campaign's own page says
        return results_of(report_freeze(campaign=campaign))
    return None


def drawn(panel: Panel) -> tuple[str, SafeString]:
    return panel.title, mark_safe(svg_of(panel_chart(panel)))


@require_GET
@page_for("workers.view_generation")
def show_generation(request: HttpRequest, pk: int) -> HttpResponse:
    generation = get_object_or_404(Generation, pk=pk)
    line = line_of(generation)
    whole = [*line.earlier, generation, *line.later]
    rows = {row.pk: row for row in with_runs(Generation.objects.filter(pk__in=[each.pk for each in whole]))}
    whole = [rows[each.pk] for each in whole]
    generation = rows[generation.pk]
    reports = {}
    if request.user.has_perm("annotations.view_report"):
        reports = {each.name: report for each in whole if (report := report_of(each))}
    scores = scores_of(whole)
    scored = {each.name: scores[each.pk] for each in whole if each.pk in scores}
    report, standing = reports.get(generation.name), standing_context(generation)
    campaign, checkpoint = standing["campaign"], standing["checkpoint"]
    context = {
        **standing,
        "simulated": generation.simulated or bool(campaign and campaign.simulation),
        "taught_by": Campaign.objects.filter(name__in=generation.config["campaigns"]).order_by("name"),
        "line": line,
        "verdict": report and verdict_of(report),
        "ratings": [drawn(panel) for panel in rating_panels(reports)],
        "judges": [drawn(panel) for panel in judge_panels(scored)],
        "scores": metric_rows(scores[generation.pk]) if generation.pk in scores else [],
        **guarding_context(checkpoint),
    }
    return render_page(request, "workers/generation.html", f"Generation {generation}", context)
