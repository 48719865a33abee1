"""Who gets what: drawn, balanced, and never more than asked."""

import random
from collections import Counter
from itertools import combinations, permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from annotations.campaigns.assignment.choice import pick_item
from annotations.campaigns.assignment.matching import cheapest
from annotations.campaigns.assignment.order import ShownBefore, secret_draw
from annotations.campaigns.assignment.sampling import sample_sources
from annotations.campaigns.assignment.tally import Tally, shown_as

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


@given(st.integers(2, 7), st.integers(1, 4), st.integers(1, 40), st.text(min_size=1, max_size=3))
def test_screens_that_show_a_part_are_even_over_systems_partners_and_places(
    systems: int, texts: int, screens: int, secret: str
) -> None:
    """At every moment, for each rater. Two on a screen meet within one of all other pairs; of more than two that cannot
    be: the second screen of three repeats a pair before all have met."""
    assume(texts < systems)
    before, names = ShownBefore(list(range(systems)), texts=texts), list(range(systems))
    for item in range(screens):
        order = before.order([[name] for name in names], item, draw=secret_draw(secret, item))
        assert len(set(order)) == len(order) == texts
        before.rater.add(shown_as([[name] for name in order]))
        counts, met = before.rater.counts, before.rater.met
        shown = [sum(counts[name, place] for place in range(texts)) for name in names]
        assert max(shown) - min(shown) <= (1 if texts in (1, systems - 1) else 2)
        for place in range(texts):
            at = [counts[name, place] for name in names]
            assert max(at) - min(at) <= (1 if texts == 1 else 2)
        if texts == 2:
            together = [met[pair] for pair in combinations(names, 2)]
            assert max(together) - min(together) <= 1


def test_an_item_gets_the_texts_that_it_lacks_where_a_rater_is_due_any() -> None:
    """Four raters who come for the first time, two of four texts a screen: each text is shown twice."""
    history: list[str] = []
    for rater in range(4):
        before = ShownBefore([1, 2, 3, 4], items={9: history}, texts=2)
        order = before.order([[1], [2], [3], [4]], 9, draw=secret_draw("s", rater))
        history.append(shown_as([[text + 1] for text in order]))
    assert Counter(system for shown in history for system in shown.split()) == Counter(["1", "2", "3", "4"] * 2)
    due = ShownBefore([1, 2, 3, 4], rater=Tally([("1 2", 1)], meetings=True), items={1: ["3 4"], 2: ["1 2"]}, texts=2)
    assert due.misfit(1) > 0 > due.misfit(2), "3 and 4 are due: the second item lacks them"


def test_of_many_systems_only_some_blocks_are_compared() -> None:
    systems = list(range(40))
    before = ShownBefore(systems, texts=4)
    for item in range(20):
        order = before.order([[name] for name in systems], item, draw=secret_draw("s", item))
        before.rater.add(shown_as([[name] for name in order]))
    shown = [sum(before.rater.counts[name, place] for place in range(4)) for name in systems]
    assert (min(shown), max(shown)) == (2, 2)


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


@given(st.integers(2, 7), st.integers(1, 40), st.text(min_size=1, max_size=3))
def test_beside_a_system_that_is_shown_always_the_others_are_even_and_its_sides_are(
    systems: int, screens: int, secret: str
) -> None:
    """At every moment, for each rater: the other systems within one, and the first one's sides within one."""
    texts = [[system] for system in range(systems)]
    before = ShownBefore(list(range(systems)), texts=2 if systems > 2 else 0, always=frozenset([0]))
    for item in range(screens):
        order = before.order(texts, item, draw=secret_draw(secret, item))
        assert len(order) == 2
        assert 0 in order
        before.rater.add(shown_as([texts[text] for text in order]))
        counts = before.rater.counts
        assert abs(counts[0, 0] - counts[0, 1]) <= 1
        beside = [counts[system, 0] + counts[system, 1] for system in range(1, systems)]
        assert max(beside) - min(beside) <= 1


def test_an_items_raters_see_every_system_beside_the_one_that_is_shown_always() -> None:
    history: list[str] = []
    for rater in range(6):
        before = ShownBefore([7, 8, 9, 10], items={1: history}, texts=2, always=frozenset([9]))
        order = before.order([[7], [8], [9], [10]], 1, draw=secret_draw("s", rater))
        history.append(shown_as([[7 + text] for text in order]))
    assert Counter(system for shown in history for system in shown.split()) == Counter(
        {"9": 6, "7": 2, "8": 2, "10": 2}
    )
    due = ShownBefore([7, 8, 9], rater=Tally([("7 9", 1)], meetings=True), items={1: ["7 9"], 2: ["9 8"]}, texts=2,
                      always=frozenset([9]))  # fmt: skip
    assert due.misfit(2) > due.misfit(1), "8 is due beside 9: the first item lacks it"


@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=10, max_size=40), st.text(max_size=3))
def test_the_sides_of_a_system_that_is_shown_always_are_even_whatever_texts_are_alike(
    screens: list[list[int]], secret: str
) -> None:
    """Of each screen's four systems those with the same number wrote the same."""
    before = ShownBefore([0, 1, 2, 3], texts=2, always=frozenset([0]))
    for item, alike in enumerate(screens):
        texts = [[system for system in range(4) if alike[system] == text] for text in dict.fromkeys(alike)]
        if len(texts) < 2:
            continue
        order = before.order(texts, item, draw=secret_draw(secret, item))
        assert [0 in texts[text] for text in order].count(True) == 1
        before.rater.add(shown_as([texts[text] for text in order]))
        assert abs(before.rater.counts[0, 0] - before.rater.counts[0, 1]) <= 1
