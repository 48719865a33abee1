"""How much of a split a decoding covers, and how varied its texts are."""

from collections.abc import Iterable
from typing import NamedTuple

from annotations.corpora.models import Import, Source
from annotations.systems.models import Decoding, Output

# A system has collapsed where, of at least so many sources, it wrote fewer different texts than this share of them.
COLLAPSED_BELOW, COLLAPSED_SOURCES = 0.1, 20


class Variety(NamedTuple):
    """For how many sources a decoding has a text at rank 0, and how many different ones there are, blank ones being
    one."""

    written: int
    different: int

    @property
    def share(self) -> float | None:
        return self.different / self.written if self.written else None

    @property
    def collapsed(self) -> bool:
        return self.written >= COLLAPSED_SOURCES and self.different < COLLAPSED_BELOW * self.written


def varieties(decodings: Iterable[Decoding]) -> dict[int, Variety]:
    """By decoding's primary key."""
    tallies = Output.objects.tallies(decodings)
    return {pk: Variety(written, different) for pk, (_, written, _, different) in tallies.items()}


class Coverage(NamedTuple):
    """For how many of the sources that there are a decoding has a text at rank 0, how many of these are blank, and how
    many different ones there are."""

    written: int
    sources: int
    empty: int
    different: int

    def __str__(self) -> str:
        said = f"{self.written:,} of {self.sources:,} sources of the split have an output"
        return f"{said}, {self.empty:,} of which are empty" if self.empty else said

    @property
    def whole(self) -> bool:
        return self.written >= self.sources and not self.empty


def coverage_of(decoding: Decoding) -> Coverage:
    """Beside the split's sources of the kinds that the decoding wrote for."""
    kinds, written, empty, different = Output.objects.tallied(decoding)
    sources = Source.objects.of_split(decoding.dataset, decoding.split).filter(kind__in=kinds)
    return Coverage(written, sources.count(), empty, different)


def coverage_said(import_row: Import) -> list[str]:
    """Of each decoding of an import that is not whole, how much it covers."""
    decodings = Decoding.objects.filter(imported_by=import_row).select_related("system", "dataset")
    found = [(decoding, coverage_of(decoding)) for decoding in decodings.order_by("system", "split")]
    return [f"{each}: {part}" for each, part in found if not part.whole]
