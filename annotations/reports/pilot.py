"""What a finished campaign says about how much ratings vary, to plan the next one from."""

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from annotations.campaigns.models import Campaign, Item
from annotations.errors import InputError, NotFoundError
from annotations.reports.rows import choice_rows, rating_rows
from annotations.statistics.choice_planning import Choices
from annotations.statistics.pilot_uncertainty import drawn_variances
from annotations.statistics.planning import Pilot, Variances, variances_of_pilot
from annotations.statistics.uncertainty import Floats


class PilotCampaign(NamedTuple):
    """The variances of a pair's differences, how many there are, and the median seconds a screen took. Other variances
    that may have given them say how sure those are. Of choices the variances are of who won, 1 or 0, where it was
    decided, and `ties` the share that was not; of scores that is None."""

    pilot: Pilot
    differences: int
    seconds: float | None
    drawn: list[Variances]
    ties: float | None = None

    def choices(self, variances: Variances) -> Choices:
        """What a plan for choices needs, with these of the pilot's variances."""
        return Choices(variances.item**0.5, variances.rater**0.5, self.ties or 0.0)


def check_pilot(campaign: Campaign, systems: tuple[str, str], criterion: str) -> None:
    """Raises NotFoundError for a system or criterion that the campaign lacks."""
    if campaign.simulation:
        raise InputError("--pilot", f"the raters of campaign '{campaign.name}' are simulated", "plan from people")
    shown = sorted(campaign.entries.values_list("system__name", flat=True))
    for name in systems:
        if name not in shown:
            raise NotFoundError(
                "--systems", f"'{name}' is not in campaign '{campaign.name}'", f"available: {', '.join(shown)}"
            )
    if systems[0] == systems[1]:
        raise InputError("--systems", f"'{systems[0]}' is given twice", f"name two of {', '.join(shown)}")
    if criterion not in campaign.criteria:
        there = ", ".join(campaign.criteria)
        raise NotFoundError("--criterion", f"'{criterion}' is not in campaign '{campaign.name}'", f"available: {there}")


def scores_pilot(campaign: Campaign, systems: tuple[str, str], criterion: str) -> PilotCampaign:
    """Of the screens on which a rater scored both systems by the criterion. Raises InputError where there is none."""
    check_pilot(campaign, systems, criterion)
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
        raise InputError("--pilot", f"no rater of campaign '{campaign.name}' scored both {one} and {other}")
    return pilot_campaign(list(both.values()), list(both), list(seconds.values()))


def choices_pilot(campaign: Campaign, systems: tuple[str, str], criterion: str) -> PilotCampaign:
    """Of the choices between the two. Raises InputError where none was decided."""
    check_pilot(campaign, systems, criterion)
    won, screens, seconds, ties = [], [], {}, 0
    for row in choice_rows(campaign):
        if row.kind != Item.Kind.REGULAR or row.excluded:
            continue
        seconds[row.item, row.rater, row.order] = row.seconds
        if row.criterion != criterion or {row.system_a, row.system_b} != set(systems):
            continue
        if row.choice in systems:
            won.append(float(row.choice == systems[0]))
            screens.append((row.item, row.rater))
        else:
            ties += 1
    if not won:
        one, other = systems
        raise InputError(
            "--pilot", f"no rater of campaign '{campaign.name}' preferred {one} to {other} or {other} to {one}"
        )
    return pilot_campaign(won, screens, list(seconds.values()))._replace(ties=ties / (ties + len(won)))


def pilot_campaign(values: list[float], screens: list[tuple[int, str]], seconds: list[float | None]) -> PilotCampaign:
    differences: Floats = np.array(values)
    items, raters = (np.unique([screen[part] for screen in screens], return_inverse=True)[1] for part in (0, 1))
    timed = [value for value in seconds if value is not None]
    pilot = variances_of_pilot(differences, items, raters)
    return PilotCampaign(
        pilot=pilot,
        differences=len(values),
        seconds=float(np.median(timed)) if timed else None,
        drawn=drawn_variances(differences, items, raters) if pilot.variances else [],
    )
