"""The audit log: its page, and the entries that it lists as a file, CSV or JSON lines."""

import json
from collections.abc import Iterator
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from annotations.audit.models import AuditEntry
from annotations.audit.services import Deed, audit_note
from annotations.documents.csv_tables import csv_blocks
from annotations.web.lists import MAX_TYPED, listed
from annotations.web.pages import attached, page_for, render_page

COLUMNS = ("at", "kind", "person", "shell", "address", "about", "detail")
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}


NOT_VALID = "This filter is not valid; the page of the log says why."
DAY = forms.DateInput({"type": "date"})


def people() -> list[tuple[str, str]]:
    names = AuditEntry.objects.exclude(person="").order_by("person").values_list("person", flat=True).distinct()
    return [(name, name) for name in names]


class AuditFilter(filters.FilterSet):
    kind = filters.ChoiceFilter(choices=AuditEntry.Kind.choices, empty_label="All")
    person = filters.ChoiceFilter(choices=people, empty_label="All")
    shell = filters.BooleanFilter(label="In a shell")
    since = filters.DateFilter(field_name="at", lookup_expr="date__gte", label="Since", widget=DAY)
    until = filters.DateFilter(field_name="at", lookup_expr="date__lte", label="Until", widget=DAY)
    words = filters.CharFilter(method="with_words", label="About, or in detail", max_length=MAX_TYPED)

    def with_words(self, rows: "QuerySet[AuditEntry]", name: str, value: str) -> "QuerySet[AuditEntry]":
        return rows.filter(Q(about__icontains=value) | Q(detail__icontains=value) | Q(person__icontains=value))


@require_GET
@page_for("annotations.view_auditentry")
def page(request: HttpRequest) -> HttpResponse:
    """For admins alone: no other role has the permission."""
    context = listed(request, AuditEntry.objects.order_by("-pk"), AuditFilter)
    return render_page(request, "annotations/audit/list.html", "Audit log", context)


@require_GET
@page_for("annotations.view_auditentry")
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """What the page with the same address parameters lists, all of its pages."""
    if form not in TYPES:
        raise Http404
    asked = AuditFilter(request.GET, queryset=AuditEntry.objects.order_by("-pk"))
    if not asked.form.is_valid():  # rather than all of the log
        return HttpResponseBadRequest(NOT_VALID, content_type="text/plain")
    entries = asked.qs
    audit_note(kind=Deed.EXPORT, about="audit log", detail=form)
    lines: Iterator[bytes | str] = json_lines(entries)
    if form == "csv":
        lines = csv_blocks(COLUMNS, (list(row.values()) for row in values(entries)))
    return StreamingHttpResponse(lines, content_type=TYPES[form], headers=attached(f"audit-log.{form}"))


def values(entries: QuerySet[AuditEntry]) -> Iterator[dict[str, Any]]:
    for row in entries.values(*COLUMNS).iterator(2000):
        yield {**row, "at": row["at"].isoformat()}


def json_lines(entries: QuerySet[AuditEntry]) -> Iterator[bytes | str]:
    for row in values(entries):
        yield json.dumps(row, ensure_ascii=False) + "\n"
