"""What stands beside a difference: its size without a unit, equivalence, what could have been shown, intervals for all
pairs together; and beside each system its expected wins and the ratings that it lacks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from annotations.reasons import Reason
from annotations.reports.analysis import Analysis
from annotations.reports.looks import Rule
from annotations.reports.schema.results import (
    CriterionResult,
    Detectable,
    Equivalence,
    ExpectedWins,
    Missing,
    MissingOfSystem,
    PairResult,
)
from annotations.statistics.equivalence import (
    ALPHA,
    POWER,
    detectable,
    equivalence,
    simultaneous_interval,
)
from annotations.statistics.estimate import Estimate
from annotations.statistics.uncertainty import holm
from annotations.statistics.wins import expected_wins


def add_effects(
    analyses: Mapping[str, Analysis],
    pairs: Sequence[PairResult],
    *,
    margin: float | None,
    family: str,
    rule: Rule,
) -> None:
    """Fill in what stands beside each pair's difference.

    `margin` is as it was declared. Families are those of Holm's adjustment.
    """
    families = families_of(pairs, family)
    sizes = {place: len(places) for places in families for place in places}
    for place, pair in enumerate(pairs):
        analysis, estimate = analyses[pair.criterion], difference_of(pair)
        level = rule.primary if pair.primary else rule.others and rule.others / sizes.get(place, 1)
        pair.ci_simultaneous = None if pair.primary else simultaneous_interval(estimate, sizes.get(place, 0))
        pair.effects = analysis.effects(pair)
        pair.detectable = detectable_of(estimate, level)
        pair.equivalence = equivalence_of(estimate, analysis.bound(margin), rule) if margin else None
    if margin:
        decide(pairs, families)


def families_of(pairs: Sequence[PairResult], family: str) -> list[list[int]]:
    """The places of the pairs whose p-values Holm adjusts together."""
    found: dict[str, list[int]] = defaultdict(list)
    for place, pair in enumerate(pairs):
        if pair.p_holm is not None and not pair.primary:
            found[pair.criterion if family == "criterion" else "campaign"].append(place)
    return list(found.values())


def difference_of(pair: PairResult) -> Estimate:
    return Estimate(pair.difference, pair.ci, pair.undefined, error=pair.error, p=pair.p, freedom=pair.freedom)


def detectable_of(estimate: Estimate, alpha: float | None) -> Detectable | None:
    """The true difference that would have been shown with a power of 80 %, at the level at which the pair is tested."""
    if not estimate.error or estimate.freedom is None or alpha is None:
        return None
    difference = detectable(estimate.error, estimate.freedom, alpha=alpha)
    return None if difference is None else Detectable(difference=difference, power=POWER, alpha=alpha)


def equivalence_of(estimate: Estimate, bound: float, rule: Rule) -> Equivalence:
    """Two one-sided tests against a margin; `decide` says whether it counts."""
    result = Equivalence(margin=bound, ci=None, p=None, p_holm=None, shown=False, undefined=None)
    if estimate.value is None:
        result.undefined = estimate.undefined or Reason("difference_without_interval")
    elif rule.others is None:
        result.undefined = Reason("tested_at_last_look")
    else:
        result.ci, result.p, result.undefined = equivalence(estimate, bound)
    return result


def decide(pairs: Sequence[PairResult], families: Sequence[Sequence[int]]) -> None:
    """Fill in which equivalences count: of the primary comparison by its own p, of all others as Holm adjusts them."""
    for places in families:
        tested = [(found, found.p) for place in places if (found := pairs[place].equivalence) and found.p is not None]
        for (found, _), p in zip(tested, holm(np.array([p for _, p in tested])).tolist(), strict=True):
            found.p_holm = p
    for pair in pairs:
        if found := pair.equivalence:
            p = found.p if pair.primary else found.p_holm
            found.shown = p is not None and p < ALPHA


def add_wins_and_missing(analysis: Analysis, result: CriterionResult, *, planned: int | None) -> None:
    """Fill in each system's expected wins, and how many ratings it lacks."""
    table, (given, wins, counts, most) = analysis.table, analysis.rated(result)
    rated = np.stack([np.bincount(table.items, each) > 0 for each in (given.any(axis=1), *given.T)])
    of_items = rated.sum(axis=1).tolist()  # of any system, then of each
    result.expected_wins = [
        ExpectedWins(system=name, value=found.value, opponents=found.opponents)
        for name, found in zip(table.systems, expected_wins(wins), strict=True)
    ]
    result.missing = Missing(
        screens=int(given.any(axis=1).sum()),
        planned=planned,
        items=of_items[0],
        systems=[
            MissingOfSystem(
                system=name, ratings=int(count), missing=most - int(count), missing_items=of_items[0] - items
            )
            for name, count, items in zip(table.systems, counts, of_items[1:], strict=True)
        ],
    )
