"""The processes that train one model together, as `torchrun` starts them; without it there is one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed
from torch.nn.parallel import DistributedDataParallel

from modeling.architectures import Model
from modeling.devices import pick_device

Loss = Callable[..., Tensor]


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
        distributed.init_process_group("nccl" if pick_device(device).type == "cuda" else "gloo")
        try:
            yield cls(distributed.get_rank(), count)
        finally:
            distributed.destroy_process_group()

    @property
    def first(self) -> bool:
        return self.rank == 0

    def device(self, device: torch.device) -> torch.device:
        """The GPU of this process, where GPUs compute."""
        if self.count == 1 or device.type != "cuda":
            return device
        own = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(own)
        return own

    def wrapped(self, model: Model) -> Any:
        """The model to be called for its loss; going backward averages gradients over the processes."""
        return DistributedDataParallel(model) if self.count > 1 else model

    def synchronised(self, model: Any, now: bool) -> AbstractContextManager[Any]:
        """Whether going backward exchanges gradients, or leaves that to a later piece of the same step."""
        return nullcontext() if now or self.count == 1 else model.no_sync()

    def agreed(self, value: float) -> float:
        """The value that the first process has."""
        if self.count == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=self._exchange())
        distributed.broadcast(shared, src=0)
        return float(shared)

    def total(self, value: float) -> float:
        """The sum of the values that the processes have."""
        if self.count == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=self._exchange())
        distributed.all_reduce(shared)
        return float(shared)

    def wait(self) -> None:
        """Until every process is here."""
        if self.count > 1:
            distributed.barrier()

    def _exchange(self) -> str:
        return "cuda" if distributed.get_backend() == "nccl" else "cpu"
