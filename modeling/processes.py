"""The processes that train one model together, as `torchrun` starts them; without it there is one.

Gradients are exchanged after going backward, not during it, and each process first tells the others whether it got
there: one that fails, or has too little memory, leaves nobody waiting.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from modeling.devices import pick_device
from modeling.errors import ConfigError, PeerError, TrainingError

Operation = distributed.ReduceOp.RedOpType


@dataclass(frozen=True)
class Processes:
    """This process is number `rank` of `count`."""

    rank: int = 0
    count: int = 1

    @classmethod
    @contextmanager
    def joined(cls, device: str) -> Iterator[Processes]:
        """All processes of the training, for as long as the context lasts."""
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count == 1:
            yield cls()
            return
        try:
            distributed.init_process_group("nccl" if pick_device(device).type == "cuda" else "gloo")
        except ValueError as error:
            raise ConfigError(f"WORLD_SIZE={count}: is only for processes started by torchrun ({error})") from error
        try:
            processes = cls(distributed.get_rank(), count)
            yield processes
            processes.total(0.0)  # wait for all: who leaves while another is still about aborts it, now and then
        finally:
            distributed.destroy_process_group()

    @property
    def first(self) -> bool:
        return self.rank == 0

    def device(self, device: torch.device) -> torch.device:
        """The GPU of this process, where GPUs compute. Raises ConfigError where there are fewer than processes."""
        if self.count == 1 or device.type != "cuda":
            return device
        own = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        if own.index >= torch.cuda.device_count():
            raise ConfigError(f"no GPU for process {own.index} of this machine: start {torch.cuda.device_count()}")
        torch.cuda.set_device(own)
        return own

    @contextmanager
    def together(self) -> Iterator[None]:
        """Leave as soon as every process has come to the end. Nothing may be exchanged within.

        The error of the first process that fails is raised in it, and PeerError in all others.
        """
        try:
            yield
        except Exception as error:
            if self.least(self.rank) < self.rank:
                raise PeerError("another process has failed and reports the error") from error
            raise
        if self.least(self.count) < self.count:
            raise PeerError("another process has failed and reports the error")

    def sum_gradients(self, model: nn.Module) -> None:
        """Each gradient becomes the sum of what the processes have for it."""
        if self.count == 1:
            return
        gradients = [each.grad for each in model.parameters() if each.grad is not None]
        summed = self._reduced(torch.cat([each.flatten() for each in gradients]), distributed.ReduceOp.SUM)
        parts = summed.split([each.numel() for each in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum of the tensors that the processes have. Nothing waits for a GPU."""
        return tensor if self.count == 1 else self._reduced(tensor, distributed.ReduceOp.SUM)

    def agreed(self, value: float) -> float:
        """The value that the first process has."""
        return self.total(value if self.first else 0.0)

    def total(self, value: float) -> float:
        """The sum of the values that the processes have."""
        return self._number(value, distributed.ReduceOp.SUM)

    def least(self, value: float) -> float:
        """The smallest of the values that the processes have."""
        return self._number(value, distributed.ReduceOp.MIN)

    def _number(self, value: float, operation: Operation) -> float:
        if self.count == 1:
            return value
        device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
        return float(self._reduced(torch.tensor([value], dtype=torch.float64, device=device), operation))

    def _reduced(self, tensor: Tensor, operation: Operation) -> Tensor:
        try:
            distributed.all_reduce(tensor, operation)
        except RuntimeError as error:
            raise TrainingError(
                f"process {self.rank}: another process ended without an error message ({error})"
            ) from error
        return tensor
