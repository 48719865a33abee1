"""The sources of a dataset: listed by filters, or found by words, as are the texts that were written for them."""

from typing import Any

import django_filters as filters
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from annotations.corpora.models import Dataset, Source, Split
from annotations.search.hits import FIRST, PER_PAGE, SEARCHED, hits_of
from annotations.search.words import MAX_TYPED, words_of
from annotations.systems.browsing import Place, SourceFilter, listed_sources, page_of, visible_in
from annotations.web.pages import page_for, render_page

PLACES = ("before", "after")  # in an address: where a page begins or ends


class SearchFilter(filters.FilterSet):
    q = filters.CharFilter(label="Words")
    texts = filters.ChoiceFilter(
        choices=[(kind, each.title) for kind, each in SEARCHED.items()], label="In", empty_label="All texts"
    )
    split = filters.ChoiceFilter(label="Split", choices=Split.choices, empty_label="All")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.form.fields["q"]
        field.widget.input_type = "search"
        field.widget.attrs["maxlength"] = MAX_TYPED


@require_GET
@page_for("annotations.view_dataset")
def sources(request: HttpRequest, pk: int) -> HttpResponse:
    dataset = get_object_or_404(Dataset, pk=pk)
    if "q" in request.GET:
        return found(request, dataset)
    shown = SourceFilter(request.GET, queryset=visible_in(dataset).select_related("album"), request=request)
    before, after = (Place.read(request.GET.get(name, "")) for name in PLACES)
    page = page_of(shown.qs, shown.albums(dataset), before=before, after=after)
    context = {
        "dataset": dataset,
        "filter": shown,
        "asked": {name: value for name, value in shown.form.cleaned_data.items() if value},
        "rows": listed_sources(page.sources),
        "page": page,
        "query": query_of(request, *PLACES),
    }
    return render_page(request, "annotations/datasets/sources.html", f"Sources of {dataset.name}", context)


@require_GET
@page_for("annotations.view_dataset")
def search(request: HttpRequest) -> HttpResponse:
    """In all datasets."""
    return found(request, None)


def found(request: HttpRequest, dataset: Dataset | None) -> HttpResponse:
    shown = SearchFilter(request.GET, queryset=Source.objects.none(), request=request)
    shown.form.is_valid()
    asked = shown.form.cleaned_data
    words, one = words_of(request.GET.get("q", "")), asked.get("texts") or ""
    before, after = (key_in(request, name) if one else None for name in PLACES)
    hits = [
        hits_of(
            kind, words, dataset=dataset, split=asked.get("split") or "", before=before, after=after,
            per_page=PER_PAGE if one else FIRST,
        )
        for kind in ([one] if one else SEARCHED)
        if words
    ]  # fmt: skip
    context = {
        "dataset": dataset,
        "filter": shown,
        "typed": request.GET.get("q", ""),
        "words": words,
        "one": one,
        "hits": hits,
        "any": any(each.total for each in hits),
        "query": query_of(request, *PLACES),
        "other": query_of(request, *PLACES, "texts"),
    }
    title = f"Search in {dataset.name}" if dataset else "Search in all datasets"
    return render_page(request, "annotations/datasets/found.html", title, context)


def key_in(request: HttpRequest, name: str) -> int | None:
    given = request.GET.get(name, "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= 18 else None


def query_of(request: HttpRequest, *without: str) -> str:
    """The address's query but for those parameters, to which others are added."""
    query = request.GET.copy()
    for name in without:
        query.pop(name, None)
    return f"{query.urlencode()}&" if query else ""
