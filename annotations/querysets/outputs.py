"""Reads of what systems wrote."""

from typing import Any

from django.db import models

BY_TEXT = "|by_text|"  # in a score's signature, before that of its values by item


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


def signatures(stored: str) -> tuple[str, str]:
    """A score's own signature, and that of its values by item, which is the same unless it was told apart."""
    own, apart, by_text = stored.partition(BY_TEXT)
    return own, by_text if apart else own
