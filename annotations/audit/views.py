"""The audit log as a file: the entries that the page shows, as CSV or JSON lines."""

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, StreamingHttpResponse

from annotations.audit.models import AuditEntry
from annotations.audit.services import Deed, audit_note
from annotations.documents.csv_tables import csv_blocks
from annotations.web.pages import attached

COLUMNS = ("at", "kind", "person", "shell", "address", "about", "detail")
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}


def export(request: HttpRequest, entries: QuerySet[AuditEntry], form: str) -> StreamingHttpResponse:
    if form not in TYPES:
        raise Http404
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
