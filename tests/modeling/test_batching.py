"""A plan of batches holds every pair once, within the budget, and depends on its arguments alone."""

from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modeling import batching
from modeling.batching import Planner, make_batch, padded_tokens, plan_batches
from modeling.corpus import EncodedPair
from modeling.tokenization import BEGIN, END, PAD

lengths = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=80)


def pair(source: int, target: int, weight: float = 1.0, word: int = 5) -> EncodedPair:
    ids = [np.array([word] * (length - 1) + [END], dtype=np.int32) for length in (source, target)]
    return EncodedPair(ids[0], ids[1], weight, 0, target)


@given(lengths, st.integers(16, 400), st.integers(0, 5))
def test_every_pair_once_within_the_budget(sizes: list[tuple[int, int]], budget: int, epoch: int) -> None:
    pairs = [pair(*size) for size in sizes]
    plan = plan_batches(pairs, token_budget=budget, seed=3, epoch=epoch)
    assert sorted(index for batch in plan for index in batch) == list(range(len(pairs)))
    for batch in plan:
        padded = len(batch) * (max(sizes[index][0] for index in batch) + max(sizes[index][1] for index in batch))
        assert padded <= budget or len(batch) == 1
        assert padded_tokens([pairs[index] for index in batch]) == padded
    again = plan_batches(pairs, token_budget=budget, seed=3, epoch=epoch)
    assert [batch.tolist() for batch in plan] == [batch.tolist() for batch in again]


@given(st.lists(st.tuples(st.integers(1, 9), st.lists(st.integers(1, 30), min_size=1, max_size=9)), max_size=20))
def test_pairs_of_one_source_are_packed_within_the_budget(sources: list[tuple[int, list[int]]]) -> None:
    """A row costs its source once and all its targets; a source is in a second row only where one was too long."""
    budget = 60
    pairs = [pair(9 + size, target, word=5 + n) for n, (size, targets) in enumerate(sources) for target in targets]
    pairs = [pairs[place] for place in np.random.default_rng(1).permutation(len(pairs))]
    plan = plan_batches(pairs, token_budget=budget, seed=3, packs=True)
    assert sorted(index for batch in plan for index in batch) == list(range(len(pairs)))
    rows: dict[int, list[int]] = {}
    for indices in plan:
        chosen = [pairs[index] for index in indices]
        groups = make_batch(chosen, torch.device("cpu")).groups.tolist()
        widths = []
        for group in sorted(set(groups)):
            of_group = [each for each, number in zip(chosen, groups, strict=True) if number == group]
            (word,) = {int(each.source[0]) for each in of_group}
            widths.append(len(of_group[0].source) + sum(len(each.target) for each in of_group))
            rows.setdefault(word, []).append(widths[-1])
        assert groups == sorted(groups)
        assert len(widths) * max(widths) <= budget
        assert padded_tokens(chosen, packs=True) == len(widths) * max(widths)
    for number, (size, targets) in enumerate(sources):
        assert len(rows[5 + number]) == 1 or 9 + size + sum(targets) > budget


def test_neighbours_change_with_the_epoch_and_little_is_padded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In random order nearly every batch would be padded to 29 and 29 tokens: 1.76 times the 33 of the mean pair."""
    monkeypatch.setattr(batching, "POOL", 20)
    draw = np.random.default_rng(2)
    pairs = [pair(*map(int, draw.integers(4, 30, size=2))) for _ in range(4000)]
    planner = Planner(pairs, token_budget=1000, seed=1)
    plans = [planner.plan(0), planner.plan(1)]
    together = [{(one, other) for batch in plan for one in batch for other in batch if one < other} for plan in plans]
    assert len(together[0] & together[1]) < 0.15 * len(together[0])
    padded = sum(padded_tokens([pairs[index] for index in batch]) for batch in plans[0])
    assert padded < 1.35 * sum(len(each.source) + len(each.target) for each in pairs)


def test_batches_go_on_from_any_position() -> None:
    pairs = [pair(3 + n % 7, 2 + n % 5, word=5 + n) for n in range(40)]

    def first(count: int, epoch: int = 0, position: int = 0) -> list[tuple[list[int], int, int]]:
        stream = islice(Planner(pairs, token_budget=64, seed=1).batches(epoch, position), count)
        return [([int(each.source[0]) for each in batch], *behind) for batch, *behind in stream]

    whole = first(30)
    assert {epoch for _, epoch, _ in whole} >= {0, 1, 2}
    for taken in range(1, 29):
        assert first(30 - taken, *whole[taken - 1][1:]) == whole[taken:]


def test_inputs_are_the_targets_behind_a_begin_token() -> None:
    batch = make_batch([pair(2, 3, 0.5), pair(4, 1), pair(4, 2)], torch.device("cpu"))
    assert batch.targets.tolist() == [[5, 5, END], [END, PAD, PAD], [5, END, PAD]]
    assert batch.inputs.tolist() == [[BEGIN, 5, 5], [BEGIN, END, PAD], [BEGIN, 5, END]]
    assert batch.source_lengths.tolist() == [2, 4, 4]
    assert batch.weights.tolist() == [0.5, 1.0, 1.0]
    assert batch.groups.tolist() == [0, 1, 1]
    assert (batch.rows.tolist(), batch.positions.tolist()) == ([0, 0, 0, 1, 2, 2], [0, 1, 2, 0, 0, 1])
