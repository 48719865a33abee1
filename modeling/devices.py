"""Where tensors live, and how many CPU threads work on them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from modeling.config import AUTO
from modeling.errors import ConfigError

BFLOAT16 = ("avx512_bf16", "amx_bf16")  # a CPU's instructions for it, as torch calls them
WORTH_IT = 1.2  # times faster, for the precision that it costs


def pick_device(name: str) -> torch.device:
    """`auto` is a GPU where there is one. Raises ConfigError for `cuda` without a GPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device=cuda: no GPU is available; valid values: auto, cpu")
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """As a person knows it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


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
    """`auto` is bf16 where the device multiplies faster in bfloat16, and fp32 else.

    Instructions for it are no proof on a CPU: with AVX-512's alone it can take twice as long as float32, with AMX a
    quarter. So both are timed, for some hundredths of a second.
    """
    if name != AUTO:
        return name
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if not any(torch.cpu.get_capabilities().get(instructions) for instructions in BFLOAT16):
        return "fp32"
    return "bf16" if product_seconds(torch.bfloat16) * WORTH_IT < product_seconds(torch.float32) else "fp32"


def product_seconds(dtype: torch.dtype) -> float:
    """CPU seconds of a matrix product of the size that training has; the best of a few."""
    rows, columns = torch.ones(512, 512, dtype=dtype), torch.ones(512, 1024, dtype=dtype)
    times = []
    for _ in range(5):
        start = time.process_time()
        rows @ columns
        times.append(time.process_time() - start)
    return min(times)


def slow_in_bfloat16(device: torch.device) -> bool:
    """Whether this is a CPU without AVX-512, which multiplies in bfloat16 ten times slower than in float32."""
    return device.type == "cpu" and torch.cpu.get_capabilities().get("avx512_f") is False


def precision(name: str, device: torch.device) -> torch.autocast:
    """Where matrix products are computed in bfloat16 if `name` is bf16, and in float32 else. Warns if that is slow."""
    if name == "bf16" and slow_in_bfloat16(device):
        warnings.warn("precision=bf16: slower than fp32 on this CPU; prefer precision=fp32", stacklevel=2)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=name == "bf16")
