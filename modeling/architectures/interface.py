"""What training, decoding and scoring ask of a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modeling.batching import Batch
from modeling.config import TrainingConfig
from modeling.tokenization import PAD


@dataclass(frozen=True)
class Memory:
    """What is kept of B encoded sources of at most S tokens.

    values (B, S, H) and keys (B, S, H) to attend to, mask (B, S) true at real tokens, start: the decoder's first state.
    """

    values: Tensor
    keys: Tensor
    mask: Tensor
    start: Tensor

    def map(self, change: Callable[[Tensor], Tensor]) -> Memory:
        """The memory of other rows: `change` gets each tensor, its first axis over the batch."""
        return Memory(change(self.values), change(self.keys), change(self.mask), change(self.start))


class EncoderDecoder(nn.Module, ABC):
    """A model of p(target | source), V tokens in its vocabulary. A state is a tensor whose first axis is the batch."""

    def __init__(self, config: TrainingConfig, vocabulary: int) -> None:
        super().__init__()

    @abstractmethod
    def encode(self, source: Tensor, lengths: Tensor) -> Memory:
        """source (B, S) padded with PAD, lengths (B) on the CPU."""

    @abstractmethod
    def hidden(self, inputs: Tensor, memory: Memory) -> Tensor:
        """Features (B, T, F) of the next token after each of the given inputs (B, T), computed side by side."""

    @abstractmethod
    def step(self, tokens: Tensor, state: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """One position of `hidden`: tokens (B), state (B, …) → features (B, F) and the next state."""

    @abstractmethod
    def logits(self, features: Tensor) -> Tensor:
        """features (…, F) → (…, V), not normalised."""

    def token_losses(self, batch: Batch, label_smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
        """Losses in nats of the N real target tokens (N), and the row of the batch each belongs to (N).

        Features at padding are dropped before they are projected onto the vocabulary.
        """
        features = self.hidden(batch.inputs, self.encode(batch.source, batch.source_lengths))
        rows, positions = torch.nonzero(batch.targets != PAD, as_tuple=True)
        losses = F.cross_entropy(
            self.logits(features[rows, positions]),
            batch.targets[rows, positions],
            reduction="none",
            label_smoothing=label_smoothing,
        )
        return losses, rows

    def loss(self, batch: Batch, label_smoothing: float = 0.0) -> Tensor:
        """Mean over real target tokens of loss times weight of the pair, nats. Differentiable, of no dimension."""
        losses, rows = self.token_losses(batch, label_smoothing)
        return (losses * batch.weights[rows]).mean()
