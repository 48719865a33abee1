"""How often systems were shown: at each place, in all, and together with each other."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import combinations, product

System = int
Texts = Sequence[Sequence[System]]  # of each text of an item, who wrote it
Costs = list[list[int]]  # of each text at each place
NOBODY = "-"


def shown_as(order: Texts) -> str:
    """An order as it is stored: the systems by place, those of one text joined by commas."""
    return " ".join(",".join(map(str, systems)) or NOBODY for systems in order)


class Tally:
    """How many times each system stood at each place, and two systems on one screen where `meetings` are counted."""

    def __init__(self, orders: Iterable[tuple[str, int]] = (), *, meetings: bool = False) -> None:
        self.with_meetings = meetings
        self.counts: Counter[tuple[System, int]] = Counter()
        self.at: Counter[int] = Counter()  # by place, whichever system
        self.met: Counter[tuple[System, System]] = Counter()  # the lower number first
        for shown, times in orders:
            self.add(shown, times)

    def add(self, shown: str, times: int = 1) -> None:
        texts = [[int(system) for system in text.split(",")] if text != NOBODY else [] for text in shown.split()]
        for place, text in enumerate(texts):
            for system in text:
                self.count(system, place, times)
        for one, other in combinations(texts, 2) if self.with_meetings else ():
            for pair in product(one, other):
                self.met[min(pair), max(pair)] += times

    def count(self, system: System, place: int, times: int) -> None:
        self.counts[system, place] += times
        self.at[place] += times

    def of(self, systems: Collection[System]) -> "Tally":
        """Of these alone, as if no other had been shown."""
        found = Tally()
        for (system, place), times in self.counts.items():
            if system in systems:
                found.count(system, place, times)
        return found

    def meetings(self, one: Sequence[System], other: Sequence[System]) -> int:
        """How often systems of two texts were shown together."""
        return sum(self.met[min(pair), max(pair)] for pair in product(one, other))

    def excess(self, texts: Texts, systems: int) -> list[int]:
        """By how much each text's systems were shown more often than the campaign's on average, times the number of
        these."""
        shown, total = Counter[System](), self.at.total()
        for (system, _), times in self.counts.items():
            shown[system] += times
        return [sum(systems * shown[system] - total for system in wrote) for wrote in texts]

    def costs(self, texts: Texts, systems: int) -> Costs:
        """By how much each text's systems have stood at each place more often than the campaign's do on average, times
        the number of these."""
        at = [self.at[place] for place in range(len(texts))]
        counts = self.counts
        return [
            [sum(systems * counts[system, place] - mean for system in wrote) for place, mean in enumerate(at)]
            for wrote in texts
        ]
