"""Texts beside their references, as the metrics of texts read them.

Every text passes `modeling.text.normalize`, folded, lower-cased and detokenised, outputs and references alike: the
cased, spaced and cleaned sentences of different systems are compared by their words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from modeling.metrics.intervals import resampled_ratios
from modeling.metrics.metric import VERSION, Level, Metric, Need, Score
from modeling.text import normalize
from texts.folding import SIGNATURE, fold

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Segment:
    """What a system wrote for one source, beside what people wrote. Without an album the source stands alone; a source
    that is no text is None."""

    id: str
    output: str
    references: tuple[str, ...]
    album: str | None = None
    source: str | None = None


def album_of(segment: Segment) -> str:
    """Without an album a segment stands alone."""
    return f"{segment.album or ''}\0{'' if segment.album else segment.id}"


@dataclass(frozen=True)
class Texts:
    """Segments (N) and what else metrics ask for. `of` is how many sources there are to write for; `by_segment`: the
    value of each text is wanted too; `bertscore_model` is a folder, and `reward` that of a reward model, with its
    name where it has one; `device` is where they run."""

    segments: Sequence[Segment]
    training_stories: tuple[str, ...]
    resamples: int
    seed: int
    of: int
    by_segment: bool = False
    bertscore_model: Path | None = None
    device: str = "auto"
    reward: Path | None = None
    reward_name: str = ""

    @cached_property
    def outputs(self) -> list[str]:
        return [normalize(segment.output) for segment in self.segments]

    @cached_property
    def words(self) -> list[list[str]]:
        return [output.split() for output in self.outputs]

    @cached_property
    def references(self) -> list[list[str]]:
        return [[normalize(reference) for reference in segment.references] for segment in self.segments]

    @cached_property
    def albums(self) -> list[str]:
        return [album_of(segment) for segment in self.segments]

    def ngrams(self, n: int) -> list[list[tuple[str, ...]]]:
        return [[tuple(words[start : start + n]) for start in range(len(words) - n + 1)] for words in self.words]

    def signature(self, name: str, **settings: object) -> str:
        parts = {"case": "lc", "tok": "space", "outputs": len(self.outputs), **settings, "version": f"sb.{VERSION}"}
        return "|".join([name, *(f"{key}:{value}" for key, value in parts.items()), SIGNATURE])


@dataclass(frozen=True)
class Statistics:
    """What a metric is computed from, to compute it anew from resampled texts: counts of each text (N, C); from sums of
    them (M, C) the metric (M); the signature of that many resamples with a seed."""

    counts: Floats
    metric: Callable[[Floats], Floats]
    signature: Callable[[int, int], str]


class TextMetric(Metric):
    def score(self, texts: Texts) -> Score | None:
        """None where it is undefined."""
        raise NotImplementedError

    def score_people(self, texts: Texts) -> Score | None:
        """What people score: their texts, one reference of each source, stand in the place of a system's outputs. Not
        where they would be compared with themselves."""
        return None if Need.REFERENCES in self.needs else self.score(texts)


class MeanOfTexts(TextMetric):
    """The mean over the texts that have a value, with an interval bootstrapped over albums."""

    level = Level.TEXTS
    by_text = True

    def values(self, texts: Texts) -> tuple[Sequence[float | None], dict[str, object]]:
        """Of each text its value (N), None where it is undefined; and the settings for the signature."""
        raise NotImplementedError

    def score(self, texts: Texts) -> Score | None:
        values, settings = self.values(texts)
        defined = {n: value for n, value in enumerate(values) if value is not None}
        if not defined:
            return None
        albums = [texts.albums[n] for n in defined]
        found, signature = list(defined.values()), texts.signature(self.name, **settings)
        counts = np.array([[np.nan if value is None else value, 1.0] for value in values])
        ones = [1.0] * len(found)
        resampled = resampled_ratios(found, ones, albums, resamples=texts.resamples, seed=texts.seed)
        return {
            "value": sum(found) / len(found),
            "ci": resampled.interval if resampled else None,
            "signature": signature,
            "resampled": resampled,
            "by_segment": list(values),
            "statistics": Statistics(
                counts, lambda sums: sums[:, 0] / sums[:, 1], lambda times, seed: f"{signature}|bs:{times}|seed:{seed}"
            ),
        }


def with_words(texts: Iterable[str]) -> tuple[str, ...]:
    """The texts of which folding leaves something."""
    return tuple(text for text in texts if fold(text))
