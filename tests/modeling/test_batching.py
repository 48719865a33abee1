"""A plan of batches holds every pair once, within the budget, and depends on its arguments alone."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from modeling.batching import make_batch, plan_batches
from modeling.corpus import EncodedPair
from modeling.tokenization import BEGIN, END, PAD

lengths = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=80)


def pair(source: int, target: int, weight: float = 1.0) -> EncodedPair:
    ids = [np.array([5] * (length - 1) + [END], dtype=np.int32) for length in (source, target)]
    return EncodedPair(ids[0], ids[1], weight, 0, target)


@given(lengths, st.integers(16, 400), st.integers(0, 5))
def test_every_pair_once_within_the_budget(sizes: list[tuple[int, int]], budget: int, epoch: int) -> None:
    pairs = [pair(*size) for size in sizes]
    plan = plan_batches(pairs, token_budget=budget, seed=3, epoch=epoch)
    assert sorted(index for batch in plan for index in batch) == list(range(len(pairs)))
    for batch in plan:
        padded = len(batch) * (max(sizes[index][0] for index in batch) + max(sizes[index][1] for index in batch))
        assert padded <= budget or len(batch) == 1
    again = plan_batches(pairs, token_budget=budget, seed=3, epoch=epoch)
    assert [batch.tolist() for batch in plan] == [batch.tolist() for batch in again]
    assert len(plan) == len(plan_batches(pairs, token_budget=budget, seed=3, epoch=epoch + 1))


def test_inputs_are_the_targets_behind_a_begin_token() -> None:
    batch = make_batch([pair(2, 3, 0.5), pair(4, 1)], torch.device("cpu"))
    assert batch.targets.tolist() == [[5, 5, END], [END, PAD, PAD]]
    assert batch.inputs.tolist() == [[BEGIN, 5, 5], [BEGIN, END, PAD]]
    assert batch.source_lengths.tolist() == [2, 4]
    assert batch.weights.tolist() == [0.5, 1.0]
