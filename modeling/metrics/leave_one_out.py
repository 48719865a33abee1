"""BLEU and chrF with each reference left out in turn, to compare systems with people.

A human text can only be scored against what other people wrote, so against one reference fewer than a system. For a
fair comparison each source lacks, in round k of K, its reference k mod R, where R is how many it has and K the most of
any source: the human is scored with that reference as the output, a system with its own output, both against the same
R - 1 others. The figure is the mean over rounds of the corpus score (the jackknife of Lin 2004, section 2.1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modeling.metrics.intervals import percentiles, resampled_sums
from modeling.metrics.metric import Level, Need, Score
from modeling.metrics.overlap import Overlap, of_sums, reference_streams, signed
from modeling.metrics.texts import TextMetric, Texts


class LeaveOneOut(TextMetric):
    level = Level.CORPUS
    needs = frozenset({Need.REFERENCES})
    of_campaigns = False  # there a reference is withheld already

    def __init__(self, whole: Overlap) -> None:
        self.whole, self.name = whole, f"{whole.name}_loo"
        self.description = f"{whole.name} with each reference left out in turn, to compare systems with people"

    def score(self, texts: Texts) -> Score | None:
        return self._score(texts, texts.outputs)

    def score_people(self, texts: Texts) -> Score | None:
        return self._score(texts, None)

    def _score(self, texts: Texts, outputs: Sequence[str] | None) -> Score | None:
        """Of a system's outputs or, with None in their place, of the human.

        Sources with one reference have no part in it, and where all are such it is None. The interval is a bootstrap
        over albums, the same draw in every round.
        """
        several = [index for index, each in enumerate(texts.references) if len(each) > 1]
        if not several:
            return None
        scorer, rounds = self.whole.scorer(), max(map(len, texts.references))
        albums = [texts.albums[index] for index in several]
        values, resampled = [], list[list[float]]()
        for number in range(rounds):
            written, kept = [], []
            for index in several:
                others = list(texts.references[index])
                left_out = others.pop(number % len(others))
                written.append(left_out if outputs is None else outputs[index])
                kept.append(others)
            counts = np.array(scorer._extract_corpus_statistics(written, reference_streams(kept)), dtype=float)
            values.append(of_sums(scorer, counts.sum(axis=0, keepdims=True))[0])
            sums = resampled_sums(counts, albums, resamples=texts.resamples, seed=texts.seed)
            resampled.append([] if sums is None else of_sums(scorer, sums).tolist())
        means = np.mean(resampled, axis=0)
        return {
            "value": float(np.mean(values)),
            "ci": percentiles(means) if len(means) else None,
            "signature": f"{signed(scorer)}|left_out:1|rounds:{rounds}",
            "sources": (len(several), texts.of),
        }
