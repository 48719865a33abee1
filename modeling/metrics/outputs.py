"""Metrics of what a system wrote, beside the references. Torch-free.

Every text passes `modeling.text.normalize` first, lower-cased and detokenised, outputs and references alike: the cased,
spaced and cleaned sentences of different systems are compared by their words. Each score carries its signature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sacrebleu.metrics import BLEU, CHRF

from modeling.errors import ScoringError
from modeling.metrics.intervals import ratio_interval
from modeling.text import normalize

METRICS = ("bleu", "chrf", "distinct_1", "distinct_2", "unique", "repetition", "copy_rate")
VERSION = 1  # of our own metrics; part of their signatures
RESAMPLES, SEED = 1000, 12345

Score = dict[str, Any]


@dataclass(frozen=True)
class Segment:
    """What a system wrote for one source, beside what people wrote. Without an album the source stands alone."""

    id: str
    output: str
    references: tuple[str, ...]
    album: str | None = None


def score_outputs(
    segments: Sequence[Segment],
    *,
    metrics: Iterable[str] = METRICS,
    training_stories: Iterable[str] = (),
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Score]:
    """`{metric: {"value", "ci", "signature"}}`, the interval being None where a resample would not estimate the value.

    Raises ScoringError without segments, for a segment without references, and for an unknown metric.
    """
    wanted = list(metrics)
    if unknown := [metric for metric in wanted if metric not in METRICS]:
        raise ScoringError(f"unknown metric {unknown[0]!r}; valid metrics: {', '.join(METRICS)}")
    if not segments:
        raise ScoringError("there are no outputs to score")
    if bare := [segment.id for segment in segments if not segment.references]:
        raise ScoringError(f"{bare[0]!r} has no reference to be scored against (and {len(bare) - 1} more)")
    texts = _Texts(segments, resamples, seed)
    copied = {normalize(story) for story in training_stories}
    compute: dict[str, Callable[[], Score]] = {
        "bleu": lambda: texts.sacrebleu(BLEU(lowercase=True, effective_order=False)),
        "chrf": lambda: texts.sacrebleu(CHRF(lowercase=True)),
        "distinct_1": lambda: texts.distinct(1),
        "distinct_2": lambda: texts.distinct(2),
        "unique": texts.unique,
        "repetition": texts.repetition,
        "copy_rate": lambda: texts.copy_rate(copied),
    }
    return {metric: compute[metric]() for metric in wanted}


class _Texts:
    def __init__(self, segments: Sequence[Segment], resamples: int, seed: int) -> None:
        self.outputs = [normalize(segment.output) for segment in segments]
        self.words = [output.split() for output in self.outputs]
        self.references = [[normalize(reference) for reference in segment.references] for segment in segments]
        self.groups = [f"{segment.album or ''}\0{'' if segment.album else segment.id}" for segment in segments]
        self.resamples, self.seed = resamples, seed

    def signature(self, name: str, **settings: object) -> str:
        parts = {"case": "lc", "tok": "space", "outputs": len(self.outputs), **settings, "version": f"sb.{VERSION}"}
        return "|".join([name, *(f"{key}:{value}" for key, value in parts.items())])

    def sacrebleu(self, metric: BLEU | CHRF) -> Score:
        """Corpus score (Papineni et al. 2002; Popović 2015), interval by sacrebleu's bootstrap of segments."""
        most = max(map(len, self.references))
        # None, not "": an empty reference would count as one of length 0 in the brevity penalty.
        filled = [[refs[n] if n < len(refs) else None for refs in self.references] for n in range(most)]
        streams = cast(list[list[str]], filled)
        score = metric.corpus_score(self.outputs, streams)
        interval = None
        if len(self.outputs) > 1 and self.resamples:
            drawn = metric.corpus_score(self.outputs, streams, n_bootstrap=self.resamples)
            interval = (float(drawn._mean - drawn._ci), float(drawn._mean + drawn._ci))
        return {"value": float(score.score), "ci": interval, "signature": str(metric.get_signature())}

    def distinct(self, n: int) -> Score:
        """Different n-grams over all n-grams of all outputs (Li et al. 2016, section 5.2). It falls as outputs grow
        more, so it compares only systems on the same sources; a resample repeats outputs and would bias it."""
        grams = [gram for words in self.words for gram in _ngrams(words, n)]
        value = len(set(grams)) / len(grams) if grams else 0.0
        return {"value": value, "ci": None, "signature": self.signature("distinct", n=n)}

    def unique(self) -> Score:
        """How many different outputs there are."""
        return {"value": float(len(set(self.outputs))), "ci": None, "signature": self.signature("unique")}

    def repetition(self) -> Score:
        """Mean share of an output's bigrams that it has written before (Welleck et al. 2020's seq-rep-n, n = 2)."""
        shares = []
        for words in self.words:
            grams = _ngrams(words, 2)
            shares.append(1 - len(set(grams)) / len(grams) if grams else 0.0)
        return self._mean(shares, "repetition", n=2)

    def copy_rate(self, stories: set[str]) -> Score:
        """Share of outputs that are, word for word, a training story sentence."""
        return self._mean([float(output in stories) for output in self.outputs], "copy_rate", stories=len(stories))

    def _mean(self, values: Sequence[float], name: str, **settings: object) -> Score:
        ones = [1.0] * len(values)
        return {
            "value": sum(values) / len(values),
            "ci": ratio_interval(values, ones, self.groups, resamples=self.resamples, seed=self.seed),
            "signature": self.signature(name, **settings),
        }


def _ngrams(words: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]
