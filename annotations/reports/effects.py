"""What stands beside a difference: its size without a unit, equivalence, what could have been shown, intervals for all
pairs together; and beside each system its expected wins and the ratings that it lacks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import logit

from annotations.reports.looks import Rule
from annotations.reports.table import RatingTable
from annotations.statistics.effects import Effect, standardised_difference, superiority
from annotations.statistics.equivalence import (
    ALPHA,
    POWER,
    Equivalence,
    detectable,
    equivalence,
    simultaneous_interval,
)
from annotations.statistics.uncertainty import Mean, holm
from annotations.statistics.wins import expected_wins, wins_by_scores

LARGEST = 20_000  # screens of which intervals of effect sizes are worked out
AT_A_LOOK = "equivalence is tested at the last look alone"
Pair = dict[str, Any]


def with_effects(
    table: RatingTable,
    pairs: Sequence[Pair],
    *,
    margin: float | None,
    family: str,
    rule: Rule,
) -> list[Pair]:
    """The pairs (`results.pair_row`) with what stands beside their difference.

    `margin` is in points, of choices the distance of a share won from one half. Families are those of Holm's
    adjustment.
    """
    families = families_of(pairs, family)
    sizes = {place: len(places) for places in families for place in places}
    rows = []
    for place, pair in enumerate(pairs):
        chosen = pair["criterion"] in table.comparisons
        estimate = estimate_of(pair)
        level = rule.primary if pair["primary"] else rule.others and rule.others / sizes.get(place, 1)
        together = None if pair["primary"] or estimate is None else simultaneous_interval(estimate, sizes.get(place, 0))
        rows.append(
            {
                **pair,
                "ci_simultaneous": together,
                "effects": None if chosen else effects_row(table, pair),
                "detectable": detectable_row(estimate, level),
                "equivalence": margin and equivalence_row(pair, estimate, margin, chosen, rule),
            }
        )
    if margin:
        decide(rows, families)
    return rows


def families_of(pairs: Sequence[Pair], family: str) -> list[list[int]]:
    """The places of the pairs whose p-values Holm adjusts together."""
    found: dict[str, list[int]] = defaultdict(list)
    for place, pair in enumerate(pairs):
        if pair["p_holm"] is not None and not pair["primary"]:
            found[pair["criterion"] if family == "criterion" else "campaign"].append(place)
    return list(found.values())


def estimate_of(pair: Pair) -> Mean | None:
    if pair["difference"] is None:
        return None
    return Mean(pair["difference"], pair["error"], pair["ci"], pair["p"], pair["freedom"])


def effects_row(table: RatingTable, pair: Pair) -> dict[str, Any]:
    """The probability of superiority of `system_a` and d_z."""
    scores = table.scores[pair["criterion"]]
    one, other = (scores[:, table.systems.index(pair[key])] for key in ("system_a", "system_b"))
    used = ~(np.isnan(one) & np.isnan(other))
    rated = (one[used], other[used], table.items[used], table.raters[used])
    groups = table.albums[used]
    return {
        "superiority": effect_row(superiority(*rated, groups=groups, most=LARGEST)),
        "d_z": effect_row(standardised_difference(*rated, groups=groups, most=LARGEST)),
    }


def effect_row(effect: Effect) -> dict[str, Any]:
    return {"value": effect.value, "ci": effect.interval, "undefined": effect.undefined}


def detectable_row(estimate: Mean | None, alpha: float | None) -> dict[str, Any] | None:
    """The true difference that would have been shown with a power of 80 %, at the level at which the pair is tested."""
    if estimate is None or not estimate.error or estimate.freedom is None or alpha is None:
        return None
    return {"difference": detectable(estimate.error, estimate.freedom, alpha=alpha), "power": POWER, "alpha": alpha}


def equivalence_row(pair: Pair, estimate: Mean | None, margin: float, chosen: bool, rule: Rule) -> dict[str, Any]:
    """Two one-sided tests against the margin; `decide` says whether it counts."""
    bound = float(logit(0.5 + margin)) if chosen else margin
    if estimate is None:
        found = Equivalence(None, None, pair["undefined"] or "the difference has no interval")
    elif rule.others is None:
        found = Equivalence(None, None, AT_A_LOOK)
    else:
        found = equivalence(estimate, bound)
    row = {"margin": bound, "ci": found.interval, "p": found.p, "p_holm": None, "shown": False}
    return {**row, "undefined": found.undefined}


def decide(rows: Sequence[Pair], families: Sequence[Sequence[int]]) -> None:
    """Fill in which equivalences count: of the primary contrast by its own p, of all others as Holm adjusts them."""
    for places in families:
        tested = [rows[place]["equivalence"] for place in places if rows[place]["equivalence"]["p"] is not None]
        for row, p in zip(tested, holm(np.array([row["p"] for row in tested])).tolist(), strict=True):
            row["p_holm"] = p
    for row in rows:
        found = row["equivalence"]
        p = found["p"] if row["primary"] else found["p_holm"]
        found["shown"] = p is not None and p < ALPHA


def by_system(table: RatingTable, criterion: str, result: Mapping[str, Any], *, planned: int | None) -> dict[str, Any]:
    """Each system's expected wins, and how many ratings it lacks."""
    if criterion in table.comparisons:
        first, second, _, rows = table.comparisons[criterion]
        wins = np.zeros((len(table.systems),) * 2, dtype=np.int64)
        for row in (result.get("choices") or {}).get("table") or []:
            one, other = (table.systems.index(row[key]) for key in ("system_a", "system_b"))
            wins[one, other], wins[other, one] = row["wins"], row["losses"]
        given = np.zeros((len(table.items), len(table.systems)), dtype=bool)
        given[rows, first] = given[rows, second] = True
        counts = np.bincount(first, minlength=len(table.systems)) + np.bincount(second, minlength=len(table.systems))
        most = int(counts.max())
    else:
        scores = table.scores[criterion]
        given, wins = ~np.isnan(scores), wins_by_scores(scores)
        counts = given.sum(axis=0)
        most = int(given.any(axis=1).sum())
    rated = np.stack([np.bincount(table.items, each) > 0 for each in (given.any(axis=1), *given.T)])
    of_items = rated.sum(axis=1).tolist()  # of any system, then of each
    expected = expected_wins(wins)
    return {
        "expected_wins": [
            {"system": name, "value": found.value, "opponents": found.opponents}
            for name, found in zip(table.systems, expected, strict=True)
        ],
        "missing": {
            "screens": int(given.any(axis=1).sum()),
            "planned": planned,
            "items": of_items[0],
            "systems": [
                {
                    "system": name,
                    "ratings": int(count),
                    "missing": most - int(count),
                    "missing_items": of_items[0] - items,
                }
                for name, count, items in zip(table.systems, counts, of_items[1:], strict=True)
            ],
        },
    }
