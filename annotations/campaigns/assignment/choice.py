"""The next item of a rater."""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def pick_item(waiting: Sequence[tuple[T, int]], *, draw: random.Random, misfit: Callable[[T], int]) -> T:
    """One of the (item, times taken) pairs that was taken least: the first, as they are drawn, without a misfit, or the
    one with the smallest.

    Least taken first covers every item once before any is seen twice; the draw keeps raters who ask at the same moment
    from asking for the same item.
    """
    fewest = min(taken for _, taken in waiting)
    least = [item for item, taken in waiting if taken == fewest]
    draw.shuffle(least)
    best, smallest = least[0], misfit(least[0])
    for item in least[1:]:
        if smallest <= 0:
            break
        if (found := misfit(item)) < smallest:
            best, smallest = item, found
    return best
