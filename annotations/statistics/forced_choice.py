"""Which of two texts did a person write? Two-alternative forced choice (2AFC)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from annotations.reasons import Reason
from annotations.statistics.detection import AboveChance, above_chance, sensitivity
from annotations.statistics.estimate import Estimate
from annotations.statistics.means import clustered_mean
from annotations.statistics.shares import Share, clustered_share
from annotations.statistics.uncertainty import Floats, Ints

CHANCE = 0.5
FIRST, SECOND = "first", "second"


class Told(NamedTuple):
    """How well people's texts were told from others beside them, in n choices. `d_prime` 0: no better than by chance.
    `bias` below 0: raters lean towards the text shown first, above 0 towards the second."""

    n: int
    accuracy: Share
    above_chance: AboveChance
    d_prime: Estimate
    bias: Estimate


def told(human_first: Floats, chose_first: Floats, items: Ints, raters: Ints, *, margin: float | None = None) -> Told:
    """Of choices (n): 1 where the person's text was shown first, and where the text shown first was chosen.

    Chance is one half, since one of the two is right, whichever is chosen. With "first" for yes, H the share of choices
    of the first text where it is the person's and F where it is not, d′ is (z(H) − z(F)) / √2 and the bias c is −(z(H)
    + z(F)) / 2 (Macmillan and Creelman 2005, Detection Theory, chapter 7). Of raters who prefer neither place H is the
    accuracy and F one minus it, and d′ is √2 z(accuracy); of others that would be too small. H and F are log-linear
    corrected, and all intervals are robust to items (n) and raters (n), as in `detection.sensitivity`.
    """
    for what, part in (("chose_first", chose_first), ("items", items), ("raters", raters)):
        if len(part) != len(human_first):
            raise ValueError(
                f"{what} has {len(part)} values and human_first {len(human_first)}; each choice has one of each"
            )
    if not len(human_first):
        nothing = Estimate.none(Reason("nothing", unit="choice"))
        return Told(0, Share(None, None), AboveChance(nothing, None, None), nothing, nothing)
    right = (human_first == chose_first).astype(np.float64)
    found = sensitivity(chose_first, human_first, items, raters)
    d_prime, bias = (placed(each, human_first, chose_first) for each in found)
    return Told(
        len(right),
        clustered_share(right, items, raters),
        right_above_chance(right, items, raters, margin),
        scaled(d_prime, 2**-0.5),
        bias,
    )


def right_above_chance(right: Floats, items: Ints, raters: Ints, margin: float | None = None) -> AboveChance:
    """Of choices (n), 1 where the person's text was chosen."""
    return above_chance(clustered_mean(right - CHANCE, items, raters), margin, widest=CHANCE)


def placed(found: Estimate, human_first: Floats, chose_first: Floats) -> Estimate:
    """With the reason why a value or an interval is missing in the words of places."""
    if not found.undefined or found.undefined.code not in ("no_text_judged", "judged_alike"):
        return found
    sides = {FIRST: chose_first[human_first == 1], SECOND: chose_first[human_first == 0]}
    for place, chosen in sides.items():
        if not len(chosen):
            return found._replace(undefined=Reason("never_placed", place=place))
    place = next(place for place, chosen in sides.items() if np.ptp(chosen) == 0)
    return found._replace(undefined=Reason("chosen_alike", place=place))


def scaled(found: Estimate, factor: float) -> Estimate:
    """In another unit."""
    return found._replace(
        value=None if found.value is None else found.value * factor,
        interval=found.interval and (found.interval[0] * factor, found.interval[1] * factor),
        error=None if found.error is None else found.error * factor,
    )


def by_confidence(right: Floats, confidence: Ints, items: Ints, raters: Ints) -> Sequence[tuple[int, int, Share]]:
    """For each confidence that was given, how many choices had it, and the share of them that was right."""
    found = []
    for sure in np.unique(confidence).tolist():
        mine = confidence == sure
        found.append((sure, int(mine.sum()), clustered_share(right[mine], items[mine], raters[mine])))
    return found
