"""Low-rank adapters (Hu et al. 2022): a matrix W stays as it is, and B · A of a small rank is learned beside it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LoraLinear(nn.Module):
    """x → W x + scale · B A x (equation 3, with alpha / r as `scale`). B begins as zeros, so that nothing is added."""

    def __init__(self, linear: nn.Linear, *, rank: int, scale: float, dropout: float) -> None:
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.scale, self.dropout = scale, dropout
        self.down = nn.Parameter(torch.empty(rank, linear.in_features))
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, features: Tensor) -> Tensor:
        small = F.linear(F.dropout(features, self.dropout, self.training), self.down)
        return self.linear(features) + F.linear(small, self.up) * self.scale

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """The same as one matrix."""
        self.linear.weight += (self.scale * (self.up @ self.down)).to(self.linear.weight.dtype)
        return self.linear


def with_adapters(model: nn.Module, *, rank: int, scale: float, dropout: float) -> None:
    """Freeze the model, and give every linear layer within its modules an adapter; the output projection has none."""
    model.requires_grad_(False)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear) and parent is not model:
                setattr(parent, name, LoraLinear(child, rank=rank, scale=scale, dropout=dropout))


def merge_adapters(model: nn.Module) -> None:
    """Add what was learned to the matrices beside it, in place."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LoraLinear):
                setattr(parent, name, child.merged())


def adapted_name(name: str) -> str:
    """What a weight of a linear layer is called once there is an adapter beside it."""
    layer, _, kind = name.rpartition(".")
    return f"{layer}.linear.{kind}"
