"""How long a run will still take, from its pace, and a time in words."""

from datetime import datetime

from workers.models import Run

FRACTION_TO_TELL = 0.02  # of a run done before the time left is worth saying


def seconds_left(run: Run, now: datetime) -> float | None:
    """From the pace of this attempt, once it has done enough to have one; None before that."""
    done = run.fraction - run.fraction_at_claim
    if run.state != Run.State.RUNNING or run.started_at is None or done < FRACTION_TO_TELL:
        return None
    return (1 - run.fraction) / done * (now - run.started_at).total_seconds()


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
