"""Reads of what systems wrote."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.core.cache import cache
from django.db import models
from django.db.models import Count, Q

from texts.folding import fold

KEPT_SECONDS = 30 * 24 * 3600


class DecodingQuerySet(models.QuerySet):
    def complete(self) -> "DecodingQuerySet":
        return self.filter(completed_at__isnull=False)

    def own(self) -> "DecodingQuerySet":
        """As a system wrote them; not the stories that were put together from sentences."""
        return self.filter(sentences_of=None)

    def made_again(self) -> "DecodingQuerySet":
        """Those that no campaign shows and that are made anew when they are next needed: baselines', and stories that
        were put together from sentences."""
        baselines = Q(system__kind="baseline", imported_by=None)
        return self.filter(baselines | Q(sentences_of__isnull=False), entries=None)

    def latest_of(self, system: Any, dataset: Any, split: str) -> Any:
        """The newest complete decoding of a system on a split, or None."""
        found = self.complete().own().filter(system=system, dataset=dataset, split=split)
        return found.order_by("-completed_at", "-pk").first()

    def latest_of_each_kind(self, system: Any, dataset: Any, split: str) -> list[Any]:
        """The newest complete decoding whose texts were drawn, or are not a model's, and behind it the newest one that
        searched for likely texts: the second tells of the search as much as of the model."""
        rows = self.complete().own().filter(system=system, dataset=dataset, split=split).select_related("system")
        found: dict[bool, Any] = {}
        for decoding in rows.order_by("-completed_at", "-pk"):
            found.setdefault(bool(decoding.search), decoding)
        return [found[kind] for kind in sorted(found)]


class OutputQuerySet(models.QuerySet):
    def first_rank(self) -> "OutputQuerySet":
        return self.filter(rank=0)

    def tallied(self, decoding: Any) -> Sequence[Any]:
        """Of the outputs at rank 0 of a decoding: the kinds of their sources, how many there are, how many of them are
        blank, and how many are different. The texts are read once: a complete decoding never changes."""
        key = f"outputs-{decoding.pk}-{decoding.completed_at:%Y%m%dT%H%M%S.%f}" if decoding.completed_at else ""
        if key and (kept := cache.get(key)):
            return kept
        kinds: set[str] = set()
        texts: Counter[str] = Counter()
        rows = self.filter(decoding=decoding).first_rank().values_list("source__kind", "text")
        for kind, text, count in rows.order_by().annotate(n=Count("pk")).iterator(chunk_size=5000):
            kinds.add(kind)
            texts[fold(text)] += count
        found = sorted(kinds), texts.total(), texts.get("", 0), len(texts)
        if key:
            cache.set(key, found, KEPT_SECONDS)
        return found
