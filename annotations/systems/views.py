"""The researcher's pages of what was imported and written: an album, its photos, and every story beside."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET

from annotations.corpora.models import Album, Dataset, Photo, Source
from annotations.systems.albums import sequences_of
from annotations.systems.browsing import PER_PAGE, listed_sources
from annotations.web.pages import page_for, render_page


@require_GET
@page_for("annotations.view_dataset")
def album(request: HttpRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(Album.objects.select_related("dataset"), pk=pk, imported_by__state="complete")
    beside = Album.objects.filter(dataset=shown.dataset, split=shown.split, imported_by__state="complete")
    sequences = sequences_of(shown)
    rows = Source.objects.visible().filter(album=shown).select_related("album").order_by("pk")
    context = {
        "album": shown,
        "dataset": shown.dataset,
        "sequences": sequences,
        "rows": [] if sequences else listed_sources(list(rows[:PER_PAGE])),
        "before": beside.filter(pk__lt=pk).order_by("-pk").values_list("pk", flat=True).first(),
        "behind": beside.filter(pk__gt=pk).order_by("pk").values_list("pk", flat=True).first(),
    }
    title = shown.title or f"Album {shown.known_as}".strip()
    return render_page(request, "annotations/datasets/album.html", title, context)


@require_GET
@page_for("annotations.view_dataset")
def first_album(request: HttpRequest, pk: int, split: str) -> HttpResponse:
    """The first album of a split."""
    dataset = get_object_or_404(Dataset, pk=pk)
    found = dataset.albums.filter(split=split, imported_by__state="complete").order_by("pk").first()
    if found is None:
        raise Http404
    return redirect("album", found.pk)


@require_GET
@page_for("annotations.view_dataset")
def photo(request: HttpRequest, pk: int) -> FileResponse:
    """The picture of a photo."""
    file = get_object_or_404(Photo.objects.visible().with_picture(), pk=pk).picture
    if not file.is_file():
        raise Http404
    return FileResponse(file.open("rb"), headers={"Cache-Control": "private, max-age=3600"})
