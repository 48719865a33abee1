"""What every system is shown beside, besides the caption itself."""

from __future__ import annotations

import random
from collections.abc import Sequence


def random_stories(ids: Sequence[str], stories: Sequence[str], *, seed: int) -> dict[str, str]:
    """A training story for each id, the draw depending on (seed, id) alone."""
    return {name: random.Random(f"{seed}:{name}").choice(stories) for name in ids}
