"""Which pairs are trained on together, and the tensors made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from modeling.corpus import EncodedPair, Tokens
from modeling.tokenization import BEGIN, PAD

Plan = list[NDArray[np.int64]]
Lengths = NDArray[np.int64]

POOL = 100  # batches whose pairs are sorted by length together; more would pad little less


@dataclass(frozen=True)
class Batch:
    """B pairs, S the longest source, T the longest target, N real target tokens.

    source (B, S), source_lengths (B) on the CPU, inputs (B, T) the target behind a begin token, targets (B, T),
    weights (B), groups (B): neighbouring rows of equal number share one source. rows (N) and positions (N) are the
    places of the real target tokens. PAD fills up sources and targets and is never predicted.
    """

    source: Tensor
    source_lengths: Tensor
    inputs: Tensor
    targets: Tensor
    weights: Tensor
    groups: Tensor
    rows: Tensor
    positions: Tensor


class Planner:
    """Which pairs make a batch, epoch after epoch: a pure function of its arguments and the epoch.

    Shuffled pairs are dealt into pools of `POOL` batches' tokens; within a pool they are sorted by length, so that a
    batch pads little, and has other pairs in it in every epoch. A pair longer than the budget makes a batch of its own.
    With `packs` the pairs of one source stay together, unless they are more than the budget allows, and count as one
    row: the source once, and all their targets. Of `texts` above 1 so many neighbours each are of one source and stay
    together.
    """

    def __init__(
        self, pairs: Sequence[EncodedPair], *, token_budget: int, seed: int, packs: bool = False, texts: int = 1
    ) -> None:
        self.pairs, self.token_budget, self.seed = pairs, token_budget, seed
        together = np.arange(len(pairs)).reshape(-1, texts)
        self.units = _packed(pairs, together, token_budget) if packs else list(together)
        self.lengths = np.array([_lengths([pairs[index] for index in unit], packs) for unit in self.units])

    def plan(self, epoch: int) -> Plan:
        """Every pair once, in batches whose padded tokens stay within the budget. Their number may differ by epoch."""
        if not self.units:
            return []
        generator = np.random.default_rng([self.seed, epoch])
        order = _sorted_in_pools(self.lengths, generator.permutation(len(self.units)), POOL * self.token_budget)
        batches = [
            np.concatenate([self.units[place] for place in order[start:end]])
            for start, end in _cut(self.lengths[order], self.token_budget)
        ]
        return [batches[place] for place in generator.permutation(len(batches))]

    def batches(self, epoch: int, position: int) -> Iterator[tuple[list[EncodedPair], int, int]]:
        """The batches from a position on, without end, each with the epoch and the position of the one behind it."""
        while True:
            plan = self.plan(epoch)
            for place in range(position, len(plan)):
                yield [self.pairs[index] for index in plan[place]], epoch, place + 1
            epoch, position = epoch + 1, 0


def plan_batches(
    pairs: Sequence[EncodedPair], *, token_budget: int, seed: int = 0, epoch: int = 0, packs: bool = False
) -> Plan:
    """The `Planner`'s batches of a single epoch."""
    return Planner(pairs, token_budget=token_budget, seed=seed, packs=packs).plan(epoch)


def padded_tokens(pairs: Sequence[EncodedPair], packs: bool = False) -> int:
    """Source and target tokens of a batch of these pairs, padding included, as `token_budget` counts them.

    With `packs` neighbours of one source are one row: the source once, and all their targets.
    """
    units = _runs(pairs) if packs else [[pair] for pair in pairs]
    return int(len(units) * np.array([_lengths(unit, packs) for unit in units]).max(axis=0).sum())


def same_source(one: EncodedPair, other: EncodedPair) -> bool:
    return one.source is other.source or np.array_equal(one.source, other.source)


def _lengths(unit: Sequence[EncodedPair], packs: bool) -> tuple[int, ...]:
    """What is padded of these pairs of one source: their sources and their targets apart, or all as one row."""
    source, targets = len(unit[0].source), [len(pair.target) for pair in unit]
    return (source + sum(targets),) if packs else (len(unit) * source, len(unit) * max(targets))


def _runs(pairs: Sequence[EncodedPair]) -> list[list[EncodedPair]]:
    """Neighbours of one source."""
    runs = [[pairs[0]]]
    for before, pair in pairwise(pairs):
        if same_source(before, pair):
            runs[-1].append(pair)
        else:
            runs.append([pair])
    return runs


def _packed(pairs: Sequence[EncodedPair], together: NDArray[np.int64], token_budget: int) -> Plan:
    """The indices of the pairs of each source, in parts that stay within the budget where those that are `together`,
    a row of (units, texts), do."""
    sources: dict[bytes, list[NDArray[np.int64]]] = {}
    for unit in together:
        sources.setdefault(pairs[unit[0]].source.tobytes(), []).append(unit)
    units: Plan = []
    for of_source in sources.values():
        part, tokens = list[NDArray[np.int64]](), 0
        for unit in of_source:
            targets = sum(len(pairs[index].target) for index in unit)
            if part and tokens + targets > token_budget:
                units.append(np.concatenate(part))
                part = []
            tokens = targets + (tokens if part else len(pairs[unit[0]].source))
            part.append(unit)
        units.append(np.concatenate(part))
    return units


def _sorted_in_pools(lengths: Lengths, shuffled: Lengths, pool_tokens: int) -> Lengths:
    """The units by the pool they were dealt into, and in it by length, the last column first.

    lengths (U, C). Each pool, and each length in turn for the column before, is sorted the other way round than the one
    before it: neighbours are alike there too, and a batch may have part of both.
    """
    dealt = lengths[shuffled]
    turns = dealt.sum(axis=1).cumsum() // pool_tokens
    keys = [turns]
    for column in reversed(dealt.T):
        keys.append(np.where(turns % 2, -column, column))
        turns = column
    return shuffled[np.lexsort(keys[::-1])]


def _cut(lengths: Lengths, token_budget: int) -> Iterator[tuple[int, int]]:
    """Start and end of each batch: as many units as fit when all are padded to the longest, column by column."""
    start, window = 0, 64
    while start < len(lengths):
        within = lengths[start : start + window]
        padded = np.maximum.accumulate(within).sum(axis=1) * np.arange(1, len(within) + 1)
        count = max(1, int(np.searchsorted(padded, token_budget, side="right")))
        if count == window:
            window *= 2
            continue
        yield start, start + count
        start += count


def make_batch(pairs: Sequence[EncodedPair], device: torch.device) -> Batch:
    targets = pad([pair.target for pair in pairs])
    inputs = np.concatenate([np.full((len(pairs), 1), BEGIN, dtype=np.int64), targets[:, :-1]], axis=1)
    source, lengths = source_batch([pair.source for pair in pairs], device)
    rows, positions = np.nonzero(targets != PAD)
    other_source = [False, *(not same_source(before, pair) for before, pair in pairwise(pairs))]
    return Batch(
        source,
        lengths,
        moved(inputs, device),
        moved(targets, device),
        moved(np.array([pair.weight for pair in pairs], dtype=np.float32), device),
        moved(np.cumsum(other_source, dtype=np.int64), device),
        moved(rows, device),
        moved(positions, device),
    )


def source_batch(sources: Sequence[Tokens], device: torch.device) -> tuple[Tensor, Tensor]:
    """Sources (B, S), padded, on the device, and their lengths (B) on the CPU."""
    lengths = torch.tensor([len(source) for source in sources])
    return moved(pad(sources), device), lengths


def moved(array: NDArray[np.generic], device: torch.device) -> Tensor:
    """The array on the device. To a GPU it goes from pinned memory, and nobody waits until it is there."""
    tensor = torch.from_numpy(array)
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)


def pad(rows: Sequence[Tokens]) -> NDArray[np.int64]:
    """(rows, longest row), PAD behind the end of each."""
    padded = np.full((len(rows), max(map(len, rows))), PAD, dtype=np.int64)
    for row, tokens in zip(padded, rows, strict=True):
        row[: len(tokens)] = tokens
    return padded
