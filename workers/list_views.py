"""Lists of what runs make, and the pages of `annotations` that show what runs do for them.

None of this needs numpy."""

from typing import Any

import django_filters as filters
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from annotations.campaigns.views import campaigns
from annotations.corpora import views as corpora
from annotations.feedback import views as feedback
from annotations.models import Campaign, FeedbackSet, System
from annotations.web.lists import MAX_TYPED, listed
from annotations.web.pages import page_for, render_page
from workers.agreement import measures_of
from workers.models import Checkpoint, Listener, RewardModel, Run

GOING_ON = [("busy", "waiting or running"), *Run.State.choices]


class RunFilter(filters.FilterSet):
    kind = filters.ChoiceFilter(choices=Run.Kind.choices, empty_label="All")
    state = filters.ChoiceFilter(choices=GOING_ON, empty_label="All", method="in_state")

    def in_state(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(state__in=[Run.State.QUEUED, Run.State.RUNNING] if value == "busy" else [value])


class SystemFilter(filters.FilterSet):
    name = filters.CharFilter(lookup_expr="icontains", label="Name", max_length=MAX_TYPED)
    kind = filters.ChoiceFilter(choices=System.Kind.choices, empty_label="All")


@require_GET
@page_for("workers.view_run")
def runs(request: HttpRequest) -> HttpResponse:
    rows = Run.objects.select_related("system", "dataset").defer("history", "log", "result").order_by("-pk")
    return render_page(request, "workers/runs.html", "Runs", listed(request, rows, RunFilter))


@require_GET
@page_for("annotations.view_system")
def all_systems(request: HttpRequest) -> HttpResponse:
    complete = Count("decodings", filter=Q(decodings__completed_at__isnull=False))
    rows = System.objects.annotate(complete=complete).order_by("-pk")
    return render_page(request, "workers/systems.html", "All systems", listed(request, rows, SystemFilter))


@require_GET
@page_for("workers.view_checkpoint")
def checkpoints(request: HttpRequest) -> HttpResponse:
    used = Count("system__decodings", filter=Q(system__decodings__completed_at__isnull=False))
    rows = Checkpoint.objects.select_related("system", "run").annotate(decodings=used).order_by("-size_bytes")
    return render_page(request, "workers/checkpoints.html", "Checkpoints", listed(request, rows))


@require_GET
@page_for("workers.view_rewardmodel")
def reward_models(request: HttpRequest) -> HttpResponse:
    context = listed(request, RewardModel.objects.select_related("run", "feedback_set").order_by("-pk"))
    rows = [(row, measures_of(row)[0]) for row in context["page"]]
    return render_page(request, "workers/reward_models.html", "Reward models", {**context, "rows": rows})


@require_GET
@page_for("workers.view_listener")
def workers(request: HttpRequest) -> HttpResponse:
    return render_page(request, "workers/workers.html", "Workers", listed(request, Listener.objects.order_by("name")))


@require_GET
@page_for("annotations.view_feedbackset")
def feedback_sets(request: HttpRequest) -> HttpResponse:
    rows = FeedbackSet.objects.select_related("dataset").prefetch_related("campaigns").order_by("-pk")
    return render_page(request, "workers/feedback_sets.html", "Feedback sets", listed(request, rows))


@require_GET
@page_for("annotations.view_feedbackset")
def feedback_set(request: HttpRequest, pk: int) -> HttpResponse:
    """With what trains on it, and its file."""
    return feedback.show(request, get_object_or_404(FeedbackSet, pk=pk), "workers/feedback_set.html")


@require_GET
@page_for("annotations.view_campaign")
def campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """With a button that scores its systems."""
    return campaigns.show(request, get_object_or_404(Campaign, pk=pk), "workers/campaign.html")


@require_GET
@page_for("annotations.view_dataset")
def dataset(request: HttpRequest, pk: int) -> HttpResponse:
    """With what removes it or one of its imports."""
    return corpora.show(request, pk, "workers/dataset.html")
