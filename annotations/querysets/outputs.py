"""Reads of what systems wrote."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db import models
from django.db.models import Count

from texts.folding import fold

PART = "|sources:"  # in the signature of a score on a part of the sources, before "3of24"
PART_SIGNED = re.compile(rf"{re.escape(PART)}\d+of\d+")
KEPT_SECONDS = 30 * 24 * 3600
BY_TEXT = "|by_text|"  # in a score's signature, before that of its values by item


class Coverage(NamedTuple):
    """For how many of the sources that there are a decoding has a text at rank 0, how many of these are blank, and how
    many different ones there are."""

    written: int
    sources: int
    empty: int
    different: int

    def __str__(self) -> str:
        said = f"{self.written:,} of {self.sources:,} sources of the split have an output"
        return f"{said}, {self.empty:,} of them an empty one" if self.empty else said

    @property
    def whole(self) -> bool:
        return self.written >= self.sources and not self.empty


def of_part_or_whole(scores: models.QuerySet, signature: str) -> list[str]:
    """The signatures among the scores that are the given one, or it but for the part of the sources."""
    asked = PART_SIGNED.sub("", signature)
    return [each for each in scores.values_list("signature", flat=True) if PART_SIGNED.sub("", each) == asked]


class DecodingQuerySet(models.QuerySet):
    def complete(self) -> "DecodingQuerySet":
        return self.filter(completed_at__isnull=False)

    def latest_of(self, system: Any, dataset: Any, split: str) -> Any:
        """The newest complete decoding of a system on a split, or None."""
        found = self.complete().filter(system=system, dataset=dataset, split=split)
        return found.order_by("-completed_at", "-pk").first()

    def latest_of_each_kind(self, system: Any, dataset: Any, split: str) -> list[Any]:
        """The newest complete decoding whose texts were drawn, or are not a model's, and behind it the newest one that
        searched for likely texts: the second tells of the search as much as of the model."""
        rows = self.complete().filter(system=system, dataset=dataset, split=split).select_related("system")
        found: dict[bool, Any] = {}
        for decoding in rows.order_by("-completed_at", "-pk"):
            found.setdefault(bool(decoding.search), decoding)
        return [found[kind] for kind in sorted(found)]

    def coverage(self, decoding: Any) -> Coverage:
        """Beside the split's sources of the kinds that the decoding wrote for."""
        from annotations.models import Output, Source

        kinds, written, empty, different = Output.objects.tallied(decoding)
        sources = Source.objects.of_split(decoding.dataset, decoding.split).filter(kind__in=kinds)
        return Coverage(written, sources.count(), empty, different)

    def coverage_said(self, import_row: Any) -> list[str]:
        """Of each decoding of an import that is not whole, how much it covers."""
        decodings = self.filter(imported_by=import_row).select_related("system", "dataset").order_by("system", "split")
        found = [(decoding, self.coverage(decoding)) for decoding in decodings]
        return [f"{each}: {part}" for each, part in found if not part.whole]


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


def signatures(stored: str) -> tuple[str, str]:
    """A score's own signature, and that of its values by item, which is the same unless it was told apart."""
    own, apart, by_text = stored.partition(BY_TEXT)
    return own, by_text if apart else own
