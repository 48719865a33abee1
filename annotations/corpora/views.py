"""The pages of datasets: what there is of each, and how its splits are filled."""

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from annotations.corpora.counting import random_pairs, splits_counted
from annotations.corpora.models import Dataset
from annotations.web.lists import listed
from annotations.web.pages import page_for, render_page

SAMPLES = 12


@require_GET
@page_for("annotations.view_dataset")
def datasets(request: HttpRequest) -> HttpResponse:
    rows = Dataset.objects.annotate(
        album_count=Count("albums", filter=Q(albums__imported_by__state="complete"))
    ).order_by("name")
    return render_page(request, "annotations/datasets/list.html", "Data", listed(request, rows))


def show(request: HttpRequest, pk: int, template: str) -> HttpResponse:
    """The page of a dataset; `template` may extend the one of this app."""
    dataset = get_object_or_404(Dataset, pk=pk)
    context = {
        "dataset": dataset,
        "splits": splits_counted(dataset),
        "imports": dataset.imports.complete().order_by("-pk"),
        "samples": random_pairs(dataset, SAMPLES),
    }
    return render_page(request, template, dataset.name, context)
