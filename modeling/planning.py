"""How many steps a budget of seconds is enough for.

Planned once at the start, so that a training can be repeated by its number of steps on any machine.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from modeling.config import TrainingConfig

SAVE_SHARE = 0.02  # of the time, at most, goes into saves
MARGIN = 0.05  # of the budget is left unplanned, since a step may take longer later than at the start
TIMED_SHARE = 0.03  # of the budget, at most, goes into timing, where a single piece of work does not take longer
LOOK_SHARE = 0.1  # of the budget, at most, goes into one look at the validation pairs
MIN_PAIRS = 20  # of a look, however long they take
TIMED = 60  # pieces of work, at most


def mean_seconds(work: Callable[[], object], now: Callable[[], float], limit: float) -> float:
    """Seconds that a piece of work takes, in the mean of as many as `limit` seconds have room for.

    The first half is done to warm up: whatever is of a new shape takes longer once.
    """
    start = now()
    times = [start]
    while times[-1] - start < limit and len(times) <= TIMED:
        work()
        times.append(now())
    seconds = [after - before for before, after in pairwise(times)]
    measured = seconds[len(seconds) // 2 :]
    return sum(measured) / max(len(measured), 1)


def look_pairs(config: TrainingConfig, *, pairs: int, look_seconds: float) -> int:
    """How many of a look's pairs the budget has room for."""
    share = LOOK_SHARE * config.budget / max(look_seconds, 1e-9)
    return pairs if share >= 1 else min(pairs, max(MIN_PAIRS, int(pairs * share)))


def planned_steps(config: TrainingConfig, *, used: float, step_seconds: float, look_seconds: float) -> int:
    """The steps that the rest of the budget is enough for, looks and saves counted in; at least one.

    `used` seconds are gone. One look more comes behind the last step.
    """
    left = config.budget * (1 - MARGIN) - used - look_seconds
    each = step_seconds / (1 - SAVE_SHARE) + look_seconds / config.validate_every
    return max(1, int(left / max(each, 1e-9)))
