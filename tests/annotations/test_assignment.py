"""Who gets what: drawn, balanced, and never more than asked."""

import random
from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.assignment.choice import pick_item
from annotations.assignment.order import ShownBefore, Tally, cheapest, secret_draw, shown_as
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


def spread(orders: list[list[int]], place: int, systems: int) -> int:
    counts = [sum(order[place] == system for order in orders) for system in range(systems)]
    return max(counts) - min(counts)


@given(st.integers(1, 6), st.integers(1, 20), st.text(min_size=1, max_size=4), st.data())
def test_each_system_stands_at_each_place_within_one_at_every_moment(
    systems: int, screens: int, secret: str, data: st.DataObject
) -> None:
    """Whatever the items were shown as to others, the rater's own screens come first."""
    before, shown = ShownBefore(list(range(systems))), []
    orders = st.permutations(range(systems)).map(lambda order: shown_as([[system] for system in order]))
    for item in range(screens):
        before.items[item] = data.draw(st.lists(orders, max_size=3))
        before.around = Tally((each, 1) for each in before.items[item])
        texts = [[system] for system in data.draw(st.permutations(range(systems)))]
        order = [texts[place] for place in before.order(texts, item, draw=secret_draw(secret, item))]
        before.rater.add(shown_as(order))
        shown.append([system for [system] in order])
        assert max(spread(shown, place, systems) for place in range(systems)) <= 1
        assert sorted(shown[-1]) == list(range(systems))


@given(st.integers(2, 5), st.text(min_size=1, max_size=3))
def test_an_items_raters_see_each_system_once_at_every_place(systems: int, secret: str) -> None:
    """Where nothing else speaks: raters who come for the first time."""
    texts, history, orders = [[system] for system in range(systems)], [], []
    for rater in range(systems):
        before = ShownBefore(list(range(systems)), items={1: history})
        assert before.misfit(1) == 0
        order = before.order(texts, 1, draw=secret_draw(secret, rater))
        history.append(shown_as([texts[place] for place in order]))
        orders.append(order)
    assert all(len(set(places)) == systems for places in zip(*orders, strict=True))
    due = ShownBefore([0, 1], rater=Tally([("0 1", 1)]), items={1: ["0 1"], 2: ["1 0"], 3: ["0 1", "0 1"]})
    assert due.misfit(2) > due.misfit(1) == 0 > due.misfit(3), (
        "what is due to the rater is new to it, known, or makes up"
    )


@given(st.lists(st.sampled_from([[[0], [1], [2]], [[0, 1], [2]], [[0, 1, 2]]]), min_size=30, max_size=60))
def test_a_text_of_several_systems_counts_for_each_of_them(screens: list[list[list[int]]]) -> None:
    before = ShownBefore([0, 1, 2])
    for item, texts in enumerate(screens):
        order = before.order(texts, item, draw=secret_draw("s", item))
        assert sorted(order) == list(range(len(texts)))
        before.rater.add(shown_as([texts[place] for place in order]))
    first = [before.rater.counts[system, 0] for system in range(3)]
    assert max(first) - min(first) <= 2


@given(st.integers(1, 5), st.data())
def test_the_lowest_sum_is_that_of_trying_everything(count: int, data: st.DataObject) -> None:
    row = st.lists(st.integers(-(10**30), 10**30) | st.integers(-3, 3), min_size=count, max_size=count)
    costs = data.draw(st.lists(row, min_size=count, max_size=count))
    rows = cheapest(costs)
    assert sorted(rows) == list(range(count))
    tried = (sum(costs[r][column] for column, r in enumerate(order)) for order in permutations(range(count)))
    assert sum(costs[r][column] for column, r in enumerate(rows)) == min(tried)


def test_orders_are_as_many_as_there_are_and_follow_the_secret() -> None:
    texts = [[0], [1], [2]]

    def drawn(secret: str) -> list[tuple[int, ...]]:
        return [tuple(ShownBefore([0, 1, 2]).order(texts, 1, draw=secret_draw(secret, n))) for n in range(600)]

    counts = Counter(drawn("a"))
    assert len(counts) == 6
    assert max(counts.values()) < 150  # 100 each on average
    assert drawn("a") == drawn("a") != drawn("b")


@given(st.lists(st.tuples(st.integers(), st.integers(0, 3)), min_size=1, max_size=16), st.text(max_size=5))
def test_what_was_taken_least_comes_first_and_of_those_what_fits(waiting: list[tuple[int, int]], seed: str) -> None:
    def misfit(item: int) -> int:
        return abs(item) % 3

    picked = pick_item(waiting, draw=random.Random(seed), misfit=misfit)
    least = min(taken for _, taken in waiting)
    assert (picked, least) in waiting
    assert misfit(picked) == min(misfit(item) for item, taken in waiting if taken == least)
    assert picked == pick_item(waiting, draw=random.Random(seed), misfit=misfit)
