"""Which examples are trained on together, and the tensors made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from modeling.corpus import EncodedPair, Tokens
from modeling.tokenization import BEGIN, PAD

Plan = list[NDArray[np.int64]]


@dataclass(frozen=True)
class Batch:
    """B pairs, S the longest source, T the longest target.

    source (B, S), source_lengths (B) on the CPU, inputs (B, T) the target behind a begin token, targets (B, T),
    weights (B), groups (B): neighbouring rows of equal number have the same source. PAD fills up sources and targets
    and is never predicted.
    """

    source: Tensor
    source_lengths: Tensor
    inputs: Tensor
    targets: Tensor
    weights: Tensor
    groups: Tensor


def plan_batches(pairs: Sequence[EncodedPair], *, token_budget: int, seed: int, epoch: int) -> Plan:
    """Every pair once, in batches of like lengths whose padded tokens stay within the budget.

    A pure function of (lengths, token_budget, seed, epoch). A pair longer than the budget makes a batch of its own. The
    number of batches is the same in every epoch, for only pairs of equal lengths change places before batches are cut.
    """
    sources = np.array([len(pair.source) for pair in pairs])
    targets = np.array([len(pair.target) for pair in pairs])
    generator = np.random.default_rng([seed, epoch])
    order = np.lexsort((generator.permutation(len(pairs)), sources, targets))
    batches: Plan = []
    start, longest = 0, 0
    for position, pair in enumerate(order):
        width = int(sources[pair])
        if position > start and (position - start + 1) * (max(longest, width) + targets[pair]) > token_budget:
            batches.append(order[start:position])
            start, longest = position, 0
        longest = max(longest, width)
    if len(order):
        batches.append(order[start:])
    return [batches[each] for each in generator.permutation(len(batches))]


def make_batch(pairs: Sequence[EncodedPair], device: torch.device) -> Batch:
    targets = pad([pair.target for pair in pairs])
    inputs = np.concatenate([np.full((len(pairs), 1), BEGIN, dtype=np.int64), targets[:, :-1]], axis=1)
    source, lengths = source_batch([pair.source for pair in pairs], device)
    weights = torch.tensor([pair.weight for pair in pairs], dtype=torch.float32)
    another = [pair.source is not before.source for before, pair in pairwise([pairs[0], *pairs])]
    return Batch(
        source,
        lengths,
        torch.from_numpy(inputs).to(device),
        torch.from_numpy(targets).to(device),
        weights.to(device),
        torch.tensor(another).cumsum(dim=0).to(device),
    )


def source_batch(sources: Sequence[Tokens], device: torch.device) -> tuple[Tensor, Tensor]:
    """Sources (B, S), padded, on the device, and their lengths (B) on the CPU."""
    lengths = torch.tensor([len(source) for source in sources])
    return torch.from_numpy(pad(sources)).to(device), lengths


def pad(rows: Sequence[Tokens]) -> NDArray[np.int64]:
    """(rows, longest row), PAD behind the end of each."""
    padded = np.full((len(rows), max(map(len, rows))), PAD, dtype=np.int64)
    for row, tokens in zip(padded, rows, strict=True):
        row[: len(tokens)] = tokens
    return padded
