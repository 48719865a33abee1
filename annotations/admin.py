"""The store in Django's admin. Rows are looked at here, and written by the services behind the pages."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.views.decorators.http import require_GET

from annotations.audit import views as audit
from annotations.audit.models import AuditEntry
from annotations.campaigns.models import Campaign
from annotations.campaigns.selectors import with_progress
from annotations.campaigns.views import campaigns, monitoring, recruiting
from annotations.corpora.models import Dataset, Photo, Source, Split, StorySentence
from annotations.feedback import views as feedback
from annotations.feedback.models import FeedbackSet
from annotations.removal import views as erasing
from annotations.systems import views as content
from annotations.web.pages import OnDemand

SAMPLES = 12
SHOWN_PEOPLE = 100

comparison = OnDemand("annotations.reports.views.comparison")
reports = OnDemand("annotations.reports.views.reports")


class ReadOnlyAdmin(admin.ModelAdmin):
    """A list and a page to look at; whatever changes rows is a page of its own."""

    actions = None

    @admin.display(description="created", ordering="created_at")
    def made(self, row: Any) -> str:
        return f"{row.created_at:%Y-%m-%d %H:%M}"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = str(self.opts.verbose_name_plural).capitalize()
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def share_bar(done: int, total: int) -> str:
    """A bar with its figures beside it."""
    return format_html(
        '<progress class="share" max="{}" value="{}"></progress> {} of {}', max(total, 1), done, done, total
    )


def state_badge(state: str) -> str:
    return format_html('<span class="state {}">{}</span>', state, state)


class ArchiveFilter(admin.SimpleListFilter):
    """Archived campaigns are listed on request only."""

    title = "archive"
    parameter_name = "archived"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Archived")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        for chosen, label in ((None, "Current"), ("yes", "Archived")):
            query = changelist.get_query_string({self.parameter_name: chosen} if chosen else {}, [self.parameter_name])
            yield {"selected": self.value() == chosen, "query_string": query, "display": label}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(archived_at__isnull=self.value() != "yes")


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    list_display = ("name", "state_shown", "purpose_named", "dataset", "done", "made")
    list_filter = (ArchiveFilter, "state", "purpose", "dataset")
    search_fields = ("name",)
    ordering = ("-pk",)
    page_template = "annotations/campaigns/page.html"
    change_list_template = "annotations/campaigns/list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        rows: QuerySet[Campaign] = with_progress(Campaign.objects.all()).select_related("dataset")
        return rows

    @admin.display(description="state", ordering="state")
    def state_shown(self, campaign: Campaign) -> str:
        return state_badge(campaign.state)

    @admin.display(description="purpose", ordering="purpose")
    def purpose_named(self, campaign: Campaign) -> str:
        return campaign.purpose

    @admin.display(description="answered")
    def done(self, campaign: Any) -> str:
        return share_bar(campaign.answered, campaign.screens)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        campaign = Campaign.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        if campaign is None or not self.has_view_permission(request, campaign):
            return super().change_view(request, object_id, *args, **kwargs)
        return campaigns.show(request, campaign, self.page_template)

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("new/", campaigns.add, name="annotations_campaign_new"),
            path("count/", campaigns.count, name="annotations_campaign_count"),
            path("compare/", comparison.page, name="annotations_campaign_compare"),
            path("compare.<str:form>", comparison.export, name="annotations_campaign_compare_export"),
            path("<int:pk>/copy/", campaigns.add, name="annotations_campaign_copy"),
            path("<int:pk>/edit/", campaigns.add, {"replace": True}, name="annotations_campaign_edit"),
            path("<int:pk>/act/", campaigns.act, name="annotations_campaign_act"),
            path("<int:pk>/progress/", monitoring.progress, name="annotations_campaign_progress"),
            path("<int:pk>/raters/", monitoring.raters, name="annotations_campaign_raters"),
            path("<int:pk>/raters/<uuid:rater>/", monitoring.rater, name="annotations_campaign_rater"),
            path("<int:pk>/items/", monitoring.items, name="annotations_campaign_items"),
            path("<int:pk>/items/<int:number>/", monitoring.item, name="annotations_campaign_item"),
            path("<int:pk>/exclude/", campaigns.exclude, name="annotations_campaign_exclude"),
            path("<int:pk>/erase/", erasing.erase, name="annotations_campaign_erase"),
            path("<int:pk>/links/", campaigns.invite, name="annotations_campaign_links"),
            path("<int:pk>/try/", campaigns.try_out, name="annotations_campaign_try"),
            path("<int:pk>/preview/<int:screen>/", campaigns.preview, name="annotations_campaign_preview"),
            path("<int:pk>/photo/<uuid:item>/<int:place>/", campaigns.photo, name="annotations_campaign_photo"),
            path("<int:pk>/pay.csv", recruiting.payments, name="annotations_campaign_pay"),
            path("<int:pk>/campaign.toml", campaigns.toml, name="annotations_campaign_toml"),
            path("<int:pk>/preregistration.md", reports.preregister, name="annotations_campaign_preregister"),
            path("<int:pk>/questionnaires.csv", reports.questionnaires, name="annotations_campaign_questionnaires"),
            path("<int:pk>/report/", reports.page, name="annotations_campaign_report"),
            path("<int:pk>/unblind/", reports.unblind, name="annotations_campaign_unblind"),
            path("<int:pk>/report.<str:form>", reports.export, name="annotations_campaign_export"),
            path("<int:pk>/ratings.<str:form>", reports.ratings, name="annotations_campaign_ratings"),
        ]
        return own + super().get_urls()


@admin.register(Dataset)
class DatasetAdmin(ReadOnlyAdmin):
    list_display = ("name", "albums", "made")
    change_form_template = "annotations/datasets/page.html"
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dataset]:
        return super().get_queryset(request).annotate(album_count=Count("albums"))

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("<int:pk>/split/<str:split>/", content.first_album, name="annotations_dataset_first_album"),
            path("album/<int:pk>/", content.album, name="annotations_dataset_album"),
            path("photo/<int:pk>/", content.photo, name="annotations_dataset_photo"),
        ]
        return own + super().get_urls()

    @admin.display(description="albums", ordering="album_count")
    def albums(self, dataset: Any) -> int:
        return int(dataset.album_count)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        dataset = self.get_object(request, object_id)
        if dataset is None or not self.has_view_permission(request, dataset):
            return super().change_view(request, object_id, form_url, extra_context)
        rows = []
        for split in Split.values:
            sources = Source.objects.of_split(dataset, split)
            albums = dataset.albums.filter(split=split, imported_by__state="complete")
            rows.append(
                {
                    "split": split,
                    "albums": albums.count(),
                    "captions": sources.captions().count(),
                    "photos": sources.of_kind("photo").count(),
                    "pictures": Photo.objects.visible().with_picture().filter(album__in=albums).count(),
                    "depicted": Photo.objects.visible().filter(album__in=albums).count(),
                    "sentences": StorySentence.objects.of_split(dataset, split).count(),
                }
            )
        told = StorySentence.objects.visible().filter(photo=OuterRef("photo"))
        visible = Source.objects.visible().filter(Exists(told), album__dataset=dataset)
        samples = visible.exclude(kind="sequence").order_by("?").select_related("photo", "album")[:SAMPLES]
        extra = {
            "splits": rows,
            "imports": dataset.imports.complete().order_by("-pk"),
            "samples": [(source, source.photo.sentences.first()) for source in samples if source.photo],
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **extra})


@admin.register(FeedbackSet)
class FeedbackSetAdmin(ReadOnlyAdmin):
    list_display = ("name", "dataset", "examples", "from_campaigns", "raters", "valid", "made")
    ordering = ("-pk",)
    list_select_related = ("dataset",)
    page_template = "annotations/feedback/page.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[FeedbackSet]:
        return super().get_queryset(request).prefetch_related("campaigns")

    @admin.display(description="examples")
    def examples(self, row: FeedbackSet) -> int:
        return int(row.counts.get("examples", 0))

    @admin.display(description="raters")
    def raters(self, row: FeedbackSet) -> str:
        return "simulated" if row.simulated else "people"

    @admin.display(description="campaigns")
    def from_campaigns(self, row: FeedbackSet) -> str:
        return ", ".join(sorted(campaign.name for campaign in row.campaigns.all()))

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            return super().change_view(request, object_id, *args, **kwargs)
        return feedback.show(request, row, self.page_template)


class PersonFilter(admin.SimpleListFilter):
    title = "person"
    parameter_name = "person"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        people = AuditEntry.objects.exclude(person="").order_by("person").values_list("person", flat=True).distinct()
        return [(name, name) for name in people[:SHOWN_PEOPLE]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(person=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """For admins alone: no other role has the permission to view it."""

    list_display = ("when", "who", "address", "kind", "about", "detail")
    list_display_links = None
    list_filter = ("kind", PersonFilter, "shell")
    search_fields = ("person", "about", "detail")
    date_hierarchy = "at"
    ordering = ("-pk",)
    list_per_page = 100
    change_list_template = "annotations/audit/list.html"

    @admin.display(description="time (UTC)", ordering="at")
    def when(self, entry: AuditEntry) -> str:
        return f"{entry.at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="person", ordering="person")
    def who(self, entry: AuditEntry) -> str:
        return f"{entry.person or 'not known'}{' (in a shell)' if entry.shell else ''}"

    def export_view(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """What the page with the same address parameters lists, all of its pages."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return audit.export(request, self.get_changelist_instance(request).get_queryset(request), form)

    def get_urls(self) -> list[URLPattern]:
        view = require_GET(self.admin_site.admin_view(self.export_view))
        return [path("export.<str:form>", view, name="annotations_auditentry_export"), *super().get_urls()]
