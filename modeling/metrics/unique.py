from __future__ import annotations

from modeling.metrics.metric import Level, Score
from modeling.metrics.texts import TextMetric, Texts


class Unique(TextMetric):
    name = "unique"
    description = "number of different outputs, for systems on the same sources"
    level = Level.CORPUS

    def score(self, texts: Texts) -> Score:
        return {"value": float(len(set(texts.outputs))), "ci": None, "signature": texts.signature(self.name)}
