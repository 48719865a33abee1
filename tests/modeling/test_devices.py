"""What a machine is told about its own hardware."""

import warnings

import pytest
import torch

from modeling import devices
from modeling.devices import chosen_precision, precision

CPU = torch.device("cpu")


def test_bfloat16_on_a_cpu_that_is_slow_at_it_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": False})
    with pytest.warns(UserWarning, match="bf16: slower than fp32 on this CPU"), precision("bf16", CPU):
        pass


@pytest.mark.parametrize("capabilities", [{"avx512_f": True}, {"architecture": "aarch64"}])
def test_nothing_is_said_elsewhere(monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, object]) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with precision("bf16", CPU), precision("fp32", CPU):
            pass


@pytest.mark.parametrize(
    ("capabilities", "times_faster", "chosen"),
    [
        ({"avx512_bf16": True}, 3.0, "bf16"),
        ({"avx512_bf16": True}, 0.5, "fp32"),
        ({"amx_bf16": True}, 4.0, "bf16"),
        ({"avx512_f": True}, 3.0, "fp32"),
        ({}, 3.0, "fp32"),
    ],
)
def test_bfloat16_is_chosen_where_the_cpu_is_faster_at_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, object], times_faster: float, chosen: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    seconds = {torch.float32: 1.0, torch.bfloat16: 1.0 / times_faster}
    monkeypatch.setattr(devices, "product_seconds", seconds.__getitem__)
    assert chosen_precision("auto", CPU) == chosen
    assert (chosen_precision("bf16", CPU), chosen_precision("fp32", CPU)) == ("bf16", "fp32")


def test_a_product_is_timed_in_either_precision() -> None:
    assert 0 < devices.product_seconds(torch.float32) < 1
    assert 0 < devices.product_seconds(torch.bfloat16) < 5
