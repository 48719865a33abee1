"""BLEU (Papineni et al. 2002)."""

from __future__ import annotations

from sacrebleu.metrics import BLEU

from modeling.metrics.overlap import Overlap


class Bleu(Overlap):
    name = "bleu"
    description = "words and word n-grams shared with any of the references, 0 to 100"

    def scorer(self, *, of_sentences: bool = False) -> BLEU:
        """A sentence takes only the orders of n-grams that it has (`eff:yes`): most would otherwise be near 0."""
        return BLEU(lowercase=True, effective_order=of_sentences)
