"""What a campaign costs: screens, time, pay, and how many raters to invite."""

from collections.abc import Sequence
from math import ceil
from typing import Any, NamedTuple

from annotations.errors import InputError
from annotations.reports.plans.plan import Team
from annotations.statistics.planning import Design
from annotations.statistics.recruiting import invited


class Terms(NamedTuple):
    """Seconds a screen, pay an hour (none: no cost is worked out), the recruiting service's fee as a share of the pay,
    the share of raters whom rules stop and its interval, how many screens these answer on average (none: all of
    theirs), the share who leave by themselves, and how many more screens everybody answers, that are checks."""

    seconds: float
    pay: float | None = None
    fee: float = 0.0
    stopped: float = 0.0
    stopped_interval: Sequence[float] | None = None
    stopped_after: float | None = None
    leave: float = 0.0
    checks: int = 0


def costs_of(design: Design, team: Team, terms: Terms) -> dict[str, Any]:
    """Those who are stopped are paid for what they answered, those who leave are not. Nobody rates an item twice."""
    each = min(team.screens_each or ceil(design.ratings / design.raters), design.items)
    needed = ceil(design.ratings / each)
    stays = (1 - terms.stopped) * (1 - terms.leave)
    stopped = needed * terms.stopped / (1 - terms.stopped)
    answered = float(design.ratings + design.raters * terms.checks)
    answered += stopped * (each + terms.checks if terms.stopped_after is None else terms.stopped_after)
    hours = answered * terms.seconds / 3600
    cost = None if terms.pay is None else hours * terms.pay
    low, high = terms.stopped_interval or (terms.stopped, terms.stopped)
    try:
        enough = invited(needed, stays)
        by_ends = [invited(needed, (1 - end) * (1 - terms.leave)) for end in (low, high)]
    except ValueError as error:
        raise InputError("--stopped, --leave", str(error), "nearly everybody would be stopped, or leave") from error
    return {
        "screens_a_rater": each + terms.checks,
        "minutes_a_rater": (each + terms.checks) * terms.seconds / 60,
        "raters_needed": needed,
        "invite": enough.enough,
        "invite_interval": (by_ends[0].low, by_ends[1].high),
        "hours": hours,
        "cost": cost,
        "fee": None if cost is None else cost * terms.fee,
        "total": None if cost is None else cost * (1 + terms.fee),
    }
