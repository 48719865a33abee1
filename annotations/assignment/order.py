"""The order of an item's texts on a rater's screen: drawn with the campaign's secret, and even over places.

Of a rater's screens, each run of n over n systems is a Latin square: every system stands once at every place, so that
at no moment two of them differ by more than one. Among the orders that keep to it, the one is taken that is most even
over the items, then for the item's own raters; what is left open is drawn. A text that several systems wrote
counts for each of them, and a screen may have fewer texts than there are systems: then the most even order is taken.
"""

import hmac
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

REACH = 2**32  # a unit of what matters more outweighs all of what matters less
System = int
Texts = Sequence[Sequence[System]]  # of each text of an item, who wrote it
Costs = list[list[int]]  # of each text at each place
NOBODY = "-"


def secret_draw(secret: str, *about: object) -> random.Random:
    """Random numbers that nobody can work out who does not know the secret."""
    key = hmac.digest(secret.encode(), ":".join(map(str, about)).encode(), "sha256")
    return random.Random(int.from_bytes(key, "big"))


def shown_as(order: Texts) -> str:
    """An order as it is stored: the systems by place, those of one text joined by commas."""
    return " ".join(",".join(map(str, systems)) or NOBODY for systems in order)


class Tally:
    """How many times each system stood at each place."""

    def __init__(self, orders: Iterable[tuple[str, int]] = ()) -> None:
        self.counts: Counter[tuple[System, int]] = Counter()
        self.at: Counter[int] = Counter()  # by place, whichever system
        for shown, times in orders:
            self.add(shown, times)

    def add(self, shown: str, times: int = 1) -> None:
        for place, text in enumerate(shown.split()):
            for system in text.split(",") if text != NOBODY else ():
                self.count(int(system), place, times)

    def count(self, system: System, place: int, times: int) -> None:
        self.counts[system, place] += times
        self.at[place] += times

    def costs(self, texts: Texts, systems: int) -> Costs:
        """By how much each text's systems have stood at each place more often than the campaign's do on average, times
        the number of these."""
        at = [self.at[place] for place in range(len(texts))]
        counts = self.counts
        return [
            [sum(systems * counts[system, place] - mean for system in wrote) for place, mean in enumerate(at)]
            for wrote in texts
        ]


@dataclass
class ShownBefore:
    """What was shown so far, where an order has to be even: to the rater, of each waiting item, of the items around."""

    systems: list[System] = field(default_factory=list)
    rater: Tally = field(default_factory=Tally)
    items: dict[int, list[str]] = field(default_factory=dict)
    around: Tally = field(default_factory=Tally)
    done: int = 0  # screens that the rater has answered

    def order(self, texts: Texts, item: int, *, draw: random.Random) -> list[int]:
        """The texts' indices by place, for the rater and the item."""
        of_item = Tally((shown, 1) for shown in self.items.get(item, ()))
        return even_order(texts, [self.rater, self.around, of_item], systems=len(self.systems), draw=draw)

    def misfit(self, item: int) -> int:
        """By how much the order that is due to the rater would leave the item's own uneven; 0: not at all."""
        history, count = self.items.get(item, ()), len(self.systems)
        if not history:
            return 0
        texts = [[system] for system in self.systems]
        tallies = self.rater, Tally((shown, 1) for shown in history)
        due, own = (tally.costs(texts, count) for tally in tallies)
        order = cheapest([[REACH * a + b for a, b in zip(*rows, strict=True)] for rows in zip(due, own, strict=True)])
        return sum(own[text][place] for place, text in enumerate(order)) + count * (len(history) % count)


def even_order(texts: Texts, tallies: Sequence[Tally], *, systems: int, draw: random.Random) -> list[int]:
    """The texts' indices by place: the most even order by the first tally, of those by the next, and so on, and drawn
    among the rest. `systems` is how many the campaign has."""
    costs = [[0] * len(texts) for _ in texts]
    for tally in tallies:
        more = tally.costs(texts, systems)
        costs = [[REACH * a + b for a, b in zip(*rows, strict=True)] for rows in zip(costs, more, strict=True)]
    share = REACH // max(1, len(texts))
    return cheapest([[REACH * cost + draw.randrange(share) for cost in row] for row in costs])


def cheapest(costs: Sequence[Sequence[int]]) -> list[int]:
    """The row of each column of a square matrix, each row once, with the lowest sum: the Hungarian method with
    potentials (Kuhn 1955; Munkres 1957), in O(n³)."""
    count = len(costs)
    of_row, of_column = [0] * (count + 1), [0] * (count + 1)
    match = [0] * (count + 1)  # the row of each column, both from 1; that of column 0 is being placed
    for row in range(1, count + 1):
        match[0], column = row, 0
        slack: list[int | None] = [None] * (count + 1)
        back, free = [0] * (count + 1), set(range(1, count + 1))
        tree = [0]
        while match[column]:
            placed = match[column]
            base = costs[placed - 1]
            for other in free:
                reduced = base[other - 1] - of_row[placed] - of_column[other]
                known = slack[other]
                if known is None or reduced < known:
                    slack[other], back[other] = reduced, column
            least, column = min((slack[other] or 0, other) for other in free)
            for other in tree:
                of_row[match[other]] += least
                of_column[other] -= least
            free.remove(column)
            for other in free:
                slack[other] = (slack[other] or 0) - least
            tree.append(column)
        while column:
            match[column] = match[back[column]]
            column = back[column]
    return [row - 1 for row in match[1:]]
