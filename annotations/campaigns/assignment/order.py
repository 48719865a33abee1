"""The texts of a rater's screen in their order: drawn with the campaign's secret, and even over places.

Where a screen shows all systems, of a rater's screens each run of n over n systems is a Latin square: every system
stands once at every place, so that at no moment two of them differ by more than one. Among the orders that keep to it,
the one is taken that is most even over the items, then for the item's own raters; what is left open is drawn. A text
that several systems wrote counts for each of them, and a screen may have fewer texts than there are systems: then the
most even order is taken, of the texts that are due (`blocks`). Systems that are shown always come before the others:
each of them stands at each place within one.
"""

import hmac
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from annotations.campaigns.assignment.blocks import NOBODY, Block, choose_block, due_blocks
from annotations.campaigns.assignment.matching import cheapest
from annotations.campaigns.assignment.tally import System, Tally, Texts

REACH = 2**32  # a unit of what matters more outweighs all of what matters less


def secret_draw(secret: str, *about: object) -> random.Random:
    """Random numbers that nobody can work out who does not know the secret."""
    key = hmac.digest(secret.encode(), ":".join(map(str, about)).encode(), "sha256")
    return random.Random(int.from_bytes(key, "big"))


@dataclass
class ShownBefore:
    """What was shown so far, where a screen has to be even: to the rater, of each waiting item, of the items around.

    `texts` is how many a screen shows; of an item with no more than that it shows all. Of the systems in `always` each
    screen shows one."""

    systems: list[System] = field(default_factory=list)
    rater: Tally = field(default_factory=Tally)
    items: dict[int, list[str]] = field(default_factory=dict)
    around: Tally = field(default_factory=Tally)
    done: int = 0  # screens that the rater has answered
    texts: int = 0  # 0: all
    always: frozenset[System] = NOBODY

    def __post_init__(self) -> None:
        self.rater.with_meetings = self.around.with_meetings = self.texts > 1

    def order(self, texts: Texts, item: int, *, draw: random.Random) -> list[int]:
        """The indices of the texts that are shown, by place, for the rater and the item."""
        of_item, systems = Tally((shown, 1) for shown in self.items.get(item, ())), len(self.systems)
        shown: Block = tuple(range(len(texts)))
        if 0 < self.texts < len(texts):
            shown = choose_block(
                texts,
                self.texts,
                rater=self.rater,
                item=of_item,
                around=self.around,
                systems=systems,
                draw=draw,
                always=self.always,
            )
        block = [texts[text] for text in shown]
        first = [self.rater.of(self.always)] if self.always else []
        order = even_order(block, [*first, self.rater, self.around, of_item], systems=systems, draw=draw)
        return [shown[place] for place in order]

    def misfit(self, item: int) -> int:
        """By how much what is due to the rater would leave the item's own uneven; 0: not at all."""
        history, count = self.items.get(item, ()), len(self.systems)
        if not history:
            return 0
        texts, of_item = [[system] for system in self.systems], Tally((shown, 1) for shown in history)
        if 0 < self.texts < count:
            excess = of_item.excess(texts, count)
            return min(sum(excess[text] for text in block) for block in self.due)
        due, own = (tally.costs(texts, count) for tally in (self.rater, of_item))
        order = cheapest([[REACH * a + b for a, b in zip(*rows, strict=True)] for rows in zip(due, own, strict=True)])
        return sum(own[text][place] for place, text in enumerate(order)) + count * (len(history) % count)

    @cached_property
    def due(self) -> list[Block]:
        """The blocks of systems that are due to the rater."""
        return due_blocks(self.systems, self.texts, self.rater, draw=random.Random(0), always=self.always)


def even_order(texts: Texts, tallies: Sequence[Tally], *, systems: int, draw: random.Random) -> list[int]:
    """The texts' indices by place: the most even order by the first tally, of those by the next, and so on, and drawn
    among the rest. `systems` is how many the campaign has."""
    costs = [[0] * len(texts) for _ in texts]
    for tally in tallies:
        more = tally.costs(texts, systems)
        costs = [[REACH * a + b for a, b in zip(*rows, strict=True)] for rows in zip(costs, more, strict=True)]
    share = REACH // max(1, len(texts))
    return cheapest([[REACH * cost + draw.randrange(share) for cost in row] for row in costs])
