"""What a step of a training makes smaller, and the batches that it does so on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from modeling.architectures import Model
from modeling.batching import make_batch
from modeling.corpus import EncodedPair

Pairs = Sequence[EncodedPair]


class Objective(ABC):
    """A loss of pairs. One is of `texts` neighbouring pairs, which are texts for one source and stay together."""

    texts: ClassVar[int] = 1
    of_tokens: ClassVar[bool] = False  # whether a loss is that of a token, in the mean

    @abstractmethod
    def amount(self, pairs: Pairs) -> float:
        """What the mean loss of the pairs divides by."""

    @abstractmethod
    def loss(self, model: Model, pairs: Pairs, device: torch.device) -> Tensor:
        """The sum of the pairs' losses, each counted by its weight. Differentiable, of no dimension."""


@dataclass(frozen=True)
class Likelihood(Objective):
    """The negative log-likelihood of the targets, nats a token, or with `by_text` nats a text."""

    label_smoothing: float = 0.0
    by_text: bool = False

    def amount(self, pairs: Pairs) -> float:
        return sum(pair.weight * (1 if self.by_text else len(pair.target)) for pair in pairs)

    def loss(self, model: Model, pairs: Pairs, device: torch.device) -> Tensor:
        loss: Tensor = model(make_batch(pairs, device), self.label_smoothing)
        return loss


@dataclass(frozen=True)
class Part:
    """Batches that a process computes in a step, of one objective. `amount` is that of the batches of all processes,
    `factor` what their mean loss counts in the loss of the step, and `told` whether it does in the one that is told."""

    objective: Objective
    batches: Sequence[Pairs]
    amount: float
    factor: float = 1.0
    told: bool = True

    def share(self, loss: Tensor) -> Tensor:
        """What a sum of losses counts in the loss of the step. Where all weights are 0 all losses are."""
        return loss / (self.amount or 1.0) * self.factor


def log_probabilities(model: Model, pairs: Pairs, device: torch.device) -> Tensor:
    """log p(target | source) of each of B pairs, nats, the end token counted in (B)."""
    losses, rows = model.token_losses(make_batch(pairs, device))
    return torch.zeros(len(pairs), dtype=losses.dtype, device=device).index_add(0, rows, -losses)
