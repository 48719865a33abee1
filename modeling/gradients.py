"""The gradients of a step, over the batches of all processes, and in pieces where memory is short."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from modeling.architectures import Model
from modeling.batching import padded_tokens
from modeling.config import TrainingConfig
from modeling.devices import precision
from modeling.errors import TrainingError
from modeling.memory import attempt
from modeling.objectives import Pairs, Part
from modeling.processes import Processes
from modeling.schedule import step_seed


@dataclass
class Gradients:
    """`parts` is how many pieces per batch is computed in: one until memory did not suffice for a batch, then two."""

    model: Model
    config: TrainingConfig
    processes: Processes
    device: torch.device
    parts: int = 1

    def compute(self, own: Sequence[Part], step: int) -> Tensor:
        """Leave in the model the gradients of the step's loss, which is the mean of each part, added up, and return
        what is told of it. Nothing waits for a GPU, where one process trains.

        A step whose pairs all have a weight of 0 has a loss of 0. `own` has the batches of the step that are this
        process's. Raises TrainingError, naming the `token_budget` that would have fitted, where memory does not suffice
        for them in halves either.
        """
        value = self._exchanged(own, step)
        if value is None and self.parts == 1:
            self.parts = 2
            value = self._exchanged(own, step)
        if value is not None:
            return value
        largest = max(
            (replace(part, batches=[batch]) for part in own for batch in part.batches),
            key=lambda part: self._padded(part.batches[0]),
        )
        error = self._out_of_memory(largest, step)
        with self.processes.together():
            raise error

    def _padded(self, batch: Pairs) -> int:
        return padded_tokens(batch, self.model.packs)

    def _exchanged(self, own: Sequence[Part], step: int) -> Tensor | None:
        """Gradients and loss summed over the processes; None where memory does not suffice in one of them."""
        with self.processes.together():
            value = attempt(lambda: self._summed(own, step))
        if self.processes.total(float(value is None)):
            return None
        self.processes.sum_gradients(self.model)
        return None if value is None else self.processes.sum(value)

    def _summed(self, own: Sequence[Part], step: int) -> Tensor:
        """The share that these batches have in gradients and loss."""
        torch.manual_seed(step_seed(self.config.seed, step, self.processes.rank))
        self.model.zero_grad(set_to_none=True)
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for part in own:
            for piece in (piece for batch in part.batches for piece in self._pieces(part, batch)):
                with precision(self.config.precision, self.device):
                    loss = part.share(part.objective.loss(self.model, piece, self.device))
                loss.backward()
                total += loss.detach() * part.told
        return total

    def _pieces(self, part: Part, batch: Pairs) -> list[Pairs]:
        return pieces(batch, self.parts, part.objective.texts)

    def _out_of_memory(self, part: Part, step: int) -> TrainingError:
        """Of a part of one batch."""
        fits, batch = int(self.processes.least(self._fitting(part, step))), part.batches[0]
        return TrainingError(
            f"step {step}: out of memory even on half of a batch of {self._padded(batch)} tokens, padding included; "
            + (f"token_budget={fits} would fit" if fits else "not even a single pair fits; use a smaller model")
        )

    def _fitting(self, part: Part, step: int) -> int:
        """The padded tokens of the largest piece of its batch that memory suffices for; 0 where it is not one loss."""
        (batch,) = part.batches
        while self.parts < len(batch):
            self.parts *= 2
            if attempt(lambda: self._summed([part], step)) is not None:
                return max(map(self._padded, self._pieces(part, batch)))
        return 0


def pieces(batch: Pairs, count: int, texts: int = 1) -> list[Pairs]:
    """The batch in so many pieces, fewer where it has fewer losses, of which each is of so many `texts`."""
    size = math.ceil(len(batch) / texts / count) * texts
    return [batch[start : start + size] for start in range(0, len(batch), size)]
