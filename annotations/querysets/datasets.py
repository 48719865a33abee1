"""Reads of what people wrote. Nothing of an import shows before the import is complete."""

from typing import Any

from django.db import models
from django.db.models import F, QuerySet

COMPLETE = "complete"


class DatasetQuerySet(models.QuerySet):
    def newest_name(self) -> str | None:
        """What a form offers first."""
        return self.order_by("-pk").values_list("name", flat=True).first()


class ImportQuerySet(models.QuerySet):
    def complete(self) -> "ImportQuerySet":
        return self.filter(state=COMPLETE)


class PhotoQuerySet(models.QuerySet):
    def visible(self) -> "PhotoQuerySet":
        return self.filter(imported_by__state=COMPLETE)

    def with_picture(self) -> "PhotoQuerySet":
        return self.exclude(image="")


class SourceQuerySet(models.QuerySet):
    def visible(self) -> "SourceQuerySet":
        return self.filter(imported_by__state=COMPLETE)

    def of_split(self, dataset: Any, split: str) -> "SourceQuerySet":
        """Visible sources of one split, in an order that is the same on every database."""
        return self.visible().filter(album__dataset=dataset, album__split=split).order_by("pk")

    def captions(self) -> "SourceQuerySet":
        return self.filter(kind="caption")

    def of_kind(self, kind: str) -> "SourceQuerySet":
        return self.filter(kind=kind)


class StorySentenceQuerySet(models.QuerySet):
    def visible(self) -> "StorySentenceQuerySet":
        return self.filter(story__imported_by__state=COMPLETE)

    def of_split(self, dataset: Any, split: str) -> "StorySentenceQuerySet":
        return self.visible().filter(story__album__dataset=dataset, story__album__split=split).order_by("pk")


PAIRINGS = ("aligned", "positional")


def pairs(dataset: Any, split: str, pairing: str = "aligned") -> QuerySet:
    """Caption-sentence pairs of a split, ordered by caption: dicts `caption_id, caption, sentence_id, sentence,
    album_key`.

    `aligned` pairs a caption with the sentences on the same photo. `positional` pairs it with the sentences at the same
    place of every story of its album, as the reference implementation did, so that most describe different photos.
    """
    from annotations.models import Source

    if pairing not in PAIRINGS:
        raise ValueError(f"pairing: '{pairing}' is not one of {', '.join(PAIRINGS)}")
    captions = Source.objects.of_split(dataset, split).captions()
    if pairing == "aligned":
        joined = captions.filter(
            photo__sentences__isnull=False, photo__sentences__story__imported_by__state=COMPLETE
        ).values(
            caption_id=F("pk"),
            caption=F("text"),
            sentence_id=F("photo__sentences__pk"),
            sentence=F("photo__sentences__text"),
            album_key=F("album__external_id"),
        )
        return joined.order_by("pk", "photo__sentences__pk")
    return (
        captions.filter(album__stories__sentences__position=F("position"), album__stories__imported_by__state=COMPLETE)
        .values(
            caption_id=F("pk"),
            caption=F("text"),
            sentence_id=F("album__stories__sentences__pk"),
            sentence=F("album__stories__sentences__text"),
            album_key=F("album__external_id"),
        )
        .order_by("pk", "album__stories__sentences__pk")
    )


def references(sources: QuerySet) -> QuerySet:
    """Reference sentences of caption and photo sources: dicts `source_pk, sentence_id, sentence`, by source."""
    return (
        sources.filter(photo__sentences__isnull=False, photo__sentences__story__imported_by__state=COMPLETE)
        .values(source_pk=F("pk"), sentence_id=F("photo__sentences__pk"), sentence=F("photo__sentences__text"))
        .order_by("pk", "photo__sentences__pk")
    )
