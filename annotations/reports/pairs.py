"""Pairs of systems in the direction in which they are shown, with all that has a direction turned alike."""

from annotations.reports.schema.base import Estimate, Interval
from annotations.reports.schema.report import Report
from annotations.reports.schema.results import Effects, PairResult


def ranked_pairs(report: Report, criterion: str) -> list[PairResult]:
    """The criterion's pairs turned so that the better ranked system is first; the declared one as it was declared."""
    order = [row.system for row in report.criteria[criterion].systems]
    place = {system: number for number, system in enumerate(order)}
    turned = []
    for pair in report.pairs:
        if pair.criterion == criterion:
            first = min(pair.system_a, pair.system_b, key=lambda system: place.get(system, 99))
            turned.append(turned_to(pair, report.primary.first if pair.primary and report.primary else first))
    return sorted(turned, key=lambda pair: (place.get(pair.system_a, 99), place.get(pair.system_b, 99)))


def primary_pair(report: Report) -> PairResult | None:
    """The primary comparison in the direction in which it was declared; None also where a system was not rated."""
    found = next((pair for pair in report.pairs if pair.primary), None)
    return turned_to(found, report.primary.first) if found and report.primary else None


def turned_to(pair: PairResult, first: str) -> PairResult:
    """The pair as the difference of `first` minus the other, with everything beside the difference turned as well."""
    if pair.system_a == first:
        return pair
    mixed, ordinal, effects, same = pair.mixed_model, pair.cumulative_link_model, pair.effects, pair.equivalence
    changed = {
        "system_a": pair.system_b,
        "system_b": pair.system_a,
        "difference": turn(pair.difference),
        "expected_share": turn(pair.expected_share, 1),
        "ci": mirrored(pair.ci),
        "ci_simultaneous": mirrored(pair.ci_simultaneous),
        "bootstrap_ci": mirrored(pair.bootstrap_ci),
        "mixed_model": mixed
        and mixed.model_copy(update={"difference": turn(mixed.difference), "ci": mirrored(mixed.ci)}),
        "cumulative_link_model": ordinal
        and ordinal.model_copy(update={"log_odds": turn(ordinal.log_odds), "ci": mirrored(ordinal.ci)}),
        "effects": effects and Effects(superiority=turned_value(effects.superiority, 1), d_z=turned_value(effects.d_z)),
        "equivalence": same and same.model_copy(update={"ci": mirrored(same.ci)}),
    }
    return pair.model_copy(update=changed)


def turned_value(found: Estimate, around: float = 0) -> Estimate:
    return found.model_copy(update={"value": turn(found.value, around), "ci": mirrored(found.ci, around)})


def turn(value: float | None, around: float = 0) -> float | None:
    """A difference changes its sign; a probability, with `around` 1, becomes that of the opposite."""
    return None if value is None else around - value


def mirrored(ends: Interval | None, around: float = 0) -> Interval | None:
    return (around - ends[1], around - ends[0]) if ends else None
