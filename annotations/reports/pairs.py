"""Pairs of systems in the direction in which they are shown, with all that has a direction turned alike."""

from collections.abc import Mapping, Sequence
from typing import Any

Report = Mapping[str, Any]
SIGNED = ("ci", "ci_simultaneous", "bootstrap_ci")  # intervals of a difference


def ranked_pairs(report: Report, criterion: str) -> list[dict[str, Any]]:
    """The criterion's pairs turned so that the better ranked system is first; the declared one as it was declared."""
    order = [row["system"] for row in report["criteria"][criterion]["systems"]]
    place = {system: number for number, system in enumerate(order)}
    primary, turned = report.get("primary") or {}, []
    for pair in report["pairs"]:
        if pair["criterion"] == criterion:
            one, other = pair["system_a"], pair["system_b"]
            first = (
                primary.get("first", one) if pair.get("primary") else min(one, other, key=lambda s: place.get(s, 99))
            )
            turned.append(turned_to(pair, first))
    return sorted(turned, key=lambda pair: tuple(place.get(pair[side], 99) for side in ("system_a", "system_b")))


def turned_to(pair: Mapping[str, Any], first: str) -> dict[str, Any]:
    """The pair as the difference of `first` minus the other, with everything beside the difference turned as well.

    Keys that a kept report does not have yet stay away.
    """
    if pair["system_a"] == first:
        return dict(pair)
    turned = {"system_a": pair["system_b"], "system_b": pair["system_a"], "difference": turn(pair["difference"])}
    turned |= {key: mirrored(pair[key]) for key in SIGNED if key in pair}
    if pair.get("expected_share") is not None:
        turned["expected_share"] = 1 - pair["expected_share"]
    for name, value in (("mixed_model", "difference"), ("cumulative_link_model", "log_odds")):
        if model := pair.get(name):
            turned[name] = {**model, value: turn(model.get(value)), "ci": mirrored(model.get("ci"))}
    if effects := pair.get("effects"):
        turned["effects"] = {
            name: {**found, "value": turn(found["value"], around), "ci": mirrored(found["ci"], around)}
            for name, found in effects.items()
            for around in [1.0 if name == "superiority" else 0.0]
        }
    if equivalence := pair.get("equivalence"):
        turned["equivalence"] = {**equivalence, "ci": mirrored(equivalence["ci"])}
    return {**pair, **turned}


def turn(value: float | None, around: float = 0.0) -> float | None:
    """A difference changes its sign; a probability, with `around` 1, becomes that of the opposite."""
    return None if value is None else around - value


def mirrored(ends: Sequence[float] | None, around: float = 0.0) -> list[float] | None:
    return [around - ends[1], around - ends[0]] if ends else None
