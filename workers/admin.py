"""Runs, checkpoints and systems in Django's admin, and the campaign pages with what runs do for them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from annotations.admin import CampaignAdmin, DatasetAdmin, FeedbackSetAdmin, ReadOnlyAdmin, state_badge
from annotations.models import Campaign, Dataset, FeedbackSet, Report, System
from annotations.web.pages import OnDemand
from workers import removal_views
from workers.agreement import measures_of
from workers.generations.selectors import campaign_of, with_runs
from workers.models import Checkpoint, Generation, Listener, RewardModel, Run

views = OnDemand("workers.views")
generations = OnDemand("workers.generations.views")


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = ("what", "state_shown", "progress", "queue", "message", "made")
    list_filter = ("kind", "state", "queue")
    ordering = ("-pk",)
    list_per_page = 50
    change_list_template = "workers/list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        return super().get_queryset(request).select_related("system", "dataset").defer("history", "log", "result")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "state__in" or super().lookup_allowed(lookup, value, request)

    @admin.display(description="run")
    def what(self, run: Run) -> str:
        return f"{run.kind} {run.about}".strip()

    @admin.display(description="state")
    def state_shown(self, run: Run) -> str:
        return state_badge(run.state)

    @admin.display(description="progress")
    def progress(self, run: Run) -> str:
        percent = round(100 * run.fraction)
        return format_html('<progress class="share" max="100" value="{}"></progress> {} %', percent, percent)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        run = self.get_object(request, object_id)
        if run is None or not self.has_view_permission(request, run):
            return super().change_view(request, object_id, *args, **kwargs)
        from workers.views import show_run  # with numpy, for who looks at one

        return show_run(request, run)

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("launch/<str:kind>/", views.launch, name="workers_run_launch"),
            path("import/<str:form>/", views.import_files, name="workers_run_import"),
            *removal_views.urls(),
            path("base/<str:name>/", views.base, name="workers_run_base"),
            path("<int:pk>/watch/", views.watch, name="workers_run_watch"),
            path("<int:pk>/<str:action>/act/", views.act, name="workers_run_act"),
        ]
        return own + super().get_urls()


@admin.register(Generation)
class GenerationAdmin(ReadOnlyAdmin):
    list_display = ("name", "model_before", "state_shown", "said", "made")
    ordering = ("-pk",)
    list_per_page = 20
    change_list_template = "workers/generations.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Generation]:
        return with_runs(super().get_queryset(request))

    def get_list_display(self, request: HttpRequest) -> Any:
        reads = request.user.has_perm("annotations.view_report")
        return [name for name in self.list_display if reads or name != "said"]

    @admin.display(description="model before")
    def model_before(self, row: Generation) -> str:
        return str(row.before)

    @admin.display(description="state")
    def state_shown(self, row: Generation) -> str:
        from workers.generations.standing import standing_of  # with numpy, for who looks at the list

        standing = standing_of(row)
        return format_html('<span class="state {}">{}</span>', standing.state, standing.label)

    @admin.display(description="what people say")
    def said(self, row: Generation) -> str:
        from workers.generations.results import in_short  # with numpy, for who looks at reports

        campaign = campaign_of(row)
        if campaign is None or campaign.state != Campaign.State.CLOSED:
            return "–"
        kept: list[Report] = campaign.kept  # type: ignore[attr-defined]  # by `with_runs`
        return in_short(bytes(kept[0].content) if kept else None)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            return super().change_view(request, object_id, *args, **kwargs)
        from workers.generations.views import show_generation  # with numpy, for who looks at one

        return show_generation(request, row)

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("<int:pk>/watch/", generations.watch, name="workers_generation_watch"),
            path("<int:pk>/<str:action>/act/", generations.act, name="workers_generation_act"),
        ]
        return own + super().get_urls()


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    list_display = ("system_link", "size", "trained", "used_by", "files")
    list_display_links = None
    ordering = ("-size_bytes",)
    list_select_related = ("system", "run")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Checkpoint]:
        used = Count("system__decodings", filter=Q(system__decodings__completed_at__isnull=False))
        return super().get_queryset(request).annotate(decodings=used)

    @admin.display(description="system", ordering="system__name")
    def system_link(self, row: Checkpoint) -> str:
        address = reverse("admin:annotations_system_change", args=[row.system_id])
        return format_html('<a href="{}">{}</a>', address, row.system)

    @admin.display(description="size", ordering="size_bytes")
    def size(self, row: Checkpoint) -> str:
        return f"{row.size_bytes / 1e6:.1f} MB"

    @admin.display(description="trained", ordering="created_at")
    def trained(self, row: Checkpoint) -> str:
        return f"{row.created_at:%Y-%m-%d %H:%M}, {row.metrics.get('steps', '?')} steps"

    @admin.display(description="decodings")
    def used_by(self, row: Any) -> int:
        return int(row.decodings)

    @admin.display(description="files")
    def files(self, row: Checkpoint) -> str:
        if row.pruned_at:
            return f"removed {row.pruned_at:%Y-%m-%d}"
        return format_html('<a href="{}">remove…</a>', reverse("admin:workers_checkpoint_confirm", args=[row.pk]))

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("<int:pk>/prune/", views.prune, name="workers_checkpoint_prune"),
            path("<int:pk>/confirm/", views.prune_confirm, name="workers_checkpoint_confirm"),
        ]
        return own + super().get_urls()


@admin.register(RewardModel)
class RewardModelAdmin(ReadOnlyAdmin):
    list_display = ("run_link", "set_link", "accuracy", "ceiling", "raters", "usable", "made")
    list_display_links = None
    ordering = ("-pk",)
    list_select_related = ("run", "feedback_set")

    @admin.display(description="name", ordering="name")
    def run_link(self, row: RewardModel) -> str:
        return format_html('<a href="{}">{}</a>', reverse("admin:workers_run_change", args=[row.run_id]), row)

    @admin.display(description="feedback set", ordering="feedback_set__name")
    def set_link(self, row: RewardModel) -> str:
        address = reverse("admin:annotations_feedbackset_change", args=[row.feedback_set_id])
        return format_html('<a href="{}">{}</a>', address, row.feedback_set)

    @admin.display(description="pairwise accuracy")
    def accuracy(self, row: RewardModel) -> str:
        return measures_of(row)[0].reward

    @admin.display(description="raters' own ceiling")
    def ceiling(self, row: RewardModel) -> str:
        return measures_of(row)[0].ceiling or "not defined"

    @admin.display(description="raters", ordering="simulated")
    def raters(self, row: RewardModel) -> str:
        return "simulated" if row.simulated else "people"

    @admin.display(description="valid", boolean=True)
    def usable(self, row: RewardModel) -> bool:
        return row.valid


@admin.register(System)
class SystemAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "decodings_count", "made")
    list_filter = ("kind",)
    search_fields = ("name",)
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[System]:
        complete = Count("decodings", filter=Q(decodings__completed_at__isnull=False))
        return super().get_queryset(request).annotate(complete=complete)

    @admin.display(description="decodings", ordering="complete")
    def decodings_count(self, system: Any) -> int:
        return int(system.complete)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        system = self.get_object(request, object_id)
        if system is None or not self.has_view_permission(request, system):
            return super().change_view(request, object_id, *args, **kwargs)
        from workers.views import show_system  # with numpy, for who looks at one

        return show_system(request, system)

    def get_urls(self) -> list[URLPattern]:
        own = [path("output/<int:pk>/", views.show_output, name="annotations_output_show")]
        return own + super().get_urls()


@admin.register(Listener)
class ListenerAdmin(ReadOnlyAdmin):
    list_display = ("name", "queue_names", "seen")
    list_display_links = None

    @admin.display(description="queues")
    def queue_names(self, row: Listener) -> str:
        return ", ".join(row.queues) or "sweeps"

    @admin.display(description="last seen", ordering="seen_at")
    def seen(self, row: Listener) -> str:
        return f"{row.seen_at:%Y-%m-%d %H:%M:%S}"


admin.site.unregister(Campaign)


@admin.register(Campaign)
class ScoredCampaignAdmin(CampaignAdmin):
    """The campaign's page, with a button that scores its systems."""

    page_template = "workers/campaign.html"


admin.site.unregister(Dataset)


@admin.register(Dataset)
class RemovableDatasetAdmin(DatasetAdmin):
    """The dataset's page, with what removes it or one of its imports."""

    change_form_template = "workers/dataset.html"


admin.site.unregister(FeedbackSet)


@admin.register(FeedbackSet)
class TrainingFeedbackSetAdmin(FeedbackSetAdmin):
    """The set's page, with what trains on it and its file."""

    page_template = "workers/feedback_set.html"

    def get_urls(self) -> list[URLPattern]:
        own = [path("<int:pk>/export.jsonl", views.export_feedback, name="annotations_feedbackset_export")]
        return own + super().get_urls()
