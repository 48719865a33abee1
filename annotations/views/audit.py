"""The audit log as a file: the entries that the page shows, as CSV or JSON lines."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, StreamingHttpResponse

from annotations.models import AuditEntry
from annotations.services.audit import Deed, audit_note
from annotations.views.pages import attached

COLUMNS = ("at", "kind", "person", "shell", "address", "about", "detail")
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}


def export(request: HttpRequest, entries: QuerySet[AuditEntry], form: str) -> StreamingHttpResponse:
    if form not in TYPES:
        raise Http404
    audit_note(kind=Deed.EXPORT, about="audit log", detail=form)
    lines = csv_lines(entries) if form == "csv" else json_lines(entries)
    return StreamingHttpResponse(lines, content_type=TYPES[form], headers=attached(f"audit-log.{form}"))


def values(entries: QuerySet[AuditEntry]) -> Iterator[dict[str, Any]]:
    for row in entries.values(*COLUMNS).iterator(2000):
        yield {**row, "at": row["at"].isoformat()}


def csv_lines(entries: QuerySet[AuditEntry]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS)
    writer.writeheader()
    for row in values(entries):
        writer.writerow({name: harmless(value) for name, value in row.items()})
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def harmless(value: Any) -> Any:
    """A name that a spreadsheet would take for a formula, in quotes."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def json_lines(entries: QuerySet[AuditEntry]) -> Iterator[str]:
    for row in values(entries):
        yield json.dumps(row, ensure_ascii=False) + "\n"
