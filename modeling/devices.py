"""Where tensors live, and how many CPU threads work on them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from modeling.config import AUTO
from modeling.errors import ConfigError

BFLOAT16 = ("avx512_bf16", "amx_bf16")  # a CPU's instructions for it, as torch calls them


def pick_device(name: str) -> torch.device:
    """`auto` is a GPU where there is one. Raises ConfigError for `cuda` without a GPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device=cuda: no GPU is at hand here; valid values: auto, cpu")
    return torch.device(name)


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def fast_products(device: torch.device) -> Iterator[None]:
    """Let a GPU multiply float32 matrices in TensorFloat-32, whose 10 bits of mantissa are enough to train with."""
    before = torch.get_float32_matmul_precision()
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def chosen_precision(name: str, device: torch.device) -> str:
    """`auto` is bf16 where the device multiplies in bfloat16 natively, and fp32 else."""
    if name != AUTO:
        return name
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = any(torch.cpu.get_capabilities().get(instructions) for instructions in BFLOAT16)
    return "bf16" if native else "fp32"


def slow_in_bfloat16(device: torch.device) -> bool:
    """Whether this is a CPU without AVX-512, which multiplies in bfloat16 ten times slower than in float32."""
    return device.type == "cpu" and torch.cpu.get_capabilities().get("avx512_f") is False


def precision(name: str, device: torch.device) -> torch.autocast:
    """Where matrix products are computed in bfloat16 if `name` is bf16, and in float32 else. Warns if that is slow."""
    if name == "bf16" and slow_in_bfloat16(device):
        warnings.warn("precision=bf16: this CPU computes it slower than fp32, the better choice here", stacklevel=2)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=name == "bf16")
