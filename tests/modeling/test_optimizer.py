"""AdamW: float32 masters of bfloat16 weights, nothing of a step that is no number, and the same after a restore."""

import copy

import pytest
import torch
from torch import Tensor, nn

from modeling.config import TrainingConfig
from modeling.errors import CheckpointError
from modeling.optimizer import Optimizer

CONFIG = TrainingConfig(max_steps=1, weight_decay=0.1, gradient_clip=0.5)
LOSS = torch.tensor(1.0)


def model(dtype: torch.dtype = torch.bfloat16) -> nn.Sequential:
    """Two layers that compute in `dtype`, between them one that is frozen and one that stays in float32."""
    torch.manual_seed(1)
    made = nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 3)).to(dtype)
    made[1].requires_grad_(False)
    made[2].float()
    return made


def backward(module: nn.Sequential, step: int, scale: float = 1.0) -> None:
    inputs = torch.randn(5, 6, generator=torch.Generator().manual_seed(step))
    module.zero_grad(set_to_none=True)
    with torch.autocast("cpu", torch.bfloat16):
        (module(inputs).float().square().mean() * scale).backward()


def stepped(module: nn.Sequential, optimizer: Optimizer, steps: range) -> None:
    for step in steps:
        backward(module, step)
        optimizer.step(0.0003 * (step + 1), LOSS)


def weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: each.detach().clone() for name, each in module.named_parameters()}


def test_masters_step_as_float32_weights_would() -> None:
    """torch's own AdamW, not fused, on float32 weights that get the bfloat16 model's gradients."""
    ours, twin = model(), model().float()
    optimizer = Optimizer(ours, CONFIG)
    learns = [each for each, own in zip(twin.parameters(), ours.parameters(), strict=True) if own.requires_grad]
    reference = torch.optim.AdamW(learns, lr=0, weight_decay=0.1, fused=False)
    before = weights(ours)
    for step in range(20):
        backward(ours, step)
        for each, own in zip(twin.parameters(), ours.parameters(), strict=True):
            each.grad = None if own.grad is None else own.grad.float().clone()
        length = nn.utils.clip_grad_norm_(learns, 0.5)
        reference.param_groups[0]["lr"] = 2e-5
        reference.step()
        torch.testing.assert_close(optimizer.step(2e-5, LOSS), length)
    for name, each in twin.named_parameters():
        own = ours.get_parameter(name)
        torch.testing.assert_close(optimizer.masters.get(name, own), each, rtol=1e-6, atol=1e-7, check_dtype=False)
    assert all(torch.equal(ours.get_parameter(name), each.bfloat16()) for name, each in optimizer.masters.items())
    assert optimizer.masters.keys() == {"0.weight", "0.bias", "3.weight", "3.bias"}
    assert torch.equal(ours[1].weight, before["1.weight"])
    assert not torch.equal(ours[0].weight, before["0.weight"]), "steps far below bfloat16's precision do add up"


def test_a_step_that_is_no_number_changes_nothing() -> None:
    ours = model()
    optimizer = Optimizer(ours, CONFIG)
    stepped(ours, optimizer, range(3))
    before = copy.deepcopy((weights(ours), optimizer.masters, optimizer.state()))
    backward(ours, 3, scale=float("inf"))
    assert not optimizer.step(0.01, LOSS).isfinite()
    backward(ours, 3)
    assert optimizer.step(0.01, torch.tensor(float("nan"))).isfinite()
    for now, then in zip((weights(ours), optimizer.masters, optimizer.state()), before, strict=True):
        assert now.keys() == then.keys()
        assert all(torch.equal(now[name], then[name]) for name in now)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_it_goes_on_as_if_it_had_never_stopped(dtype: torch.dtype) -> None:
    whole, ours, resumed = model(dtype), model(dtype), model(dtype)
    optimizer = Optimizer(ours, CONFIG)
    stepped(whole, Optimizer(whole, CONFIG), range(9))
    stepped(ours, optimizer, range(4))
    with torch.no_grad():
        for each in resumed.parameters():
            each.fill_(7.0)
    resumed.load_state_dict(ours.state_dict())
    other = Optimizer(resumed, CONFIG)
    other.restore(optimizer.state(), {**ours.state_dict(), **optimizer.masters})
    stepped(resumed, other, range(4, 9))
    for name, each in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], each)


def test_the_state_of_another_model_is_refused() -> None:
    ours, state = model(), {"9.weight.exp_avg": torch.zeros(2)}
    optimizer = Optimizer(ours, CONFIG)
    with pytest.raises(CheckpointError, match=r"9\.weight, which is not trained here"):
        optimizer.restore(state, optimizer.masters)
    with pytest.raises(CheckpointError, match=r"float32 weights of 0\.bias were not saved"):
        optimizer.restore({}, {})
