"""Metrics of what a system wrote, beside the references. Torch is loaded by `bertscore_f1` alone, when it is asked for.

Every text passes `modeling.text.normalize` first, folded, lower-cased and detokenised, outputs and references alike:
the cased, spaced and cleaned sentences of different systems are compared by their words. Each score carries its
signature, and that of a part of the sources says so: `sources:3of24`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modeling.errors import ScoringError
from modeling.metrics.content_words import content_words
from modeling.metrics.intervals import ratio_interval
from modeling.metrics.nonwords import KnownWords, list_signature
from modeling.metrics.overlap import corpus_overlap, leave_one_out, segment_overlap
from modeling.text import normalize
from texts.folding import SIGNATURE, fold

LEAVE_ONE_OUT = ("bleu_loo", "chrf_loo")  # the human is scored by the same
OF_TEXTS_ALONE = (
    "distinct_1",
    "distinct_2",
    "unique",
    "top_share",
    "repetition",
    "copy_rate",
    "nonword_rate",
    "caption_recall",
)
METRICS = ("bleu", "chrf", "bertscore_f1", *OF_TEXTS_ALONE, *LEAVE_ONE_OUT)
CHECKPOINT_METRICS = ("nll", "source_gain", "source_gain_within_album", "retrieval_accuracy")  # of `source_gain`
BY_SEGMENT = ("bleu", "chrf", "bertscore_f1", "repetition", "copy_rate", "nonword_rate", "caption_recall")
VERSION = 1  # of our own metrics; part of their signatures
RESAMPLES, SEED = 1000, 12345

Score = dict[str, Any]


@dataclass(frozen=True)
class Segment:
    """What a system wrote for one source, beside what people wrote. Without an album the source stands alone; a source
    that is no text is None."""

    id: str
    output: str
    references: tuple[str, ...]
    album: str | None = None
    source: str | None = None


def score_outputs(
    segments: Sequence[Segment],
    *,
    metrics: Iterable[str] = METRICS,
    training_stories: Iterable[str] = (),
    resamples: int = RESAMPLES,
    seed: int = SEED,
    bertscore_model: Path | None = None,
    device: str = "auto",
    by_segment: bool = False,
    of: int | None = None,
) -> dict[str, Score]:
    """`{metric: {"value", "ci", "signature"}}`, the interval being None where a resample would not estimate the value.

    With `by_segment` the metrics of BY_SEGMENT have that key too: the value of each segment, in order, None where it is
    undefined. The mean of those is the value, but for `bleu` and `chrf`, whose values of a segment are sacrebleu's
    sentence scores and carry a signature of their own, `segment_signature`.

    A metric that is undefined is left out: `caption_recall` where no source has a content word, `nonword_rate` where
    sources and references are not English, those of LEAVE_ONE_OUT where no source has two references.
    `bertscore_model` is a folder, `device` where that model runs. `of` is how many sources there are to write for;
    where the segments are fewer, every signature says of how many it is.
    Raises ScoringError without segments, for a segment without references, and for an unknown metric.
    """
    wanted = list(metrics)
    if unknown := [metric for metric in wanted if metric not in METRICS]:
        raise ScoringError(f"unknown metric {unknown[0]!r}; valid metrics: {', '.join(METRICS)}")
    if not segments:
        raise ScoringError("there are no outputs to score")
    if bare := [segment.id for segment in segments if not segment.references]:
        raise ScoringError(f"{bare[0]!r} has no reference to be scored against (and {len(bare) - 1} more)")
    texts = _Texts(segments, resamples, seed, of)
    stories = tuple(training_stories)
    copied = {normalize(story) for story in stories} - {""}
    compute: dict[str, Callable[[], Score | None]] = {
        "bleu": lambda: texts.overlap("bleu", by_segment),
        "chrf": lambda: texts.overlap("chrf", by_segment),
        "bertscore_f1": lambda: texts.bertscore(bertscore_model, device),
        "distinct_1": lambda: texts.distinct(1),
        "distinct_2": lambda: texts.distinct(2),
        "unique": texts.unique,
        "top_share": texts.top_share,
        "repetition": texts.repetition,
        "copy_rate": lambda: texts.copy_rate(copied),
        "nonword_rate": lambda: texts.nonword_rate(stories),
        "caption_recall": texts.caption_recall,
        "bleu_loo": lambda: texts.leave_one_out("bleu", texts.outputs),
        "chrf_loo": lambda: texts.leave_one_out("chrf", texts.outputs),
    }
    scores = {metric: score for metric in wanted if (score := compute[metric]()) is not None}
    if not by_segment:
        for score in scores.values():
            score.pop("by_segment", None)
    return scores


def score_human(
    segments: Sequence[Segment],
    *,
    metrics: Iterable[str] = METRICS,
    training_stories: Iterable[str] = (),
    resamples: int = RESAMPLES,
    seed: int = SEED,
    of: int | None = None,
) -> dict[str, Score]:
    """What the references themselves score on the same sources, whatever the segments' outputs are.

    By the metrics of texts alone one reference a source is scored, drawn by seed and id; by those of LEAVE_ONE_OUT
    each in turn. By the others a person would be compared with their own text, so that they are left out.
    """
    wanted = list(metrics)
    drawn = [
        replace(segment, output=random.Random(f"{seed}:{segment.id}").choice(segment.references))
        for segment in segments
        if segment.references
    ]
    alone = [metric for metric in wanted if metric in OF_TEXTS_ALONE]
    options: dict[str, Any] = {"resamples": resamples, "seed": seed, "of": of}
    scores = score_outputs(drawn, metrics=alone, training_stories=training_stories, **options) if drawn else {}
    texts = _Texts(drawn, resamples, seed, of)
    in_turn = {
        metric: texts.leave_one_out(metric.removesuffix("_loo"), None) for metric in LEAVE_ONE_OUT if metric in wanted
    }
    return scores | {metric: score for metric, score in in_turn.items() if score is not None}


def with_nll(metrics: Sequence[str]) -> list[str]:
    """The metrics, with `nll` before the first source gain: how much of a loss is the source's says little without the
    loss, which an overfitted model raises together with the gain."""
    first = next((place for place, metric in enumerate(metrics) if metric.startswith("source_gain")), None)
    if first is None or "nll" in metrics:
        return list(metrics)
    return [*metrics[:first], "nll", *metrics[first:]]


def with_words(texts: Iterable[str]) -> tuple[str, ...]:
    """The texts of which folding leaves something."""
    return tuple(text for text in texts if fold(text))


class _Texts:
    def __init__(self, segments: Sequence[Segment], resamples: int, seed: int, of: int | None) -> None:
        self.segments = segments
        self.outputs = [normalize(segment.output) for segment in segments]
        self.words = [output.split() for output in self.outputs]
        self.references = [[normalize(reference) for reference in segment.references] for segment in segments]
        self.sources = [segment.source for segment in segments]
        self.groups = [f"{segment.album or ''}\0{'' if segment.album else segment.id}" for segment in segments]
        self.resamples, self.seed = resamples, seed
        self.of = len(segments) if of is None else of

    def signature(self, name: str, **settings: object) -> str:
        parts = {"case": "lc", "tok": "space", "outputs": len(self.outputs), **settings, "version": f"sb.{VERSION}"}
        return "|".join([name, *(f"{key}:{value}" for key, value in parts.items()), SIGNATURE, *self.coverage()])

    def coverage(self, sources: int | None = None) -> list[str]:
        """What a signature says of sources that have no part in a score; nothing where all of them have."""
        sources = len(self.outputs) if sources is None else sources
        return [f"sources:{sources}of{self.of}"] if len(self.outputs) < self.of else []

    def overlap(self, name: str, by_segment: bool) -> Score:
        score = corpus_overlap(name, self.outputs, self.references, resamples=self.resamples)
        score["signature"] = "|".join([score["signature"], *self.coverage()])
        if by_segment:
            score["by_segment"], score["segment_signature"] = segment_overlap(name, self.outputs, self.references)
        return score

    def bertscore(self, model: Path | None, device: str) -> Score:
        """Mean over outputs of the F1 with the nearest reference (see `modeling.metrics.bertscore`)."""
        from modeling.metrics.bertscore import bertscore_f1

        found, settings = bertscore_f1(self.outputs, self.references, model=model, device=device)
        return self._mean(found.tolist(), self.groups, "bertscore_f1", **settings)

    def leave_one_out(self, name: str, outputs: Sequence[str] | None) -> Score | None:
        """Of the outputs, or of the human where they are None (see `modeling.metrics.overlap`)."""
        options: dict[str, Any] = {"resamples": self.resamples, "seed": self.seed, "of": self.of}
        return leave_one_out(name, outputs, self.references, self.groups, **options)

    def distinct(self, n: int) -> Score:
        """Different n-grams over all n-grams of all outputs (Li et al. 2016, section 5.2). It falls as outputs grow
        more, so it compares only systems on the same sources; a resample repeats outputs and would bias it."""
        grams = [gram for words in self.words for gram in _ngrams(words, n)]
        value = len(set(grams)) / len(grams) if grams else 0.0
        return {"value": value, "ci": None, "signature": self.signature("distinct", n=n)}

    def unique(self) -> Score:
        """How many different outputs there are."""
        return {"value": float(len(set(self.outputs))), "ci": None, "signature": self.signature("unique")}

    def top_share(self) -> Score:
        """Share of outputs that are the most frequent one: 1 where a model writes one text for everything."""
        (_, most), *_ = Counter(self.outputs).most_common(1)
        return {"value": most / len(self.outputs), "ci": None, "signature": self.signature("top_share")}

    def repetition(self) -> Score:
        """Mean share of an output's bigrams that it has written before (Welleck et al. 2020's seq-rep-n, n = 2)."""
        shares = []
        for words in self.words:
            grams = _ngrams(words, 2)
            shares.append(1 - len(set(grams)) / len(grams) if grams else 0.0)
        return self._mean(shares, self.groups, "repetition", n=2)

    def copy_rate(self, stories: set[str]) -> Score:
        """Share of outputs that are, word for word, a training story sentence."""
        copies = [float(output in stories) for output in self.outputs]
        return self._mean(copies, self.groups, "copy_rate", stories=len(stories))

    def nonword_rate(self, stories: Sequence[str]) -> Score | None:
        """Share of outputs with a word that nobody writes (see `modeling.metrics.nonwords`)."""
        given = [
            (text, album)
            for segment, album in zip(self.segments, self.groups, strict=True)
            for text in (segment.source or "", *segment.references)
        ]
        known = KnownWords(stories, given)
        if not known.english:
            return None
        outputs = [segment.output for segment in self.segments]
        found = [float(bool(known.nonwords(text, album))) for text, album in zip(outputs, self.groups, strict=True)]
        settings: dict[str, object] = {
            "case": "mixed",
            "tok": "words",
            "list": list_signature(),
            "stories": len(set(stories)),
        }
        return self._mean(found, self.groups, "nonword_rate", **settings)

    def caption_recall(self) -> Score | None:
        """Mean share of a source's different content words that its output takes up: CommonGen's coverage (Lin et al.
        2020, section 4.1) of a source's words, singular for plural, in place of given concepts."""
        wanted = {n: words for n, source in enumerate(self.sources) if (words := content_words(source or ""))}
        if not wanted:
            return None
        shares = {n: len(words & content_words(self.outputs[n])) / len(words) for n, words in wanted.items()}
        groups = [self.groups[n] for n in wanted]
        score = self._mean(list(shares.values()), groups, "caption_recall", captions=len(wanted))
        return score | {"by_segment": [shares.get(n) for n in range(len(self.outputs))]}

    def _mean(self, values: Sequence[float], groups: Sequence[str], name: str, **settings: object) -> Score:
        ones = [1.0] * len(values)
        return {
            "value": sum(values) / len(values),
            "ci": ratio_interval(values, ones, groups, resamples=self.resamples, seed=self.seed),
            "signature": self.signature(name, **settings),
            "by_segment": list(values),
        }


def _ngrams(words: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]
