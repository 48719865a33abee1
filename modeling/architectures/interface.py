"""What training, decoding and scoring ask of a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

from torch import Tensor, nn
from torch.nn import functional as F

from modeling.batching import Batch
from modeling.config import TrainingConfig
from modeling.errors import ConfigError


@dataclass(frozen=True)
class Memory:
    """What is kept of B encoded sources of at most S tokens: tensors, or tuples of them, whose first axis is the batch.

    mask (B, S): true at real tokens.
    """

    mask: Tensor

    def map(self, change: Callable[[Tensor], Tensor]) -> Self:
        """The memory of other sources: `change` gets each tensor."""
        changed: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            changed[each.name] = tuple(map(change, value)) if isinstance(value, tuple) else change(value)
        return type(self)(**changed)


class State(ABC):
    """What a decoder knows of the K texts begun for each of B sources. `EncoderDecoder.step` moves it on."""

    @abstractmethod
    def reorder(self, parents: Tensor) -> None:
        """Text k of a source goes on from what was its text `parents[source, k]`; parents (B, K), of any K."""

    @abstractmethod
    def keep(self, sources: Tensor) -> None:
        """Forget every source but those at the places `sources`."""


M = TypeVar("M", bound=Memory)
S = TypeVar("S", bound=State)


class EncoderDecoder(nn.Module, ABC, Generic[M, S]):
    """A model of p(target | source), V tokens in its vocabulary, F features behind a projection onto it.

    A family that `packs` computes a source once for all its targets in a batch, and has its batches planned so.
    """

    packs: ClassVar[bool] = False

    def __init__(self, config: TrainingConfig, vocabulary: int) -> None:
        super().__init__()

    def begin_from(self, base: Path) -> None:
        """Take the weights of the pretrained model at `base`. Raises ConfigError for a family that has none."""
        raise ConfigError(f"{type(self).__name__} starts from random weights")

    def compute_in(self, precision: str) -> None:
        """Get ready to compute in `fp32` or `bf16`. Weights stay float32, and products are cast, unless a family says
        otherwise."""

    def merge(self) -> None:
        """Get ready to learn no more: what adapters learned becomes part of the matrices beside them."""

    @abstractmethod
    def encode(self, source: Tensor, lengths: Tensor) -> M:
        """source (B, S) padded with PAD, lengths (B) on the CPU."""

    @abstractmethod
    def hidden(self, inputs: Tensor, memory: M) -> Tensor:
        """Features (B, T, F) of the next token after each of the given inputs (B, T), computed side by side."""

    @abstractmethod
    def start(self, memory: M, texts: int) -> S:
        """The state before the first token of `texts` texts per source."""

    @abstractmethod
    def step(self, tokens: Tensor, state: S, memory: M) -> Tensor:
        """One position of `hidden`: the last tokens (B, K) → features (B, K, F). Changes the state in place."""

    @abstractmethod
    def logits(self, features: Tensor) -> Tensor:
        """features (…, F) → (…, V), not normalised."""

    def attention(self, inputs: Tensor, memory: M) -> Tensor | None:
        """Weights (B, A, T, S) of the A attention heads over the source; None for a family that attends to nothing."""
        return None

    def attention_layers(self, config: TrainingConfig) -> int:
        """How many layers the heads of `attention` are of, in order."""
        return config.layers

    def token_losses(self, batch: Batch, label_smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
        """Losses in nats of the N real target tokens (N), and the row of the batch each belongs to (N).

        Features at padding are dropped before they are projected onto the vocabulary.
        """
        features = self.hidden(batch.inputs, self.encode(batch.source, batch.source_lengths))
        rows, positions = batch.rows, batch.positions
        losses = F.cross_entropy(
            self.logits(features[rows, positions]).float(),
            batch.targets[rows, positions],
            reduction="none",
            label_smoothing=label_smoothing,
        )
        return losses, rows

    def forward(self, batch: Batch, label_smoothing: float = 0.0) -> Tensor:
        """Sum over real target tokens of loss times weight of the pair, nats. Differentiable, of no dimension."""
        losses, rows = self.token_losses(batch, label_smoothing)
        return (losses * batch.weights[rows]).sum()
