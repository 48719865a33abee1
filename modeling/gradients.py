"""The gradients of a step, over the batches of all processes, and in pieces where memory is short."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from modeling.architectures import Model
from modeling.batching import make_batch, padded_tokens
from modeling.config import TrainingConfig
from modeling.corpus import EncodedPair
from modeling.devices import precision
from modeling.errors import TrainingError
from modeling.memory import attempt
from modeling.processes import Processes
from modeling.schedule import step_seed

Pairs = Sequence[EncodedPair]


@dataclass
class Gradients:
    """`parts` is how many pieces per batch is computed in: one until memory did not suffice for a batch, then two."""

    model: Model
    config: TrainingConfig
    processes: Processes
    device: torch.device
    parts: int = 1

    def compute(self, own: Sequence[Pairs], tokens: float, step: int) -> Tensor:
        """Leave in the model the gradients of the mean loss of the step's `tokens`, each counted by the weight of its
        pair, and return that loss, in nats. Nothing waits for a GPU, where one process trains.

        A step whose pairs all have a weight of 0 has a loss of 0. `own` are the batches of the step that are this
        process's. Raises TrainingError, naming the `token_budget` that would have fitted, where memory does not suffice
        for them in halves either.
        """
        value = self._exchanged(own, tokens, step)
        if value is None and self.parts == 1:
            self.parts = 2
            value = self._exchanged(own, tokens, step)
        if value is not None:
            return value
        error = self._out_of_memory(max(own, key=self._padded), step)
        with self.processes.together():
            raise error

    def _padded(self, batch: Pairs) -> int:
        return padded_tokens(batch, self.model.packs)

    def _exchanged(self, own: Sequence[Pairs], tokens: float, step: int) -> Tensor | None:
        """Gradients and loss summed over the processes; None where memory does not suffice in one of them."""
        with self.processes.together():
            value = attempt(lambda: self._summed(own, tokens, step))
        if self.processes.total(float(value is None)):
            return None
        self.processes.sum_gradients(self.model)
        return None if value is None else self.processes.sum(value)

    def _summed(self, own: Sequence[Pairs], tokens: float, step: int) -> Tensor:
        """The share that these batches have in gradients and loss."""
        torch.manual_seed(step_seed(self.config.seed, step, self.processes.rank))
        self.model.zero_grad(set_to_none=True)
        total, divisor = torch.zeros((), dtype=torch.float64, device=self.device), tokens or 1.0
        for piece in (piece for batch in own for piece in pieces(batch, self.parts)):
            with precision(self.config.precision, self.device):
                loss = self.model(make_batch(piece, self.device), self.config.label_smoothing) / divisor
            loss.backward()
            total += loss.detach()
        return total

    def _out_of_memory(self, batch: Pairs, step: int) -> TrainingError:
        fits = int(self.processes.least(self._fitting(batch, step)))
        return TrainingError(
            f"step {step}: out of memory even on half of a batch of {self._padded(batch)} tokens, padding included; "
            + (f"token_budget={fits} would fit" if fits else "not even a single pair fits; use a smaller model")
        )

    def _fitting(self, batch: Pairs, step: int) -> int:
        """The padded tokens of the largest piece of the batch that memory suffices for; 0 where it is not one pair."""
        while self.parts < len(batch):
            self.parts *= 2
            if attempt(lambda: self._summed([batch], 1, step)) is not None:
                return max(map(self._padded, pieces(batch, self.parts)))
        return 0


def pieces(batch: Pairs, count: int) -> list[Pairs]:
    """The batch in so many pieces, fewer where it has fewer pairs."""
    size = math.ceil(len(batch) / count)
    return [batch[start : start + size] for start in range(0, len(batch), size)]
