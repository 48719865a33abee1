"""The learning rate, and the seed of a step's random numbers: both follow from the position in the training alone."""

from __future__ import annotations

import math

import numpy as np

from modeling.config import TrainingConfig


def learning_rate(step: int, total_steps: int, config: TrainingConfig) -> float:
    """Linear rise over the `warmup` share of the steps, then a half cosine down to nothing, or no change.

    Of the step behind `step` others; that of a step behind the last one would be 0 at the end of the cosine.
    """
    fraction = (step + 1) / (total_steps + 1)
    rise = min(1.0, fraction / config.warmup) if config.warmup else 1.0
    if config.decay == "none":
        return config.learning_rate * rise
    past = max(0.0, fraction - config.warmup) / max(1.0 - config.warmup, 1e-9)
    return config.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * min(past, 1.0)))


def step_seed(seed: int, step: int, rank: int = 0) -> int:
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0] >> np.uint64(1))
