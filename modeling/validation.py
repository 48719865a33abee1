"""Looking at the validation pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from modeling.architectures import Model
from modeling.batching import make_batch, plan_batches
from modeling.corpus import EncodedPair, Example


def draw_pairs(pairs: Sequence[EncodedPair], count: int, seed: int) -> list[EncodedPair]:
    """All pairs of examples drawn at random, until there are `count`; in their order."""
    examples = np.array([pair.example for pair in pairs], dtype=np.int64)
    order = np.random.default_rng(seed).permutation(examples.max(initial=-1) + 1)
    drawn = np.argsort(order[examples], kind="stable")[:count]
    return [pairs[index] for index in sorted(drawn)]


def draw_examples(examples: Sequence[Example], count: int, seed: int) -> list[Example]:
    """As many at random as there may be, in their order."""
    places = np.random.default_rng(seed).permutation(len(examples))[:count]
    return [examples[place] for place in sorted(places.tolist())]


@torch.no_grad()
def mean_nll(model: Model, pairs: Sequence[EncodedPair], token_budget: int, device: torch.device) -> float:
    """Negative log-likelihood of the pairs' targets, nats per token."""
    model.eval()
    total, tokens = torch.zeros((), dtype=torch.float64, device=device), 0
    for indices in plan_batches(pairs, token_budget=token_budget, packs=model.packs):
        losses, _ = model.token_losses(make_batch([pairs[index] for index in indices], device))
        total, tokens = total + losses.double().sum(), tokens + len(losses)
    return float(total) / tokens
