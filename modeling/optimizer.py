"""AdamW over the parameters that learn, with a float32 master of each that computes in bfloat16.

A weight in bfloat16 has eight bits of precision, so that most steps of Adam would be rounded away. The step is taken
on a float32 copy instead, and the weight is that copy, rounded (Micikevicius et al. 2018, section 3.1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from modeling.config import TrainingConfig
from modeling.errors import CheckpointError


class Optimizer:
    """Steps the model's parameters that require gradients. `masters` are those of bfloat16 parameters, by name."""

    def __init__(self, model: nn.Module, config: TrainingConfig) -> None:
        self.gradient_clip = config.gradient_clip or math.inf
        self.weights = {name: each for name, each in model.named_parameters() if each.requires_grad}
        self.masters = {
            name: nn.Parameter(weight.detach().float())
            for name, weight in self.weights.items()
            if weight.dtype == torch.bfloat16
        }
        self.stepped: dict[str, nn.Parameter] = {**self.weights, **self.masters}
        self.adam = torch.optim.AdamW(
            self.stepped.values(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )

    def step(self, rate: float, loss: Tensor) -> Tensor:
        """A step of the learning rate `rate` along the gradients, cut to `gradient_clip`. Returns their length.

        Where the length or the `loss` is not finite nothing changes. Nothing waits for a GPU here.
        """
        for name, master in self.masters.items():
            gradient = self.weights[name].grad
            master.grad = None if gradient is None else gradient.float()
            self.weights[name].grad = None
        length = nn.utils.clip_grad_norm_(self.stepped.values(), self.gradient_clip)
        for group in self.adam.param_groups:
            group["lr"] = rate
        # What torch.amp.GradScaler sets too: the fused step leaves all as it is where this is 1.
        self.adam.found_inf = (~(length.isfinite() & loss.isfinite())).float()  # type: ignore[attr-defined]
        self.adam.step()
        self._round()
        return length

    def forget(self) -> None:
        """Be as before the first step. The weights are too, where all steps had a rate of 0."""
        self.adam.state.clear()

    @torch.no_grad()
    def _round(self) -> None:
        """The weights become their masters, rounded. Gradients of masters are let go."""
        if self.masters:
            torch._foreach_copy_([self.weights[name] for name in self.masters], list(self.masters.values()))
        for master in self.masters.values():
            master.grad = None

    def state(self) -> dict[str, Tensor]:
        """Adam's moments and its count of steps, each as `parameter.name`. Parameters without a step have none."""
        return {
            f"{name}.{kind}": tensor
            for name, parameter in self.stepped.items()
            for kind, tensor in self.adam.state[parameter].items()
        }

    def restore(self, state: Mapping[str, Tensor], masters: Mapping[str, Tensor]) -> None:
        """Go on from a `state` and `masters` saved before. Raises CheckpointError where they are another model's."""
        if missing := self.masters.keys() - masters.keys():
            raise CheckpointError(f"the float32 weights of {min(missing)} were not saved")
        with torch.no_grad():
            for name, master in self.masters.items():
                master.copy_(masters[name])
        self._round()
        places = {name: place for place, name in enumerate(self.stepped)}
        moments: dict[int, dict[str, Tensor]] = {}
        for key, tensor in state.items():
            name, _, kind = key.rpartition(".")
            if name not in places:
                raise CheckpointError(f"the optimizer's state includes {name}, which is not trained here")
            moments.setdefault(places[name], {})[kind] = tensor
        groups = self.adam.state_dict()["param_groups"]
        self.adam.load_state_dict({"state": moments, "param_groups": groups})
