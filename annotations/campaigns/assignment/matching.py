"""The cheapest way to give every place one of as many texts."""

from collections.abc import Sequence


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
