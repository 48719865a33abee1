"""What a long job tells its caller, and the clock by which its budget is counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Progress:
    """One report. Losses are nats per token; `fraction` runs from 0 to 1; `seconds` counts earlier attempts too."""

    step: int
    total_steps: int | None
    fraction: float
    loss: float | None = None
    valid_loss: float | None = None
    learning_rate: float = 0.0
    tokens_per_second: float = 0.0
    seconds: float = 0.0
    message: str = ""
    samples: dict[str, Any] | None = None  # all so far, right after a look: see `modeling.sampling`


OnProgress = Callable[[Progress], None]


def no_progress(progress: Progress) -> None:
    """The caller who does not want to know."""


class Clock:
    """Seconds used: of this process's CPU where the CPU computes, of wall time where a GPU does."""

    def __init__(self, *, on_cpu: bool, used: float = 0.0) -> None:
        self._now = time.process_time if on_cpu else time.perf_counter
        self._zero = self._now() - used

    def seconds(self) -> float:
        return self._now() - self._zero
