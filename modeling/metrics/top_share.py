from __future__ import annotations

from collections import Counter

from modeling.metrics.metric import Level, Score
from modeling.metrics.texts import TextMetric, Texts


class TopShare(TextMetric):
    name = "top_share"
    description = "share of outputs that are the most frequent one; near 1 if the model has collapsed"
    level = Level.CORPUS
    less_is_better = True

    def score(self, texts: Texts) -> Score:
        (_, most), *_ = Counter(texts.outputs).most_common(1)
        return {"value": most / len(texts.outputs), "ci": None, "signature": texts.signature(self.name)}
