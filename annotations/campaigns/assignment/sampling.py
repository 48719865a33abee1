"""Which sources of a split a campaign shows."""

import random
from collections.abc import Collection, Hashable, Sequence


def sample_sources(
    sources: Sequence[tuple[int, Hashable]],
    count: int,
    *,
    seed: int,
    named: Collection[int] = (),
    first: int | None = None,
) -> list[int]:
    """`count` of the (source, photo) pairs' sources in random order: every photo once before any photo twice, and those
    that are `named` before all others. They are among the `first` so many, of which there may be no more.

    Raises ValueError where there are fewer.
    """
    if count > len(sources):
        raise ValueError(f"{count} of {len(sources)} sources cannot be drawn")
    draw = random.Random(seed)
    shuffled = sorted(sources, key=lambda pair: pair[0])
    draw.shuffle(shuffled)
    seen: dict[Hashable, int] = {}
    rounds = []
    for place, (source, photo) in enumerate(shuffled):
        rounds.append((source not in named, seen.setdefault(photo, 0), place, source))
        seen[photo] += 1
    chosen = [source for *_, source in sorted(rounds)[:count]]
    draw.shuffle(chosen)
    first = count if first is None else first
    behind = [place for place in range(first, count) if chosen[place] in named]
    free = [place for place in range(first) if chosen[place] not in named]
    for one, other in zip(behind, draw.sample(free, len(behind)), strict=True):
        chosen[one], chosen[other] = chosen[other], chosen[one]
    return chosen
