"""Telling memory that did not suffice from every other error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

CPU_ALLOCATOR = "DefaultCPUAllocator: "  # torch has no class of its own for memory that the CPU lacks

T = TypeVar("T")


def attempt(compute: Callable[[], T]) -> T | None:
    """What `compute` returns, or None where memory does not suffice.

    The error ends here, for its traceback holds every tensor that was in the way.
    """
    try:
        return compute()
    except (torch.OutOfMemoryError, MemoryError):
        return None
    except RuntimeError as error:
        if CPU_ALLOCATOR not in str(error):
            raise
        return None
