"""Whom a campaign's quality control will stop, of simulated raters: with the error of simulating so many."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from annotations.campaigns.services.foretelling import Foretold
from annotations.campaigns.simulation import KINDS
from annotations.errors import InputError
from annotations.statistics.shares import wilson

HONEST = "honest"


class Stopped(NamedTuple):
    """What is foretold by kind; and of who comes, by the shares in `mix`, the share that is stopped, its interval, and
    after how many screens on average."""

    foretold: Sequence[Foretold]
    mix: dict[str, float]
    share: float = 0.0
    interval: tuple[float, float] | None = None
    after: float | None = None


def stopped_of(foretold: Sequence[Foretold], mix: Sequence[str] | None) -> Stopped:
    """Raises InputError for shares that are none."""
    shares = mix_of(mix or [f"{HONEST}=1"])
    if not foretold:
        if mix:
            raise InputError("--mix", "says who comes to a campaign", "give it with --quality")
        return Stopped(foretold, {})
    by_kind = {each.kind: each for each in foretold}
    share = sum(part * by_kind[kind].stopped for kind, part in shares.items())
    intervals = [(part, wilson(by_kind[kind].stopped, by_kind[kind].raters)) for kind, part in shares.items()]
    low, high = (sum(part * interval[end] for part, interval in intervals) for end in (0, 1))
    after = sum(part * by_kind[kind].stopped * by_kind[kind].stopped_after for kind, part in shares.items())
    return Stopped(foretold, shares, share, (low, high), after / share if share else None)


def mix_of(mix: Sequence[str]) -> dict[str, float]:
    found = {}
    for each in mix:
        kind, _, share = each.partition("=")
        if kind not in KINDS:
            raise InputError("--mix", f"'{kind}' is not a kind of simulated rater", f"use {', '.join(KINDS)}")
        try:
            found[kind] = float(share)
        except ValueError:
            raise InputError("--mix", f"'{each}' has no share", f"for example {kind}=0.1") from None
        if not 0 <= found[kind] <= 1:
            raise InputError("--mix", f"{kind}={share} must be from 0 to 1")
    if abs(sum(found.values()) - 1) > 1e-6:
        raise InputError("--mix", f"the shares add to {sum(found.values()):g}", "they must add to 1")
    return found


def row_of(each: Foretold) -> dict[str, Any]:
    """Shares with Wilson's intervals: false exclusions are those of honest raters, and who is missed of a careless kind
    are those that are not stopped."""
    row: dict[str, Any] = {"kind": each.kind, "raters": each.raters, "screens": each.screens}
    for name, share in {"stopped": each.stopped, **each.by_rule}.items():
        row |= {name: share, f"{name}_interval": wilson(share, each.raters)}
    return row
