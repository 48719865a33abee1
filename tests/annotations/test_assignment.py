"""Who gets what: drawn by the seed, balanced, and never more than asked."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.assignment.choice import candidate_order, pick_item
from annotations.assignment.sampling import sample_sources

photos = st.lists(st.integers(0, 12), min_size=1, max_size=60)


@given(photos, st.integers(0, 99), st.data())
def test_every_photo_once_before_any_twice(photos: list[int], seed: int, data: st.DataObject) -> None:
    sources = list(enumerate(photos))
    count = data.draw(st.integers(1, len(sources)))
    chosen = sample_sources(sources, count, seed=seed)
    assert len(set(chosen)) == count
    times = Counter(photos[source] for source in chosen)
    there = Counter(photos)
    for photo in there:
        fewest = min((times[other] for other in there if times[other] < there[other]), default=count)
        assert times[photo] <= fewest + 1
    assert chosen == sample_sources(list(reversed(sources)), count, seed=seed)


def test_more_than_there_is_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        sample_sources([(1, 1), (2, 2)], 3, seed=1)


@given(st.integers(1, 6), st.text(max_size=4), st.integers(0, 30))
def test_each_candidate_stands_once_at_every_place(count: int, seed: str, first: int) -> None:
    candidates = list(range(count))
    orders = [candidate_order(candidates, turn=first + turn, seed=seed) for turn in range(count)]
    for place in range(count):
        assert sorted(order[place] for order in orders) == candidates


@given(st.lists(st.tuples(st.integers(), st.integers(0, 3)), min_size=1, max_size=16), st.text(max_size=5))
def test_what_was_taken_least_comes_first(waiting: list[tuple[int, int]], seed: str) -> None:
    picked = pick_item(waiting, seed=seed)
    least = min(taken for _, taken in waiting)
    assert (picked, least) in waiting
    assert picked == pick_item(waiting, seed=seed)
