"""What all lists of rows share: filters above, pages below."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django_filters import FilterSet

PER_PAGE = 50
MAX_TYPED = 200  # letters of what is looked for


def listed(request: HttpRequest, rows: "QuerySet[Any]", filters: type[FilterSet] | None = None) -> dict[str, Any]:
    """The page of rows that the address asks for; `query` is the rest of the address, for links to other pages."""
    shown = filters(request.GET, queryset=rows, request=request) if filters else None
    query = request.GET.copy()
    query.pop("page", None)
    page = Paginator(shown.qs if shown else rows, PER_PAGE).get_page(request.GET.get("page"))
    return {"filter": shown, "filtered": bool(query), "page": page, "query": f"{query.urlencode()}&" if query else ""}
