"""Which systems comparisons connect, and which are on one side of all of theirs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]


def components(edges: Bools) -> list[list[int]]:
    """The strongly connected components of a (systems, systems) graph: who reaches one another. By first system."""
    reach = _reach(edges)
    mutual = reach & reach.T
    return [np.flatnonzero(mutual[node]).tolist() for node in range(len(edges)) if mutual[node].argmax() == node]


def why_apart(edges: Bools, names: Sequence[str]) -> str | None:
    """In words which systems no chain of comparisons connects; None where all are connected."""
    parts = components(edges | edges.T)
    if len(parts) < 2:
        return None
    groups = "; ".join(listed(names, part) for part in parts)
    return f"no chain of comparisons connects these groups of systems, so they cannot be compared: {groups}"


def one_sided(beats: Bools, names: Sequence[str]) -> str | None:
    """In words which systems, alone or together, never lost to or never won against the rest; None where none did.

    Only if no group of systems is so are maximum likelihood strengths finite (Ford 1957, section 2). `beats` is
    (systems, systems), true where the row was preferred to the column at least once.
    """
    parts = components(beats)
    if len(parts) < 2:
        return None
    unbeaten = [part for part in parts if not np.delete(beats[:, part], part, axis=0).any()]
    winless = [part for part in parts if not np.delete(beats[part], part, axis=1).any()]
    sentences = [f"{listed(names, part)} never lost to the others" for part in unbeaten]
    sentences += [f"{listed(names, part)} never won against the others" for part in winless]
    return "; ".join(sentences)


def listed(names: Sequence[str], which: Sequence[int]) -> str:
    words = [names[place] for place in which]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


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
