"""Which of an item's texts a screen shows, where it shows fewer than the item has: a block of them.

For each rater, every two systems are shown together about as often as any other two, and every system as often as any
other: of all blocks those are due whose systems have met least. Among these, the item's own texts are evened out, then
the items around; what is left open is drawn. Two on a screen meet within one of every other two. Of three and more that
cannot be: the first block makes some pairs, and the second one repeats one of them before all have met.

Where some systems are shown `always`, a block has a text of theirs: of two texts the others then meet these, and each
of them as often as any other, to within one.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, islice
from math import comb

from annotations.campaigns.assignment.matching import cheapest
from annotations.campaigns.assignment.tally import System, Tally, Texts

MAX_BLOCKS, MAX_ORDERED = 120, 20  # compared for a screen; and by the order that they would have
Block = tuple[int, ...]  # indices of texts
Cost = tuple[int, ...]  # compared one after the other
NOBODY: frozenset[System] = frozenset()


def choose_block(
    texts: Texts,
    count: int,
    *,
    rater: Tally,
    item: Tally,
    around: Tally,
    systems: int,
    draw: random.Random,
    always: frozenset[System] = NOBODY,
) -> Block:
    """`count` of the texts: those due to the rater, of these those that the item's raters saw least, and so on."""
    ways = cheapest_blocks(
        blocks_of(texts, count, rater, systems=systems, draw=draw, always=always),
        block_cost(texts, rater, systems=systems),
    )
    draw.shuffle(ways)
    ways = cheapest_blocks(ways[:MAX_ORDERED], place_cost(texts, rater, systems=systems))
    for tally in (item, around):
        ways = cheapest_blocks(ways, block_cost(texts, tally, systems=systems))
    return ways[0]


def due_blocks(
    systems: Sequence[int], count: int, rater: Tally, *, draw: random.Random, always: frozenset[System] = NOBODY
) -> list[Block]:
    """The blocks of the systems' indices that are due to a rater, each system having a text of its own."""
    texts = [[system] for system in systems]
    ways = blocks_of(texts, count, rater, systems=len(systems), draw=draw, always=always)
    return cheapest_blocks(ways, block_cost(texts, rater, systems=len(systems)))


def blocks_of(
    texts: Texts, count: int, rater: Tally, *, systems: int, draw: random.Random, always: frozenset[System] = NOBODY
) -> Iterable[Block]:
    """All blocks; where there are too many to compare, those of the texts whose systems the rater saw least."""
    order: Sequence[int] = range(len(texts))
    if comb(len(texts), count) > MAX_BLOCKS:
        seen = rater.excess(texts, systems)
        order = sorted(order, key=lambda text: (seen[text], draw.random()))
    ways: Iterable[Block] = combinations(order, count)
    if always:
        theirs = {text for text, wrote in enumerate(texts) if not always.isdisjoint(wrote)}
        ways = (way for way in ways if not theirs.isdisjoint(way))
    return islice(ways, MAX_BLOCKS)


def block_cost(texts: Texts, tally: Tally, *, systems: int) -> Callable[[Block], Cost]:
    """How far a block would be from even: by how often its pairs have met, at most and in all; then by how much more
    often its systems were shown than the campaign's on average."""
    seen = tally.excess(texts, systems)
    met = [[tally.meetings(one, other) for other in texts] for one in texts]

    def cost(block: Block) -> Cost:
        pairs = [met[one][other] for one, other in combinations(block, 2)]
        return max(pairs, default=0), sum(pairs), sum(seen[text] for text in block)

    return cost


def place_cost(texts: Texts, tally: Tally, *, systems: int) -> Callable[[Block], Cost]:
    """How far a block's most even order would be from even."""
    costs = tally.costs(texts, systems)

    def cost(block: Block) -> Cost:
        rows = [costs[text][: len(block)] for text in block]
        return (sum(rows[row][place] for place, row in enumerate(cheapest(rows))),)

    return cost


def cheapest_blocks(blocks: Iterable[Block], cost: Callable[[Block], Cost]) -> list[Block]:
    found = [(cost(block), block) for block in blocks]
    least = min(each for each, _ in found)
    return [block for each, block in found if each == least]
