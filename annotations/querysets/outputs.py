"""Reads of what systems wrote."""

from typing import Any

from django.db import models


class DecodingQuerySet(models.QuerySet):
    def complete(self) -> "DecodingQuerySet":
        return self.filter(completed_at__isnull=False)

    def latest_of(self, system: Any, dataset: Any, split: str) -> Any:
        """The newest complete decoding of a system on a split, or None."""
        found = self.complete().filter(system=system, dataset=dataset, split=split)
        return found.order_by("-completed_at", "-pk").first()


class OutputQuerySet(models.QuerySet):
    def first_rank(self) -> "OutputQuerySet":
        return self.filter(rank=0)
