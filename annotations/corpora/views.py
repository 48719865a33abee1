"""The pages of datasets: what there is of each, and how its splits are filled."""

from typing import Any

from django.db.models import Count, Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from annotations.corpora.models import Dataset, Photo, Source, Split, StorySentence
from annotations.web.lists import listed
from annotations.web.pages import page_for, render_page

SAMPLES = 12


@require_GET
@page_for("annotations.view_dataset")
def datasets(request: HttpRequest) -> HttpResponse:
    rows = Dataset.objects.annotate(album_count=Count("albums")).order_by("name")
    return render_page(request, "annotations/datasets/list.html", "Data", listed(request, rows))


def show(request: HttpRequest, pk: int, template: str) -> HttpResponse:
    """The page of a dataset; `template` may extend the one of this app."""
    dataset = get_object_or_404(Dataset, pk=pk)
    told = StorySentence.objects.visible().filter(photo=OuterRef("photo"))
    visible = Source.objects.visible().filter(Exists(told), album__dataset=dataset)
    samples = visible.exclude(kind="sequence").order_by("?").select_related("photo", "album")[:SAMPLES]
    context = {
        "dataset": dataset,
        "splits": [counted(dataset, split) for split in Split.values],
        "imports": dataset.imports.complete().order_by("-pk"),
        "samples": [(source, source.photo.sentences.first()) for source in samples if source.photo],
    }
    return render_page(request, template, dataset.name, context)


def counted(dataset: Dataset, split: str) -> dict[str, Any]:
    sources = Source.objects.of_split(dataset, split)
    albums = dataset.albums.filter(split=split, imported_by__state="complete")
    photos = Photo.objects.visible().filter(album__in=albums)
    return {
        "split": split,
        "albums": albums.count(),
        "captions": sources.captions().count(),
        "photos": sources.of_kind("photo").count(),
        "pictures": photos.with_picture().count(),
        "depicted": photos.count(),
        "sentences": StorySentence.objects.of_split(dataset, split).count(),
    }
