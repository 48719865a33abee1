"""Reads of what people wrote. Nothing of an import shows before the import is complete."""

from collections import Counter
from typing import Any

from django.db import models
from django.db.models import Count, QuerySet

COMPLETE = "complete"


class KeptManager(models.Manager):
    """Rows that are not being removed: a removal takes a while, and nothing of it is seen meanwhile."""

    def get_queryset(self) -> QuerySet:
        return super().get_queryset().filter(removed_at=None)


class DatasetQuerySet(models.QuerySet):
    def newest_name(self) -> str | None:
        """What a form offers first."""
        return self.order_by("-pk").values_list("name", flat=True).first()


class ImportQuerySet(models.QuerySet):
    def complete(self) -> "ImportQuerySet":
        return self.filter(state=COMPLETE)

    def of_file(self, dataset: str, fingerprint: str) -> "ImportQuerySet":
        """That of the same bytes, read in the same way, if nothing of it was replaced or removed since."""
        return self.complete().filter(dataset__name=dataset, fingerprint=fingerprint, superseded=False)


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

    def counted_by_campaign(self) -> dict[str, int]:
        """How many of them are references in a campaign's metrics, being on the photo of one of its items, or of a
        story for its sequence; by name."""
        found: Counter[str] = Counter()
        for item in ("photo__sources__items", "story__sequence__items"):
            shown = self.filter(**{f"{item}__isnull": False}).order_by().values_list(f"{item}__campaign__name")
            found.update(dict(shown.annotate(n=Count("pk", distinct=True))))
        return dict(sorted(found.items()))
