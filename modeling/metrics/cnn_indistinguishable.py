from __future__ import annotations

from collections.abc import Sequence

from modeling.metrics.judge_metric import JudgeMetric, JudgeSettings, SignedJudge


class CnnIndistinguishable(JudgeMetric):
    name = "cnn_indistinguishable"
    description = (
        "1 − AUC of a convolutional classifier that tells systems from people: 0.5 if it cannot, 0 if it always can"
    )

    def judge(self, texts: Sequence[str], settings: JudgeSettings) -> SignedJudge:
        from modeling.metrics.judges import CnnJudge  # loads torch

        return CnnJudge(texts, settings.cnn, settings.threads)
