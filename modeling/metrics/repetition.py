from __future__ import annotations

from modeling.metrics.texts import MeanOfTexts, Texts


class Repetition(MeanOfTexts):
    """Welleck et al. 2020's seq-rep-n, n = 2."""

    name = "repetition"
    description = "share of an output's bigrams that occur earlier in it"
    less_is_better = True

    def values(self, texts: Texts) -> tuple[list[float], dict[str, object]]:
        return [1 - len(set(grams)) / len(grams) if grams else 0.0 for grams in texts.ngrams(2)], {"n": 2}
