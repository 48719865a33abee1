"""Who is shown what in a planned campaign: its screens as they come in, each of an item, by a rater, of some texts."""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from annotations.statistics.planning import Design
from annotations.statistics.uncertainty import Ints

UNEVEN_ITEM, UNEVEN_RATER = 10, 3  # screens that a rater may be ahead of others, for an item, and a rater, shown evenly


class Layout(NamedTuple):
    """How many systems a campaign compares, and how many of their texts a screen shows; `always`: one of them is the
    first system's."""

    systems: int = 2
    texts: int = 2
    always: bool = False

    @property
    def complete(self) -> bool:
        return self.texts == self.systems


class Screens(NamedTuple):
    """Items (n), raters (n), and by place the systems whose texts were shown (n, texts)."""

    items: Ints
    raters: Ints
    shown: Ints

    def first(self, count: int) -> "Screens":
        return Screens(self.items[:count], self.raters[:count], self.shown[:count])


def arrivals(design: Design, draw: np.random.Generator) -> tuple[Ints, Ints]:
    """The items (n) and raters (n) of a campaign's ratings as they come in.

    Every item once in random order, then every item again; each to the rater, of those who have not had it, with the
    fewest ratings so far.
    """
    items, raters = [], []
    taken, had = np.zeros(design.raters), np.zeros((design.items, design.raters), dtype=bool)
    for _ in range(design.overlap):
        for item in draw.permutation(design.items):
            rater = int(np.argmin(np.where(had[item], np.inf, taken + draw.random(design.raters))))
            taken[rater] += 1
            had[item, rater] = True
            items.append(int(item))
            raters.append(rater)
    return np.array(items), np.array(raters)


def screens_dealt(design: Design, layout: Layout, draw: np.random.Generator) -> Screens:
    """About as `campaigns.assignment` deals them: every item once, then every item again, of systems that its raters
    saw least, to a rater to whom these are due: who had them least often, and the fewest screens. The order on the
    screen is drawn."""
    blocks = np.array(
        [block for block in combinations(range(layout.systems), layout.texts) if not layout.always or 0 in block]
    )
    inside = (blocks[:, :, None] == np.arange(layout.systems)).any(axis=1)
    used, taken = np.zeros((design.raters, len(blocks))), np.zeros((design.raters, 1))
    had, of_item = np.zeros((design.items, design.raters), dtype=bool), np.zeros((design.items, layout.systems))
    found = np.empty((3, design.ratings), dtype=np.int64)
    order = np.concatenate([draw.permutation(design.items) for _ in range(design.overlap)])
    for place, item in enumerate(order):
        cost = UNEVEN_ITEM * (inside @ of_item[item]) + UNEVEN_RATER * (used - used.min(axis=1, keepdims=True)) + taken
        cost[had[item]] = np.inf
        rater, block = divmod(int(np.argmin(cost + draw.random(cost.shape))), len(blocks))
        used[rater, block] += 1
        taken[rater] += 1
        had[item, rater] = True
        of_item[item] += inside[block]
        found[:, place] = item, rater, block
    items, raters, chosen = found
    return Screens(items, raters, draw.permuted(blocks[chosen], axis=1))
