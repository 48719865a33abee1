"""What a model thinks of given pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from modeling.architectures import Model
from modeling.batching import make_batch, plan_batches
from modeling.corpus import EncodedPair

TOKEN_BUDGET = 4096


@torch.no_grad()
def pair_losses(model: Model, pairs: Sequence[EncodedPair], device: torch.device) -> NDArray[np.float64]:
    """Nats of each pair's whole target: minus its log-probability given the source."""
    found = np.zeros(len(pairs))
    for indices in plan_batches(pairs, token_budget=TOKEN_BUDGET, packs=model.packs):
        losses, rows = model.token_losses(make_batch([pairs[index] for index in indices], device))
        found[indices] = np.bincount(rows.cpu().numpy(), losses.double().cpu().numpy(), len(indices))
    return found
