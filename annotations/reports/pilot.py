"""What a campaign says about how much ratings vary, to plan the next one from."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from annotations.campaigns.models import Campaign, Item
from annotations.errors import InputError, NotFoundError
from annotations.reasons import Reason
from annotations.reports.rows import choice_rows, judgement_rows, rating_rows
from annotations.statistics.choice_planning import Choices
from annotations.statistics.pilot_parts import Answers, Parts, drawn_parts, parts_of_answers
from annotations.statistics.pilot_uncertainty import drawn_variances
from annotations.statistics.planning import Variances, variances_of_pilot
from annotations.statistics.uncertainty import Floats, Ints, codes_of_pairs

FEW = 5  # items or raters with fewer of which a pilot says little


class PilotCampaign(NamedTuple):
    """How answers vary, and how many there are; what there is to say of that; the median seconds a screen took. Other
    parts that may have given the answers say how sure that is. Of choices the variances are of who won, 1 or 0, where
    it was decided, and `ties` the share that was not; of scores that is 0."""

    parts: Parts
    answers: int
    said: tuple[Reason, ...]
    seconds: float | None
    drawn: list[Parts]
    ties: float = 0.0

    def choices(self, variances: Variances) -> Choices:
        """What a plan for choices needs, with these of the pilot's variances."""
        return Choices(variances.item**0.5, variances.rater**0.5, self.ties)


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
    """Of the screens on which a rater scored both systems by the criterion; where there is none, of the scores of each.
    Raises InputError where these say nothing."""
    check_pilot(campaign, systems, criterion)
    answers, seconds = answers_of(campaign, systems, criterion, rating_rows(campaign), lambda row: row.score)
    screen, keys = codes_of_pairs(answers.items, answers.raters)
    values = np.full((2, len(keys)), np.nan)
    values[answers.systems, screen] = answers.values
    both = ~np.isnan(values).any(axis=0)
    if not both.any():
        return answers_pilot(answers, seconds)
    items, raters = np.divmod(keys[both], int(answers.raters.max()) + 1)
    found = differences_pilot(values[0, both] - values[1, both], items, raters, seconds)
    beside, _ = parts_of_answers(answers)
    return found._replace(parts=found.parts._replace(severity_sd=beside.severity_sd if beside else 0.0))


def judgements_pilot(campaign: Campaign, systems: tuple[str, str], criterion: str) -> PilotCampaign:
    """Of who was judged human, of texts shown alone. Raises InputError where that says nothing."""
    check_pilot(campaign, systems, criterion)
    answers, seconds = answers_of(campaign, systems, criterion, judgement_rows(campaign), lambda row: float(row.human))
    return answers_pilot(answers, seconds)


def answers_of(
    campaign: Campaign,
    systems: tuple[str, str],
    criterion: str,
    rows: Iterable[Any],
    value: Callable[[Any], float],
) -> tuple[Answers, list[float | None]]:
    """Of the two systems, and the seconds of all screens. Raises InputError where a system has none."""
    found, seconds = [], {}
    for row in rows:
        if row.kind != Item.Kind.REGULAR or row.excluded:
            continue
        seconds[row.item, row.rater] = row.seconds
        if row.criterion == criterion and row.system in systems:
            found.append((value(row), row.item, row.rater, systems.index(row.system)))
    for place, name in enumerate(systems):
        if not any(each[3] == place for each in found):
            raise InputError("--pilot", f"no rater of campaign '{campaign.name}' rated {name}")
    values, items, raters, codes = zip(*found, strict=True)
    item, rater = (np.unique(column, return_inverse=True)[1] for column in (items, raters))
    return Answers(np.array(values, dtype=np.float64), item, rater, np.array(codes)), list(seconds.values())


def answers_pilot(answers: Answers, seconds: list[float | None]) -> PilotCampaign:
    parts, said = parts_of_answers(answers)
    if parts is None:
        raise no_variances(said[0])
    drawn = drawn_parts(answers)
    few = small(answers.items, answers.raters, drawn)
    return PilotCampaign(parts, len(answers.values), (*said, *few), median(seconds), drawn)


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
    items, raters = (np.unique([screen[part] for screen in screens], return_inverse=True)[1] for part in (0, 1))
    found = differences_pilot(np.array(won), items, raters, list(seconds.values()))
    return found._replace(ties=ties / (ties + len(won)))


def differences_pilot(differences: Floats, items: Ints, raters: Ints, seconds: list[float | None]) -> PilotCampaign:
    """Raises InputError where the differences (n) do not tell the variances apart."""
    pilot = variances_of_pilot(differences, items, raters)
    if pilot.variances is None:
        raise no_variances(pilot.said[0])
    drawn = [Parts(each) for each in drawn_variances(differences, items, raters)]
    said = (*pilot.said, *small(items, raters, drawn))
    return PilotCampaign(Parts(pilot.variances), len(differences), said, median(seconds), drawn)


def small(items: Ints, raters: Ints, drawn: list[Parts]) -> tuple[Reason, ...]:
    """What there is to say of a small pilot."""
    of_items, of_raters = len(np.unique(items)), len(np.unique(raters))
    few = (Reason("small_pilot", items=of_items, raters=of_raters),) if min(of_items, of_raters) < FEW else ()
    return few if drawn else (*few, Reason("pilot_without_intervals"))


def no_variances(why: Reason) -> InputError:
    return InputError("--pilot", str(why), "plan with assumed standard deviations instead: see --help")


def median(seconds: list[float | None]) -> float | None:
    timed = [value for value in seconds if value is not None]
    return float(np.median(timed)) if timed else None
