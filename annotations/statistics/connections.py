"""Which systems comparisons connect, and which are on one side of all of theirs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from annotations.reasons import Reason

Bools = NDArray[np.bool_]
Groups = tuple[tuple[str, ...], ...]  # names of systems


def components(edges: Bools) -> list[list[int]]:
    """The strongly connected components of a (systems, systems) graph: who reaches one another. By first system."""
    reach = _reach(edges)
    mutual = reach & reach.T
    return [np.flatnonzero(mutual[node]).tolist() for node in range(len(edges)) if mutual[node].argmax() == node]


def why_apart(edges: Bools, names: Sequence[str]) -> Reason | None:
    """Which systems no chain of comparisons connects; None where all are connected."""
    parts = components(edges | edges.T)
    if len(parts) < 2:
        return None
    return Reason("not_connected", groups=groups_of(names, parts))


def one_sided(beats: Bools, names: Sequence[str]) -> tuple[Groups, Groups]:
    """Which systems, alone or together, never lost to the rest, and which never won against it.

    Only if no group of systems is so are maximum likelihood strengths finite (Ford 1957, section 2). `beats` is
    (systems, systems), true where the row was preferred to the column at least once.
    """
    parts = components(beats)
    if len(parts) < 2:
        return (), ()
    unbeaten = [part for part in parts if not np.delete(beats[:, part], part, axis=0).any()]
    winless = [part for part in parts if not np.delete(beats[part], part, axis=1).any()]
    return groups_of(names, unbeaten), groups_of(names, winless)


def groups_of(names: Sequence[str], parts: Sequence[Sequence[int]]) -> Groups:
    return tuple(tuple(names[place] for place in part) for part in parts)


def named(names: Sequence[str] | None, *codes: NDArray[np.int64]) -> Sequence[str]:
    """The given names, or names made from the highest code. Raises ValueError for a code without a name."""
    highest = max((int(each.max()) for each in codes if len(each)), default=-1)
    if names is None:
        return [f"system {code}" for code in range(highest + 1)]
    if highest >= len(names) or any(len(each) and each.min() < 0 for each in codes):
        raise ValueError(f"a system's code is outside 0 … {len(names) - 1}: {len(names)} systems are named")
    return names


def _reach(edges: Bools) -> Bools:
    reach = edges | np.eye(len(edges), dtype=bool)
    for _ in range(max(1, len(edges)).bit_length()):
        reach = (reach.astype(np.int64) @ reach.astype(np.int64)) > 0
    return reach
