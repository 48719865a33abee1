from __future__ import annotations

from collections.abc import Sequence

from modeling.metrics.judge_metric import JudgeMetric, JudgeSettings, SignedJudge


class EmbeddingIndistinguishable(JudgeMetric):
    name = "embedding_indistinguishable"
    description = (
        "1 − AUC of a linear classifier on sentence embeddings: 0.5 if it cannot tell systems from people, 0 if it "
        "always can"
    )
    leading = True

    def judge(self, texts: Sequence[str], settings: JudgeSettings) -> SignedJudge:
        from modeling.metrics.judges import EmbeddingJudge  # loads torch

        return EmbeddingJudge(texts, settings.encoder, settings.threads)
