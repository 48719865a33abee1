"""chrF (Popović 2015)."""

from __future__ import annotations

from sacrebleu.metrics import CHRF

from modeling.metrics.overlap import Overlap


class Chrf(Overlap):
    name = "chrf"
    description = "character n-grams shared with any of the references, 0 to 100"
    plotted_by_length = True
    leading = True

    def scorer(self, *, of_sentences: bool = False) -> CHRF:
        return CHRF(lowercase=True)
