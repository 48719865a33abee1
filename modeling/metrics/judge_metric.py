"""Metrics whose judge is fitted to tell what a system wrote from what people wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from modeling.config import SentenceCnnConfig
from modeling.metrics.cross_fitting import Flags, Values
from modeling.metrics.metric import RESAMPLES, SEED, Level, Metric, Need


@dataclass(frozen=True)
class JudgeSettings:
    """How the judges learn. `encoder`: a local sentence encoder's folder; without one, the packaged MiniLM."""

    cnn: SentenceCnnConfig = field(default_factory=SentenceCnnConfig)
    encoder: Path | None = None
    seed: int = SEED
    resamples: int = RESAMPLES
    threads: int = 1


class SignedJudge(Protocol):
    """A judge (see `modeling.metrics.cross_fitting`) that says what it is and what it was set to."""

    signature: str

    def __call__(self, texts: Sequence[str], human: Flags, held: Sequence[str], seed: int, /) -> Values: ...


class JudgeMetric(Metric):
    level = Level.CORPUS
    needs = frozenset({Need.REFERENCES, Need.TRAINING_STORIES})
    on_request = True

    def judge(self, texts: Sequence[str], settings: JudgeSettings) -> SignedJudge:
        """`texts` are all that will be learned or asked. Loads torch."""
        raise NotImplementedError
