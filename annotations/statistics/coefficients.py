"""Pearson's r, Spearman's rho and Kendall's tau-b, of many groups of rows at once or of the rows of a matrix.

NaN stands for a coefficient that is undefined since a side is constant.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotations.statistics.uncertainty import Floats, Ints

NAMES = ("pearson", "spearman", "kendall")
SMALL = 64  # rows of a group whose pairs are looked at one by one
KINDS, CELLS = 1024, 2_000_000  # codes that are counted at once, and cells of a table that is held
CONSTANT = 1e-13  # of the largest value: differences below it are rounding


class Gradient(NamedTuple):
    """A rank coefficient's three sums, for cross / √(one · other), as they change with a row's weight.

    rows: (n, 3) derivatives by the weights of the rows, at weight one; degree: how many rows a term of the sums joins.
    The sums themselves are the derivatives' sums over the degree (Euler's theorem on homogeneous functions).
    """

    rows: Floats
    degree: int


class Order:
    """Values (n) within groups (n, codes from 0): dense codes by (group, value), and where a row stands in its group.

    `below` counts the rows of the group with smaller values, `upto` those with smaller or equal ones; `order` sorts the
    rows by group and value.
    """

    def __init__(self, values: Floats | Ints, groups: Ints) -> None:
        order = np.argsort(values)
        if groups.any():
            rank = np.empty_like(order)
            rank[order] = np.arange(len(order))
            order = np.argsort(groups * len(order) + rank)
        self.order = order
        new_group = np.diff(groups[order], prepend=-1) != 0
        new = new_group.copy()
        new[1:] |= np.diff(values[order]) != 0
        places = np.arange(len(order))
        self.groups, self.size = groups, np.bincount(groups)[groups]
        self.codes, self.starts = np.empty_like(places), np.empty_like(places)
        self.codes[order] = np.cumsum(new) - 1
        self.starts[order] = np.maximum.accumulate(np.where(new_group, places, 0))
        self.below = places[new][self.codes] - self.starts
        self.upto = self.below + np.bincount(self.codes)[self.codes]


def coefficients_by_group(x: Floats, y: Floats, groups: Ints, count: int) -> Floats:
    """(n), (n), codes from 0 (n) → (3, count), in the order of `NAMES`."""
    pearson = pearson_by_group(x, y, groups, count)
    small = len(groups) and np.bincount(groups).max() <= SMALL
    ranks, products = _of_small_groups(x, y, groups) if small else _of_any_groups(x, y, groups)
    spearman = pearson_by_group(ranks[0], ranks[1], groups, count)
    cross, first, second = (np.bincount(groups, part, minlength=count) for part in products)
    with np.errstate(divide="ignore", invalid="ignore"):
        kendall = cross / np.sqrt(first * second)
    return np.where(np.isnan(pearson), np.nan, np.stack([pearson, spearman, kendall]))


def _of_any_groups(x: Floats, y: Floats, groups: Ints) -> tuple[Floats, Floats]:
    """For each row twice its rank in x and y, but for a constant of the group, (2, n); the sums over the other rows of
    its group of the product of signs, and of their squares in x and y, (3, n)."""
    one, other = Order(x, groups), Order(y, groups)
    ranks = np.stack([each.below + each.upto for each in (one, other)]).astype(np.float64)
    return ranks, kendall_gradient(one, other).rows.T


def _of_small_groups(x: Floats, y: Floats, groups: Ints) -> tuple[Floats, Floats]:
    """`_of_any_groups`, but every pair of rows is looked at; of products each pair's stands at one of its rows."""
    order = np.argsort(groups, kind="stable")
    groups, sides = groups[order], np.stack([x, y])[:, order]
    ranks, products = np.zeros((2, len(groups)), np.int64), np.zeros((3, len(groups)), np.int64)
    for step in range(1, int(np.bincount(groups).max())):
        signs = np.sign(sides[:, step:] - sides[:, :-step]).astype(np.int8) * (groups[step:] == groups[:-step])
        ranks[:, step:] += signs
        ranks[:, :-step] -= signs
        products[0, step:] += signs[0] * signs[1]
        products[1:, step:] += signs * signs
    found = np.empty((5, len(groups)))
    found[:, order] = np.concatenate([ranks, products])
    return found[:2], found[2:]


def pearson_by_group(x: Floats, y: Floats, groups: Ints, count: int) -> Floats:
    """Pearson's r of each group: (n), (n), (n) → (count). Tiny deviations are scaled before they are squared."""
    (u, flat_u), (v, flat_v) = (_unit_deviations(side, groups, count) for side in (x, y))
    return np.where(flat_u | flat_v, np.nan, np.clip(np.bincount(groups, u * v, minlength=count), -1, 1))


def coefficients_of_rows(x: Floats, y: Floats) -> Floats:
    """(m, k), (m, k) → (3, m): coefficients of each row of few values; every pair of them is looked at."""
    signs = [signs_of_pairs(side) for side in (x, y)]
    centred = [side - side.mean(axis=1, keepdims=True) for side in (x, y)]
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = [side / np.abs(side).max(axis=1, keepdims=True) for side in centred]
        ranks = [side.sum(axis=2) for side in signs]
        pairs = [side.reshape(len(side), -1) for side in signs]
        found = np.stack([_cosine(*sides) for sides in (scaled, ranks, pairs)])
    flat = ~(pairs[0].any(axis=1) & pairs[1].any(axis=1))
    return np.where(flat, np.nan, np.clip(found, -1, 1))


def signs_of_pairs(values: Floats) -> Floats:
    """(m, k) → (m, k, k): signs of the differences between a row's values, 0 where they differ by rounding only."""
    differences = values[:, :, None] - values[:, None, :]
    rounding = CONSTANT * np.abs(values).max(axis=1)[:, None, None]
    return np.where(np.abs(differences) <= rounding, 0.0, np.sign(differences))


def _cosine(x: Floats, y: Floats) -> Floats:
    return (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))


def spearman_gradient(one: Order, other: Order) -> Gradient:
    """Spearman's rho is Pearson's r of U and V, half the sums of signs of a row's differences from all others.

    So its sums Σ w U V, Σ w U², Σ w V² join three rows a term, and a row's weight moves its own term and all U and V.
    """
    u, v = (_half_signed_sums(order, np.ones(len(order.codes))) for order in (one, other))
    cross = u * v - _half_signed_sums(one, v) - _half_signed_sums(other, u)
    squares = [side**2 - 2 * _half_signed_sums(order, side) for order, side in ((one, u), (other, v))]
    return Gradient(np.stack([cross, *squares], axis=1), 3)


def kendall_gradient(one: Order, other: Order) -> Gradient:
    """For each row, over the rows of its group: Σ sign · sign, and how many differ from it on either side.

    Their sums are tau-b's numerator and the squares under its root (Kendall 1945), each pair counted twice.
    """
    if len(one.codes) and one.codes.max() > other.codes.max():  # fewer codes are counted sooner
        cross, *untied = kendall_gradient(other, one).rows.T
        return Gradient(np.stack([cross, *untied[::-1]], axis=1), 2)
    in_ties, in_other_ties = Order(other.codes, one.codes), Order(one.codes, other.codes)
    smaller = np.empty_like(one.codes)
    smaller[in_other_ties.order] = _smaller_before(one.codes[in_other_ties.order])
    smaller -= in_other_ties.below + one.starts  # equal in the other, or of a group before
    cross = (
        4 * smaller
        + 2 * (in_ties.below + in_other_ties.below)
        + (in_ties.upto - in_ties.below)
        + (one.size - one.upto - one.below - other.upto - other.below)
    )
    untied = [order.size - order.upto + order.below for order in (one, other)]
    return Gradient(np.stack([cross, *untied], axis=1).astype(np.float64), 2)


def _half_signed_sums(order: Order, values: Floats) -> Floats:
    """For each row k, half of Σ values_i · sign(x_k − x_i) over its group."""
    by_code = np.concatenate([[0.0], np.cumsum(np.bincount(order.codes, values))])
    before = np.concatenate([[0.0], np.cumsum(np.bincount(order.groups, values))])
    below = by_code[order.codes] - before[order.groups]
    above = before[order.groups + 1] - by_code[order.codes + 1]
    return (below - above) / 2


def _smaller_before(codes: Ints) -> Ints:
    """For each of n codes, how many before it are smaller: n log k steps for k different codes.

    A code above KINDS is taken as two digits: smaller are those with a smaller first digit, and those with the same and
    a smaller second one.
    """
    if not len(codes) or codes.max() < KINDS:
        return _smaller_of_few_before(codes)
    first, second = np.divmod(codes, KINDS)
    order = np.argsort(first, kind="stable")
    pairs = np.bincount(codes, minlength=(int(first.max()) + 1) * KINDS).reshape(-1, KINDS)
    earlier = np.cumsum(pairs, axis=0) - pairs  # with an earlier first digit, each second digit
    below = np.cumsum(earlier, axis=1) - earlier
    found = _smaller_before(first)
    found[order] += _smaller_of_few_before(second[order]) - below[first[order], second[order]]
    return found


def _smaller_of_few_before(codes: Ints) -> Ints:
    """Of whole blocks before its own by a table of how many of each code there were, and of those before it in its
    block by looking at each: n √k steps for k codes."""
    count, kinds = len(codes), int(codes.max()) + 1 if len(codes) else 0
    size = 2 ** (int(np.sqrt(kinds)).bit_length() + 1)
    blocks = -(-count // size)
    padded = np.full(blocks * size, kinds, np.int16)  # greater than all, and last
    padded[:count] = codes
    rows = padded.reshape(blocks, size)
    found = np.zeros((blocks, size), np.int64)
    for step in range(1, size):
        found[:, step:] += rows[:, step:] > rows[:, :-step]
    at_once, seen = CELLS // (kinds + 1), np.zeros(kinds + 1, np.int64)
    for start in range(0, blocks, at_once):
        part = rows[start : start + at_once].astype(np.int64)
        cells = part + np.arange(len(part))[:, None] * (kinds + 1)
        table = np.bincount(cells.ravel(), minlength=len(part) * (kinds + 1)).reshape(len(part), kinds + 1)
        before = np.cumsum(np.concatenate([seen[None], table]), axis=0)
        seen = before[-1]
        below = np.cumsum(before[:-1], axis=1) - before[:-1]
        found[start : start + at_once] += np.take_along_axis(below, part, axis=1)
    return found.ravel()[:count]


def _unit_deviations(values: Floats, groups: Ints, count: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Deviations from the group's mean, of length one in each group (n), and which groups are constant (count)."""
    lowest, highest, largest = np.full(count, np.inf), np.full(count, -np.inf), np.zeros(count)
    np.minimum.at(lowest, groups, values)
    np.maximum.at(highest, groups, values)
    flat = ~(highest - lowest > CONSTANT * np.maximum(np.abs(lowest), np.abs(highest)))
    with np.errstate(invalid="ignore"):
        means = np.bincount(groups, values, minlength=count) / np.bincount(groups, minlength=count)
    deviations = values - means[groups]
    np.maximum.at(largest, groups, np.abs(deviations))
    largest = np.where(flat, 1, largest)
    squares = np.bincount(groups, (deviations / largest[groups]) ** 2, minlength=count)
    return deviations / np.where(flat, 1, largest * np.sqrt(squares))[groups], flat
