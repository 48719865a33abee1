"""What a finished campaign says about how much ratings vary, to plan the next one from."""

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from annotations.errors import InputError, NotFoundError
from annotations.models import Campaign, Item
from annotations.protocols import protocol_named
from annotations.reports.rows import rating_rows
from annotations.statistics.planning import Pilot, variances_of_pilot


class PilotCampaign(NamedTuple):
    """The variances of a pair's differences, how many there are, and the median seconds a screen took."""

    pilot: Pilot
    differences: int
    seconds: float | None


def pilot_of(campaign: Campaign, *, systems: tuple[str, str], criterion: str) -> PilotCampaign:
    """Of the screens on which a rater scored both systems by the criterion.

    Raises NotFoundError for a system or criterion that the campaign lacks, InputError where no screen has both and
    for a campaign of choices.
    """
    if protocol_named(campaign.protocol).gives != "scores":
        raise InputError(
            f"--pilot: campaign '{campaign.name}' has choices ({campaign.protocol}), and a plan is made from scores"
        )
    shown = sorted(campaign.entries.values_list("system__name", flat=True))
    for name in systems:
        if name not in shown:
            raise NotFoundError(f"--systems: '{name}' is not in campaign '{campaign.name}'; it has {', '.join(shown)}")
    if systems[0] == systems[1]:
        raise InputError(f"--systems: '{systems[0]}' twice; name two of {', '.join(shown)}")
    if criterion not in campaign.criteria:
        there = ", ".join(campaign.criteria)
        raise NotFoundError(f"--criterion: '{criterion}' is not in campaign '{campaign.name}'; it has {there}")
    screens: dict[tuple[int, str], dict[str, float]] = defaultdict(dict)
    seconds = {}
    for row in rating_rows(campaign):
        if row.kind != Item.Kind.REGULAR or row.excluded:
            continue
        seconds[row.item, row.rater] = row.seconds
        if row.criterion == criterion:
            screens[row.item, row.rater][row.system] = row.score
    one, other = systems
    both = {screen: by[one] - by[other] for screen, by in screens.items() if one in by and other in by}
    if not both:
        raise InputError(f"--pilot: no rater of campaign '{campaign.name}' scored both {one} and {other}")
    items, raters = (np.unique([screen[part] for screen in both], return_inverse=True)[1] for part in (0, 1))
    timed = [value for value in seconds.values() if value is not None]
    return PilotCampaign(
        pilot=variances_of_pilot(np.array(list(both.values())), items, raters),
        differences=len(both),
        seconds=float(np.median(timed)) if timed else None,
    )
