"""Low-rank adapters (Hu et al. 2022): a matrix W stays as it is, and B · A of a small rank is learned beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modeling.config import TrainingConfig


class LoraLinear(nn.Module):
    """x → W x + scale · B A x (equation 3, with alpha / r as `scale`). B begins as zeros, so that nothing is added."""

    def __init__(self, linear: nn.Linear, *, rank: int, scale: float, dropout: float) -> None:
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.scale, self.dropout = scale, dropout
        self.down = nn.Parameter(torch.empty(rank, linear.in_features))
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    @property
    def weight(self) -> Tensor:
        """Of the layer itself, whose kind some of the library's models ask for."""
        return self.linear.weight

    def forward(self, features: Tensor) -> Tensor:
        small = F.linear(F.dropout(features, self.dropout, self.training), self.down)
        return self.linear(features) + F.linear(small, self.up) * self.scale

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """The same as one matrix."""
        self.linear.weight += (self.scale * (self.up @ self.down)).to(self.linear.weight.dtype)
        return self.linear


class Adaptable(nn.Module):
    """A model that may learn by adapters alone. `frozen` are the weights that do not learn then, and that it does not
    keep: they are those of the model that it began from."""

    frozen: frozenset[str] = frozenset()

    def adapt(self, config: TrainingConfig, *, without: nn.Module | None = None) -> None:
        """Freeze all weights and give every linear layer an adapter, but for the one `without`, if `config` says so."""
        if not config.lora_rank:
            return
        self.requires_grad_(False)
        for parent in list(self.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.Linear) and child is not without:
                    settings: dict[str, Any] = {"scale": config.lora_scale, "dropout": config.dropout}
                    setattr(parent, name, LoraLinear(child, rank=config.lora_rank, **settings))
        named = self.named_parameters(remove_duplicate=False)
        self.frozen = frozenset(name for name, each in named if not each.requires_grad)

    def take(self, tensors: Mapping[str, Tensor]) -> None:
        """The weights of the pretrained model. Raises RuntimeError where names or shapes are another model's."""
        kept = {name: tensor for name, tensor in super().state_dict().items() if name not in self.frozen}
        named = {adapted if (adapted := adapted_name(name)) in self.frozen else name: tensors[name] for name in tensors}
        super().load_state_dict({**kept, **named} if self.frozen else named)

    def state_dict(self, *args: Any, **options: Any) -> dict[str, Any]:  # type: ignore[override]
        """What a checkpoint keeps."""
        found = super().state_dict(*args, **options)
        return {name: tensor for name, tensor in found.items() if name not in self.frozen}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """See `state_dict`. Raises RuntimeError where names or shapes are another model's."""
        kept = {name: tensor for name, tensor in super().state_dict().items() if name in self.frozen}
        return super().load_state_dict({**kept, **state_dict}, strict, assign)

    def merge(self) -> None:
        for parent in list(self.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, LoraLinear):
                    setattr(parent, name, child.merged())
        self.frozen = frozenset()


def adapted_name(name: str) -> str:
    """What a weight of a linear layer is called once there is an adapter beside it."""
    layer, _, kind = name.rpartition(".")
    return f"{layer}.linear.{kind}"
