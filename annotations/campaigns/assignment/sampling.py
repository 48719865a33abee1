"""Which sources of a split a campaign shows."""

import random
from collections.abc import Hashable, Sequence


def sample_sources(sources: Sequence[tuple[int, Hashable]], count: int, *, seed: int) -> list[int]:
    """`count` of the (source, photo) pairs' sources in random order: every photo once before any photo twice.

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
        rounds.append((seen.setdefault(photo, 0), place, source))
        seen[photo] += 1
    chosen = [source for _, _, source in sorted(rounds)[:count]]
    draw.shuffle(chosen)
    return chosen
