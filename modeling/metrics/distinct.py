from __future__ import annotations

from modeling.metrics.metric import Level, Score
from modeling.metrics.texts import TextMetric, Texts


class Distinct(TextMetric):
    """Different n-grams over all n-grams of all outputs (Li et al. 2016, section 5.2). It falls as outputs grow more,
    so it compares only systems on the same sources; a resample repeats outputs and would bias it."""

    level = Level.CORPUS

    def __init__(self, n: int) -> None:
        self.n, self.name = n, f"distinct_{n}"
        self.description = f"different {n}-grams divided by all {n}-grams, for systems on the same sources"

    def score(self, texts: Texts) -> Score:
        grams = [gram for grams in texts.ngrams(self.n) for gram in grams]
        value = len(set(grams)) / len(grams) if grams else 0.0
        return {"value": value, "ci": None, "signature": texts.signature("distinct", n=self.n)}
