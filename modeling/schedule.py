"""The learning rate, and the seed of a step's random numbers: both follow from the position in the training alone."""

from __future__ import annotations

import math

import numpy as np

from modeling.config import TrainingConfig

FIRST_RISE = 0.02  # of the warm-up, for a first step that is not for nothing


def learning_rate(fraction: float, step: int, config: TrainingConfig, total_steps: int | None) -> float:
    """Linear rise over the `warmup` share of the training, then a half cosine down to nothing, or no change.

    `fraction` of the training is done. Where steps alone limit it, the `step`s done count, exactly.
    """
    if total_steps and not config.budget:
        fraction = (step + 1) / (total_steps + 1)
    rise = min(1.0, max(fraction, FIRST_RISE * config.warmup) / config.warmup) if config.warmup else 1.0
    if config.decay == "none":
        return config.learning_rate * rise
    past = max(0.0, fraction - config.warmup) / max(1.0 - config.warmup, 1e-9)
    return config.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * min(past, 1.0)))


def step_seed(seed: int, step: int, rank: int = 0) -> int:
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0] >> np.uint64(1))
