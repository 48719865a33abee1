"""The page of a source: what it shows, what people and systems wrote for it, and what raters said of that."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from annotations.campaigns.rated_texts import rated_items
from annotations.corpora.models import SequencePhoto, Source, StorySentence
from annotations.systems.browsing import neighbours, written_for
from annotations.web.pages import page_for, render_page


@require_GET
@page_for("annotations.view_dataset")
def source(request: HttpRequest, pk: int) -> HttpResponse:
    visible = Source.objects.visible().filter(album__dataset__removed_at=None)
    shown = get_object_or_404(visible.select_related("album__dataset", "photo"), pk=pk)
    before, after = neighbours(shown)
    context = {
        "source": shown,
        "album": shown.album,
        "dataset": shown.album.dataset,
        "photos": photos_of(shown),
        "stories": told_for(shown),
        "written": written_for(shown),
        "rated": rated_items(shown) if request.user.has_perm("annotations.view_report") else [],
        "before": before,
        "behind": after,
    }
    return render_page(request, "annotations/datasets/source.html", f"{shown.get_kind_display()} {shown.key}", context)


def photos_of(source: Source) -> list[Any]:
    if source.photo:
        return [source.photo]
    places = SequencePhoto.objects.filter(source=source).select_related("photo").order_by("position")
    return [place.photo for place in places]


def told_for(source: Source) -> list[list[str]]:
    """The sentences on its photo, or the stories for its photos, each as its sentences."""
    rows = StorySentence.objects.visible().order_by("story", "position")
    if source.photo_id:
        return [[text] for text in rows.filter(photo=source.photo_id).values_list("text", flat=True)]
    stories: dict[int, list[str]] = {}
    for story, text in rows.filter(story__sequence=source).values_list("story", "text"):
        stories.setdefault(story, []).append(text)
    return list(stories.values())
