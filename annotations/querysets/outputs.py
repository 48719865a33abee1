"""Reads of what systems wrote."""

from typing import Any, NamedTuple

from django.db import models

from texts.folding import fold

PART = "|sources:"  # in the signature of a score on a part of the sources, before "3of24"
BY_TEXT = "|by_text|"  # in a score's signature, before that of its values by item


class Coverage(NamedTuple):
    """For how many of the sources that there are a decoding has a text at rank 0, and how many of these are blank."""

    written: int
    sources: int
    empty: int

    def __str__(self) -> str:
        said = f"{self.written:,} of {self.sources:,} sources of the split have an output"
        return f"{said}, {self.empty:,} of them an empty one" if self.empty else said

    @property
    def whole(self) -> bool:
        return self.written >= self.sources and not self.empty


class DecodingQuerySet(models.QuerySet):
    def complete(self) -> "DecodingQuerySet":
        return self.filter(completed_at__isnull=False)

    def latest_of(self, system: Any, dataset: Any, split: str) -> Any:
        """The newest complete decoding of a system on a split, or None."""
        found = self.complete().filter(system=system, dataset=dataset, split=split)
        return found.order_by("-completed_at", "-pk").first()

    def coverage(self, decoding: Any) -> Coverage:
        """Beside the split's sources of the kinds that the decoding wrote for."""
        from annotations.models import Source

        first = decoding.outputs.first_rank()
        kinds = Source.objects.filter(outputs__decoding=decoding).order_by().values_list("kind", flat=True).distinct()
        sources = Source.objects.of_split(decoding.dataset, decoding.split).filter(kind__in=list(kinds))
        empty = sum(not fold(text) for text in first.values_list("text", flat=True).iterator(chunk_size=5000))
        return Coverage(first.count(), sources.count(), empty)

    def coverage_said(self, import_row: Any) -> list[str]:
        """Of each decoding of an import that is not whole, how much it covers."""
        decodings = self.filter(imported_by=import_row).select_related("system", "dataset").order_by("system", "split")
        found = [(decoding, self.coverage(decoding)) for decoding in decodings]
        return [f"{each}: {part}" for each, part in found if not part.whole]


class OutputQuerySet(models.QuerySet):
    def first_rank(self) -> "OutputQuerySet":
        return self.filter(rank=0)


def signatures(stored: str) -> tuple[str, str]:
    """A score's own signature, and that of its values by item, which is the same unless it was told apart."""
    own, apart, by_text = stored.partition(BY_TEXT)
    return own, by_text if apart else own
