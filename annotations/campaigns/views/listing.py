"""The lists of campaigns, and of those that have a report."""

from typing import Any

import django_filters as filters
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from annotations.campaigns.models import Campaign
from annotations.campaigns.selectors import with_progress
from annotations.corpora.models import Dataset
from annotations.web.lists import MAX_TYPED, listed
from annotations.web.pages import page_for, render_page

ARCHIVE = [("yes", "Archived")]


class ReportFilter(filters.FilterSet):
    name = filters.CharFilter(lookup_expr="icontains", label="Name", max_length=MAX_TYPED)
    dataset = filters.ModelChoiceFilter(queryset=Dataset.objects.order_by("name"), empty_label="All")


class CampaignFilter(ReportFilter):
    state = filters.ChoiceFilter(choices=Campaign.State.choices, empty_label="All")
    purpose = filters.ChoiceFilter(choices=Campaign.Purpose.choices, empty_label="All")
    archived = filters.ChoiceFilter(choices=ARCHIVE, label="Archive", empty_label="Current", method="of_archive")

    def of_archive(self, rows: "QuerySet[Campaign]", name: str, value: Any) -> "QuerySet[Campaign]":
        return rows.filter(archived_at__isnull=False)

    def filter_queryset(self, queryset: "QuerySet[Campaign]") -> "QuerySet[Campaign]":
        """Archived campaigns are listed on request only."""
        rows: QuerySet[Campaign] = super().filter_queryset(queryset)
        return rows if self.form.cleaned_data.get("archived") else rows.filter(archived_at=None)


@require_GET
@page_for("annotations.view_campaign")
def index(request: HttpRequest) -> HttpResponse:
    rows = with_progress(Campaign.objects.order_by("-pk")).select_related("dataset")
    return render_page(request, "annotations/campaigns/list.html", "Campaigns", listed(request, rows, CampaignFilter))


@require_GET
@page_for("annotations.view_report")
def reports(request: HttpRequest) -> HttpResponse:
    """Of closed campaigns, newest first."""
    closed = Campaign.objects.current().filter(state=Campaign.State.CLOSED).select_related("dataset")
    people = Count("raters", filter=Q(raters__trial=False), distinct=True)
    rows = with_progress(closed).annotate(people=people).order_by("-pk")
    return render_page(request, "annotations/reports/list.html", "Reports", listed(request, rows, ReportFilter))
