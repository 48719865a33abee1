"""Which systems are better than which, and what ranks that leaves open."""

from collections.abc import Mapping, Sequence

ALPHA = 0.05
Order = Mapping[tuple[str, str], tuple[float, float | None]]  # (better?, worse?): difference, adjusted p


def is_better(differences: Order, one: str, other: str) -> bool:
    """Whether `one` scores significantly higher. Each pair stands in `differences` once, either way round."""
    sign, found = (1, differences[one, other]) if (one, other) in differences else (-1, differences[other, one])
    difference, p = found
    return p is not None and p < ALPHA and sign * difference > 0


def rank_ranges(systems: Sequence[str], differences: Order) -> dict[str, tuple[int, int]]:
    """For each system the best and worst rank that its significant differences leave open, 1 being best (Kocmi et al.
    2022, section 5): one above for each that is better, one below for each that is worse."""
    ranges = {}
    for system in systems:
        others = [other for other in systems if other != system]
        above = sum(is_better(differences, other, system) for other in others)
        below = sum(is_better(differences, system, other) for other in others)
        ranges[system] = (1 + above, len(systems) - below)
    return ranges


def clusters(ranked: Sequence[str], differences: Order) -> dict[str, int]:
    """Clusters from 1: a new one begins where everybody before is significantly better than everybody from there on.

    `ranked` runs from the highest mean to the lowest (as WMT ranks systems: Kocmi et al. 2022, section 5).
    """
    found, cluster = {}, 1
    for place, system in enumerate(ranked):
        before, rest = ranked[:place], ranked[place:]
        if before and all(is_better(differences, one, other) for one in before for other in rest):
            cluster += 1
        found[system] = cluster
    return found
