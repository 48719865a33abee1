"""Exact tests against another library, a published figure and counts by hand; and that they keep to their level."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from annotations.reasons import Reason
from annotations.statistics.differences import paired_difference
from annotations.statistics.exact import exact_choice_tests, exact_tests
from annotations.statistics.permutation import DRAWS, Exact, label_permutation, sign_flips
from annotations.statistics.uncertainty import Floats, Ints


def sign_flip(contributions: Floats) -> Exact:
    (found,) = sign_flips([contributions])
    return found


def test_darwins_plants() -> None:
    """Fisher (1935, section 21): of the 2^15 signs of Darwin's differences 1,726 give a sum as large, 5.267 %."""
    differences = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], dtype=float)
    assert sign_flip(differences).p == 1726 / 2**15
    assert sign_flip(differences).smallest == 2 / 2**15


@pytest.mark.parametrize("units", [2, 3, 6, 9, 13])
def test_signs_are_flipped_as_another_library_flips_them(units: int) -> None:
    """With units of unequal weights, and with equal ones whose sums tie."""
    draw = np.random.default_rng(units)
    for values in (draw.normal(0.5, 1, units) * draw.integers(1, 9, units), draw.integers(-2, 4, units).astype(float)):
        other = stats.permutation_test(
            (values, np.zeros(units)),
            lambda first, second, axis: (first - second).sum(axis=axis),
            permutation_type="samples",
            n_resamples=10**5,
        )
        assert sign_flip(values).p == pytest.approx(other.pvalue, abs=1e-6)


def test_many_units_are_drawn_and_alike_whatever_is_beside() -> None:
    draw = np.random.default_rng(3)
    values, more = draw.normal(0.25, 1, 60), draw.normal(0, 1, 500)
    found = sign_flip(values)
    assert not found.complete
    assert found.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.01)
    assert sign_flips([more, values, values[:5]])[1] == found
    assert sign_flip(np.ones(60)).p == 1 / (DRAWS + 1), "never zero"
    assert "2,000" in str(sign_flip(np.ones(2001)).undefined)


@pytest.mark.parametrize(("first", "second"), [(2, 2), (3, 3), (2, 5), (6, 4)])
def test_raters_of_one_system_each_are_divided_as_another_library_does(first: int, second: int) -> None:
    """Raters with unequal numbers of scores, which go along with their sums."""
    draw = np.random.default_rng(first)
    counts = draw.integers(1, 6, first + second).astype(float)
    sums = draw.normal(0, 1, first + second) * counts

    def apart(one: Floats, other: Floats) -> float:
        one, other = one.astype(int), other.astype(int)
        return abs(float(sums[one].sum() / counts[one].sum() - sums[other].sum() / counts[other].sum()))

    places = np.arange(first + second)
    other = stats.permutation_test(
        (places[:first].astype(float), places[first:].astype(float)),
        apart,
        permutation_type="independent",
        alternative="greater",
        vectorized=False,
        n_resamples=10**5,
    )
    assert label_permutation(sums, counts, places < first).p == pytest.approx(other.pvalue, abs=1e-6)


def crossed(items: int, raters: int) -> tuple[Ints, Ints]:
    return np.repeat(np.arange(items), raters), np.tile(np.arange(raters), items)


def test_where_every_rater_scored_both_it_is_the_estimate_whose_signs_are_flipped() -> None:
    draw = np.random.default_rng(5)
    items, raters = crossed(12, 7)
    first, second = draw.normal(0.4, 1, (2, len(items)))
    second[raters == 3] += 0.3
    (found,) = exact_tests([(first, second)], items, raters, items // 3)
    estimate = paired_difference(first, second, items, raters).estimate
    for codes, test in ((raters, found.by_raters), (items // 3, found.by_albums)):
        means = np.bincount(codes, first - second) / np.bincount(codes)
        assert means.mean() == pytest.approx(estimate.value)
        other = stats.permutation_test((means, np.zeros_like(means)), lambda one, two: (one - two).sum(),
                                       permutation_type="samples", vectorized=False, n_resamples=10**5)  # fmt: skip
        assert test.p == pytest.approx(other.pvalue, abs=1e-6)
        assert test.units == len(means)
    assert (found.raters, found.both, found.constant) == (7, 7, False)


def test_nobody_disagreed() -> None:
    """Eight raters who always give one point more: two of 256 choices of signs, and no 7e-33."""
    items, raters = crossed(10, 8)
    second = (items + raters).astype(float)
    (found,) = exact_tests([(second + 1, second)], items, raters, items)
    assert found.constant
    assert (found.by_raters.p, found.by_albums.p, found.p) == (2 / 2**8, 2 / 2**10, 2 / 2**8)


def test_raters_who_each_saw_one_system() -> None:
    """45 items; three raters see A alone and give 2, 3 and 4, three see B alone and give 1, 2 and 3."""
    given = {0: (2, 3, 4), 1: (1, 2, 3)}
    items, raters = crossed(45, 6)
    scores = np.full((2, len(items)), np.nan)
    for system, levels in given.items():
        for place, level in enumerate(levels):
            scores[system, raters == 3 * system + place] = level
    (found,) = exact_tests([(scores[0], scores[1])], items, raters, items)
    everybody = [2, 3, 4, 1, 2, 3]
    as_large = [sum(group) for group in combinations(everybody, 3) if abs(2 * sum(group) - 15) >= 3]
    assert found.by_raters.p == len(as_large) / 20
    assert found.by_albums.p is None
    assert found.by_albums.undefined == Reason("raters_apart")
    assert (found.raters, found.both) == (6, 0)


def test_it_errs_no_more_often_than_it_says_where_a_rater_sees_one_text_of_an_item() -> None:
    """Each rater scores both systems, never on the same item, with a leaning of their own; systems are equal."""
    draw, runs, wrong = np.random.default_rng(7), 400, np.zeros(2)
    for _ in range(runs):
        items, raters = crossed(16, 8)
        kept = draw.random(len(items)) < 0.6
        items, raters = items[kept], raters[kept]
        system = draw.integers(0, 2, len(items))
        common = draw.normal(0, 1, 16)[items] + draw.normal(0, 1, 8)[raters] + draw.normal(0, 1, len(items))
        scores = np.where(system == np.arange(2)[:, None], common, np.nan)
        (found,) = exact_tests([(scores[0], scores[1])], items, raters, items)
        assert found.by_raters.p is not None
        assert found.by_albums.p is not None
        wrong += [found.by_raters.p <= 0.05, found.by_albums.p <= 0.05]
    assert (wrong / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5).all()
    assert (wrong > 0).all()


def test_direct_comparisons() -> None:
    """Three raters prefer a over b by 3, 2 and −1 comparisons; ties count nothing."""
    rows = [(0, 1, 1.0, 0)] * 3 + [(1, 0, 0.0, 1)] * 2 + [(0, 1, 0.5, 1), (0, 1, 0.0, 2), (2, 0, 1.0, 2)]
    first, second, outcome, raters = (np.array(column) for column in zip(*rows, strict=True))
    found, never = exact_choice_tests([(0, 1), (1, 2)], first, second, outcome, raters, np.zeros(len(rows), dtype=int))
    assert found.by_raters.p == 4 / 8, "sums of ±3 ±2 ±1 that reach 4: +3+2+1, +3+2−1 and their opposites"
    assert str(found.by_albums.undefined) == "all items are of one album"
    assert str(never.by_raters.undefined) == "the two were never compared directly"
