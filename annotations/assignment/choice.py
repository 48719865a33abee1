"""The next item of a rater, and the order of its candidates."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def pick_item(waiting: Sequence[tuple[T, int]], *, seed: str) -> T:
    """One of the (item, times taken) pairs that was taken least, drawn by the seed.

    Least taken first covers every item once before any is seen twice; the draw keeps raters who ask at the same moment
    from asking for the same item.
    """
    least = min(taken for _, taken in waiting)
    return random.Random(seed).choice([item for item, taken in waiting if taken == least])


def candidate_order(candidates: Sequence[T], *, turn: int, seed: str) -> list[T]:
    """The candidates in an order drawn for the item by the seed, turned on by one place with every `turn`.

    Of any n turns in a row over n candidates, each candidate stands once at every place.
    """
    drawn = list(candidates)
    random.Random(seed).shuffle(drawn)
    start = turn % len(drawn) if drawn else 0
    return drawn[start:] + drawn[:start]
