"""The losses of steps, read from the device together, so that a GPU is not waited for after each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from modeling.corpus import EncodedPair, Example
from modeling.errors import TrainingError

READ_EVERY = 20  # steps, on a GPU
SMOOTHING = 0.98  # of the loss that is reported
NAMES = 8  # of a step's examples in a message


@dataclass(frozen=True)
class _Step:
    number: int
    loss: Tensor
    length: Tensor
    pairs: Sequence[EncodedPair]


class StepLosses:
    """Steps of which loss and length of the gradient may still be under way."""

    def __init__(self, examples: Sequence[Example], learning_rate: float, device: torch.device) -> None:
        self._examples, self._learning_rate = examples, learning_rate
        self._every = 1 if device.type == "cpu" else READ_EVERY
        self._unread: list[_Step] = []

    def add(self, number: int, loss: Tensor, length: Tensor, pairs: Sequence[EncodedPair]) -> bool:
        """Whether they are to be read now: after each of the first steps, and whenever enough have come together."""
        self._unread.append(_Step(number, loss, length, pairs))
        return number < READ_EVERY or number % self._every == 0

    def smoothed(self, before: float | None) -> float | None:
        """Wait for the steps, and go on from the smoothed loss `before` them.

        Raises TrainingError for the first one that is no number. It did not move the weights, and nothing is saved
        before it is known.
        """
        unread, self._unread = self._unread, []
        numbers = [torch.stack([each.loss, each.length.double()]) for each in unread]
        for each, (loss, length) in zip(unread, torch.stack(numbers).tolist() if unread else (), strict=True):
            if not (math.isfinite(loss) and math.isfinite(length)):
                raise TrainingError(self._no_number(each, loss, length))
            before = loss if before is None else SMOOTHING * before + (1 - SMOOTHING) * loss
        return before

    def _no_number(self, step: _Step, loss: float, length: float) -> str:
        ids = sorted({self._examples[pair.example].id for pair in step.pairs})
        return (
            f"step {step.number}: the loss is {loss} and the gradient norm {length}, on a batch of {len(step.pairs)} "
            f"pairs with {', '.join(ids[:NAMES])}; a learning_rate below {self._learning_rate:g} may help"
        )
