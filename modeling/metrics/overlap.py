"""What BLEU and chrF share: sacrebleu's counts of each text, whose sums make the metric of a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import cast

import numpy as np
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.significance import _bootstrap_resample

from modeling.metrics.metric import Level, Need, Score
from modeling.metrics.texts import Floats, Statistics, TextMetric, Texts
from texts.folding import SIGNATURE


class Overlap(TextMetric):
    level = Level.CORPUS
    needs = frozenset({Need.REFERENCES})
    by_text = True

    def scorer(self, *, of_sentences: bool = False) -> BLEU | CHRF:
        """sacrebleu's metric with our settings."""
        raise NotImplementedError

    def score(self, texts: Texts) -> Score:
        """On all references; the interval is sacrebleu's bootstrap of segments. The value of a segment is sacrebleu's
        sentence score."""
        scorer, streams, interval = self.scorer(), reference_streams(texts.references), None
        rows = scorer._extract_corpus_statistics(texts.outputs, streams)
        if len(texts.outputs) > 1 and texts.resamples > 1:
            scorer.n_bootstrap = texts.resamples
            scorer.seed, drawn = _bootstrap_resample(rows, scorer, texts.resamples)
            interval = _interval([float(each.score) for each in drawn])
        value = float(scorer._aggregate_and_compute(rows).score)
        score: Score = {"value": value, "ci": interval, "signature": signed(scorer)}
        if texts.by_segment:
            of_sentences = self.scorer(of_sentences=True)
            counts = of_sentences._extract_corpus_statistics(texts.outputs, streams)
            score["by_segment"] = [float(of_sentences._compute_score_from_stats(row).score) for row in counts]
            score["segment_signature"] = signed(of_sentences)
            score["statistics"] = self.statistics(scorer, np.array(rows, dtype=np.float64))
        return score

    def statistics(self, scorer: BLEU | CHRF, counts: Floats) -> Statistics:
        def signature(resamples: int, seed: int) -> str:
            scorer.n_bootstrap, scorer.seed = resamples, seed
            return signed(scorer)

        return Statistics(counts, lambda sums: of_sums(scorer, sums), signature)


def of_sums(scorer: BLEU | CHRF, sums: Floats) -> Floats:
    """The metric (M) of sums of counts (M, C)."""
    return np.array([float(scorer._compute_score_from_stats(row).score) for row in sums.tolist()])


def _interval(scores: Sequence[float]) -> tuple[float, float]:
    """sacrebleu's `Score.estimate_ci`: the mean, and around it half the width between the 1/40 tails. Its own stumbles
    over a resample whose outputs are all empty, which has another type of number."""
    ordered = sorted(scores)
    tail, mean = len(ordered) // 40, fmean(ordered)
    half = (ordered[-1 - tail] - ordered[tail]) / 2
    return mean - half, mean + half


def signed(scorer: BLEU | CHRF) -> str:
    """sacrebleu's signature, and that of what was done to the texts before."""
    return f"{scorer.get_signature()}|{SIGNATURE}"


def reference_streams(references: Sequence[Sequence[str]]) -> list[list[str]]:
    """As sacrebleu wants them: the first reference of every source, the second, and so on."""
    most = max(map(len, references))
    # None, not "": an empty reference would count as one of length 0 in the brevity penalty.
    filled = [[texts[n] if n < len(texts) else None for texts in references] for n in range(most)]
    return cast(list[list[str]], filled)
