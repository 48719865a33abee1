"""A design's row of a plan: what it would find, how many items it would take, and what it costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from annotations.errors import InputError
from annotations.reasons import Reason
from annotations.reports.planning.curves import Curve, Rehearsed, Study, factor_of
from annotations.reports.planning.known import Known
from annotations.statistics.planning import Design, why_undefined
from annotations.statistics.shares import Share, wilson

Interval = tuple[float | None, float | None]  # an end is None where there is no such number
MAX_ITEMS, MAX_SCREENS = 100_000, 20_000  # of a plan; of a campaign that is simulated
MAX_OTHERS = 100  # of what a pilot may have had; each takes time
SEARCHED, VERIFIED, STEPS = 300, 0.03, 4  # campaigns, deviation of power, and steps in the search for items
ENDS = (0.025, 0.975)
WIDE = 10.0  # times as many items as at least


class Team(NamedTuple):
    """So many raters; or as many as it takes, of so many screens each."""

    raters: int | None
    screens_each: int | None

    def design(self, items: int, overlap: int) -> Design:
        if self.screens_each is None:
            return Design(items, overlap, self.raters or 1)
        return Design(items, overlap, max(overlap, ceil(items * overlap / self.screens_each)))


class Asked(NamedTuple):
    effect: float | None
    power: float
    margin: float | None = None


@dataclass(frozen=True)
class Plan:
    """Power, a detectable effect and the items it takes have the interval that the pilot leaves them; `…_simulated`
    are Wilson's intervals of what simulated campaigns gave, `simulated` how many there were."""

    items: int
    overlap: int
    raters: int
    screens: int
    power: float | None = None
    power_simulated: Interval | None = None
    power_interval: Interval | None = None
    detectable: float | None = None
    detectable_interval: Interval | None = None
    items_needed: int | None = None
    items_needed_interval: Interval | None = None
    above_chance: float | None = None
    above_chance_simulated: Interval | None = None
    equivalence: float | None = None
    equivalence_simulated: Interval | None = None
    equivalence_to_chance: float | None = None
    equivalence_to_chance_simulated: Interval | None = None
    simulated: int | None = None
    said: tuple[Reason, ...] = ()
    undefined: Reason | None = None


def plan_of(known: Known, study: Study, team: Team, asked: Asked) -> Plan:
    design = study.design
    size: dict[str, Any] = {name: getattr(design, name) for name in ("items", "overlap", "raters")}
    size["screens"] = design.ratings
    if reason := why_undefined(known.variances(known.no_effect if asked.effect is None else asked.effect), design):
        return Plan(**size, undefined=reason)
    if known.formula(study) is None:
        check_size(design)
    curve = known.curve(study)
    detectable = curve.detectable(asked.power)
    about: dict[str, Any] = {"detectable": detectable, "simulated": curve.runs}
    at = detectable if asked.effect is None else asked.effect
    factor = 1.0 if at is None else factor_of(curve, known, study, at)
    others = known.others[:MAX_OTHERS]
    if others:
        about["detectable_interval"] = ends([each.quick(study, factor).detectable(asked.power) for each in others])
    if asked.effect is not None:
        about |= powers(known, study, curve, asked.effect)
        about["items_needed"] = items_needed(known, study, team, asked, factor)
        if others:
            about["power_interval"] = ends([each.quick(study, factor).power(asked.effect) for each in others])
            about["items_needed_interval"] = low, high = ends(
                [items_quick(each, study, team, asked, factor) for each in others]
            )
            if low is None or high is None or high > WIDE * low:
                about["said"] = (Reason("wide_pilot"),)
    if asked.margin is not None:
        about |= equivalences(known, study, curve, asked.margin)
    return Plan(**size, **about)


def check_size(design: Design) -> None:
    """Raises InputError for a design that is too large to be simulated."""
    if design.ratings > MAX_SCREENS:
        hint = f"the limit is {MAX_SCREENS:,}"
        raise InputError("--items, --overlap", f"{design.ratings:,} screens are too many to simulate", hint)


def powers(known: Known, study: Study, curve: Curve, effect: float) -> dict[str, Any]:
    power = curve.power(effect)
    about: dict[str, Any] = {"power": power}
    if curve.runs:
        about["power_simulated"] = wilson(power, curve.runs)
    if known.tells_who_wrote:
        about |= figure("above_chance", rehearsed(known, study, curve).above_chance(effect), study)
    return about


def equivalences(known: Known, study: Study, curve: Curve, margin: float) -> dict[str, Any]:
    """How often two systems that do not differ are found to be equivalent, and accuracy to be at chance."""
    found = rehearsed(known, study, curve)
    about = figure("equivalence", found.equivalent(known.no_effect, known.bound(margin, study)), study)
    if known.tells_who_wrote:
        about |= figure("equivalence_to_chance", found.equivalent_to_chance(known.no_effect, margin), study)
    return about


def rehearsed(known: Known, study: Study, curve: Curve) -> Rehearsed:
    """Simulated campaigns: those of the curve, where it is made of such."""
    if isinstance(curve, Rehearsed):
        return curve
    check_size(study.design)
    return known.rehearsed(study)


def figure(name: str, share: Share, study: Study) -> dict[str, Any]:
    return {name: share.share, f"{name}_simulated": share.interval, "simulated": study.runs}


def items_needed(known: Known, study: Study, team: Team, asked: Asked, factor: float) -> int | None:
    """The fewest items that find the effect with the asked power, with as many raters an item: by formula, or where
    campaigns are simulated by their power at that number."""
    items = items_quick(known, study, team, asked, factor)
    for _ in range(STEPS):
        if items is None:
            break
        there = study.sized(team.design(items, study.design.overlap))._replace(runs=min(study.runs, SEARCHED))
        curve = known.curve(there)
        if not curve.runs or there.design.ratings > MAX_SCREENS:
            break
        effect = asked.effect or 0.0
        if abs(curve.power(effect) - asked.power) < VERIFIED:
            break
        factor = factor_of(curve, known, there, effect)
        items = items_quick(known, study, team, asked, factor)
    return items


def items_quick(known: Known, study: Study, team: Team, asked: Asked, factor: float) -> int | None:
    effect = asked.effect or 0.0

    def power(items: int) -> float:
        there = study.sized(team.design(items, study.design.overlap))
        return 0.0 if why_undefined(known.variances(effect), there.design) else known.quick(there, factor).power(effect)

    return fewest(power, asked.power)


def fewest(power_of: Callable[[int], float], target: float) -> int | None:
    """By doubling and halving; None where even `MAX_ITEMS` are too few."""
    low, high = 1, 2
    while power_of(high) < target:
        low, high = high, 2 * high
        if high > MAX_ITEMS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(middle) >= target else (middle, high)
    return high


def ends(values: Sequence[float | None]) -> Interval:
    """The middle 95 %, None being larger than any number."""
    low, high = np.quantile([np.inf if value is None else value for value in values], ENDS, method="nearest").tolist()
    return tuple(None if np.isinf(end) else end for end in (low, high))  # type: ignore[return-value]
