"""A part is not the whole: how many of the sources each scored decoding wrote for, and which all of them did.

A decoding's own scores are of all that it wrote; their signature says `sources:3of24` where that is a part. Beside
other systems' they say nothing, for other sources are harder or easier: what stands side by side is scored again on the
sources that all of the systems wrote for.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from annotations.models import Decoding
from modeling.metrics.texts import Segment

Scores = dict[str, Any]


class Scored(NamedTuple):
    """A decoding's scores, with `by_segment` where the metric has it, and what they are of: segments, of the `of`
    sources with references that there are to write for (0: they are all)."""

    decoding: Decoding
    segments: list[Segment]
    scores: Scores
    of: int = 0

    @property
    def name(self) -> str:
        return self.decoding.row_name

    @property
    def sources(self) -> frozenset[str]:
        return frozenset(segment.id for segment in self.segments)


def alike(scored: Sequence[Scored]) -> bool:
    """Whether all have the same sources, so that their own scores can stand side by side."""
    return len({each.sources for each in scored if each.segments}) <= 1


def shared_sources(scored: Sequence[Scored]) -> frozenset[str]:
    """The sources of all that have any."""
    sets = [each.sources for each in scored if each.segments]
    return frozenset.intersection(*sets) if sets else frozenset()


def on_shared(
    scored: Sequence[Scored], score: Callable[[Decoding, list[Segment], int], Scores]
) -> tuple[list[Scored], int]:
    """The same decodings on the sources that all of them wrote for, scored anew, and how many those are. A decoding
    without any segment is left out."""
    shared, found = shared_sources(scored), []
    for each in scored if shared else ():
        if each.sources == shared:
            found.append(each)
        elif each.segments:
            segments = [segment for segment in each.segments if segment.id in shared]
            found.append(each._replace(segments=segments, scores=score(each.decoding, segments, each.of)))
    return found, len(shared)


def coverage_of(scored: Sequence[Scored]) -> dict[str, dict[str, int]]:
    """`{system: {"sources", "of"}}`, of the systems that did not write for all sources."""
    return {
        each.name: {"sources": len(each.segments), "of": each.of} for each in scored if len(each.segments) < each.of
    }


def in_words(scored: Sequence[Scored], shared: int) -> list[str]:
    """What a person is told of systems that wrote for a part of the sources."""
    if alike(scored) and not coverage_of(scored):
        return []
    parts = coverage_of(scored).items()
    said = [f"system '{name}' wrote for {part['sources']:,} of {part['of']:,} sources" for name, part in parts]
    if not alike(scored):
        said.append(
            f"for a side-by-side comparison, systems are scored on the {shared:,} sources that all of them wrote for"
            if shared
            else "no source has a text from every system, so their scores cannot be compared"
        )
    return said
