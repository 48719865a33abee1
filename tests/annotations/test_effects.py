"""Effect sizes, equivalence and expected wins against other libraries, brute force, and simulations of known truth."""

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from annotations.reasons import Reason
from annotations.statistics.differences import paired_difference
from annotations.statistics.effects import (
    standardised_difference,
    standardised_scores,
    superiority,
    superiority_scores,
)
from annotations.statistics.equivalence import detectable, equivalence, simultaneous_interval
from annotations.statistics.estimate import Estimate
from annotations.statistics.uncertainty import Floats, Ints
from annotations.statistics.wins import expected_wins, wins_by_scores

NAN = np.nan


def points(draw: np.random.Generator, count: int) -> Floats:
    return draw.integers(1, 6, count).astype(float)


def apart(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Scores of raters of whom none scored both."""
    return np.r_[first, np.full(len(second), NAN)], np.r_[np.full(len(first), NAN), second]


def test_superiority_of_raters_of_one_system_each_is_the_mann_whitney_statistic() -> None:
    draw = np.random.default_rng(0)
    first, second = points(draw, 9), points(draw, 7)
    found = superiority(*apart(first, second), np.zeros(16, int), np.arange(16))
    assert found.value == pytest.approx(stats.mannwhitneyu(first, second).statistic / 63, abs=1e-12)


def test_of_too_many_screens_there_is_the_same_value_without_an_interval() -> None:
    draw = np.random.default_rng(8)
    first, second, items = points(draw, 30), points(draw, 30), np.repeat(np.arange(10), 3)
    first[draw.random(30) < 0.4] = second[:9] = NAN
    for effect in (superiority, standardised_difference):
        whole = effect(first, second, items, np.arange(30) % 7)
        short = effect(first, second, items, np.arange(30) % 7, most=29)
        assert (short.value, short.interval) == (pytest.approx(whole.value, abs=1e-12), None)
        assert str(short.undefined) == "it is computed for at most 29 screens"


def test_superiority_counts_screens_where_raters_scored_both() -> None:
    """Three screens above, one tied, two below; an item that also has scores of one system each is of its own pairs."""
    first, second = np.array([5.0, 4, 3, 2, 1, 1, 5]), np.array([4.0, 3, 1, 2, 2, 3, NAN])
    found = superiority(first, second, np.array([0, 1, 2, 3, 4, 5, 5]), np.array([0, 1, 2, 0, 1, 2, 0]))
    assert found.value == pytest.approx(3.5 / 6, abs=1e-12)


def dropped(scores: Floats, rater: int) -> Floats:
    kept = scores.copy()
    kept[rater] = NAN
    return kept


def test_dropping_a_rater_moves_the_scores_as_the_probability_itself() -> None:
    """So that what clusters, or is left out one by one, gives the error of the probability: by brute force."""
    draw = np.random.default_rng(1)
    items = np.repeat(np.arange(6), 7)
    first, second = np.full(42, NAN), np.full(42, NAN)
    for item in range(6):
        size = 3 + item % 3
        first[7 * item : 7 * item + size] = points(draw, size)
        second[7 * item + size : 7 * item + 7] = points(draw, 7 - size)
    made = superiority_scores(first, second, items)

    def brute(one: Floats, other: Floats) -> float:
        shares, weights = [], []
        for item in range(6):
            a, b = (scores[(items == item) & ~np.isnan(scores)] for scores in (one, other))
            shares.append(np.mean([(x > y) + (x == y) / 2 for x, y in product(a, b)]))
            weights.append(2 / (1 / len(a) + 1 / len(b)))
        return float(np.average(shares, weights=weights))

    for rater in range(42):
        moved = paired_difference(dropped(made.first, rater), dropped(made.second, rater), items, np.arange(42))
        expected = brute(dropped(first, rater), dropped(second, rater))
        assert (moved.estimate.value or 0) + made.origin == pytest.approx(expected, abs=1e-12)


def test_d_z_is_the_paired_t_statistic_over_the_root_of_the_items() -> None:
    draw = np.random.default_rng(2)
    first, second = draw.normal(0.4, 1, 60), draw.normal(0, 1, 60)
    found = standardised_difference(first, second, np.arange(60), np.zeros(60, int))
    assert found.value == pytest.approx(stats.ttest_rel(first, second).statistic / 60**0.5, abs=1e-12)
    by_two = standardised_difference(
        np.repeat(first, 2) + np.tile([1.0, -1.0], 60),
        np.repeat(second, 2),
        np.repeat(np.arange(60), 2),
        np.arange(120),
    )
    assert by_two.value == pytest.approx(found.value), "over items' means, whatever their raters"


def test_the_error_of_d_z_is_that_of_leaving_items_out() -> None:
    draw = np.random.default_rng(3)
    differences = draw.gamma(2, 1, 200) - 1
    made = standardised_scores(differences, np.zeros(200), np.arange(200))
    found = paired_difference(made.first, made.second, np.arange(200), np.arange(200)).estimate
    assert found is not None
    left_out = np.array([np.delete(differences, item) for item in range(200)])
    each = left_out.mean(axis=1) / left_out.std(axis=1, ddof=1)
    jackknife = (199 / 200 * ((each - each.mean()) ** 2).sum()) ** 0.5
    assert found.error == pytest.approx(jackknife, rel=0.03)


def crossed(
    draw: np.random.Generator, *, items: int, raters: int, systems: int, means: Floats
) -> tuple[Floats, Ints, Ints]:
    """Scores (ratings, systems) by three raters per item who take to systems differently."""
    item = np.repeat(np.arange(items), 3)
    rater = np.argsort(draw.random((items, raters)), axis=1)[:, :3].ravel()
    scores = draw.normal(size=(len(item), 1)) + means + 0.5 * draw.normal(size=(items, systems))[item]
    scores += 0.2 * draw.normal(size=(raters, systems))[rater] + 0.7 * draw.normal(size=(len(item), systems))
    return scores, item, rater


def test_intervals_of_effect_sizes_hold_their_truth() -> None:
    """Differences are normal with item, rater and residual variances 0.5, 0.08 and 0.98; three raters per item."""
    draw, runs = np.random.default_rng(4), 400
    truths = stats.norm.cdf(0.5 / 1.56**0.5), 0.5 / (0.5 + (0.08 + 0.98) / 3) ** 0.5
    held = np.zeros(2)
    for _ in range(runs):
        scores, items, raters = crossed(draw, items=60, raters=12, systems=2, means=np.array([0.5, 0.0]))
        for place, effect in enumerate((superiority, standardised_difference)):
            found = effect(scores[:, 0], scores[:, 1], items, raters).interval
            held[place] += found is not None and found[0] <= truths[place] <= found[1]
    assert (held / runs >= 0.93).all()
    assert (held / runs <= 0.985).all()


def test_effect_sizes_that_are_not_there_say_why() -> None:
    one, items = np.array([3.0, 4.0, 5.0]), np.arange(3)
    assert str(superiority(one, np.full(3, NAN), items, items).undefined) == "no item has scores of both"
    assert (
        str(standardised_difference(one, one - 1, items, items).undefined)
        == "the difference is the same for every item"
    )
    single = standardised_difference(one[:1], one[:1] - 1, items[:1], items[:1])
    assert str(single.undefined) == "a single item cannot show how items differ"
    always = superiority(one, one - 1, items, items)
    assert (always.value, always.interval, always.undefined) == (1.0, None, Reason("nothing_varied"))


@pytest.mark.parametrize("margin", [0.2, 0.5, 1.5])
def test_equivalence_is_that_of_another_library(margin: float) -> None:
    """One rater: our error is the plain one of the paired differences, with items − 1 degrees of freedom."""
    draw = np.random.default_rng(5)
    first, second = draw.normal(0.15, 1, 40), draw.normal(0, 1, 40)
    estimate = paired_difference(first, second, np.arange(40), np.zeros(40, int)).estimate
    found = equivalence(estimate, margin)
    assert found.p == pytest.approx(ttost_paired(first, second, -margin, margin)[0], abs=1e-9)
    assert found.interval == pytest.approx(stats.ttest_rel(first, second).confidence_interval(0.9), abs=1e-9)
    assert found.interval is not None
    assert (found.p < 0.05) == (-margin < found.interval[0] and found.interval[1] < margin)


def test_equivalence_without_an_interval_is_not_tested() -> None:
    assert "nothing varied" in str(equivalence(Estimate(0.0, (0.0, 0.0), error=0.0, p=1.0, freedom=9.0), 1.0).undefined)
    assert "no interval" in str(equivalence(Estimate(0.0), 1.0).undefined)
    with pytest.raises(ValueError, match="margin: 0 must be above 0"):
        equivalence(Estimate(0.0, (-2.0, 2.0), error=1.0, p=1.0, freedom=9.0), 0)


@pytest.mark.parametrize(("count", "alpha", "wanted"), [(5, 0.05, 0.8), (30, 0.05, 0.8), (200, 0.05 / 15, 0.9)])
def test_the_detectable_difference_is_that_of_another_library(count: int, alpha: float, wanted: float) -> None:
    """An error of 0.3 with n − 1 degrees of freedom is one of n observations with a deviation of 0.3 √n."""
    size = TTestPower().solve_power(nobs=count, alpha=alpha, power=wanted)
    assert detectable(0.3, count - 1, alpha=alpha, power=wanted) == pytest.approx(size * count**0.5 * 0.3, rel=1e-5)


def test_the_detectable_difference_with_very_few_clusters_is_found_by_simulation() -> None:
    """Where the noncentral t itself has no digits left: two raters, and 45 pairs that share alpha."""
    size = detectable(1.0, 1.0, alpha=0.05 / 45)
    assert size is not None
    draw = np.random.default_rng(6)
    t = (draw.normal(size=200_000) + size) / np.abs(draw.normal(size=200_000))
    assert np.mean(t > stats.t.ppf(1 - 0.05 / 90, 1)) == pytest.approx(0.8, abs=0.005)


@pytest.mark.once
def test_intervals_for_all_pairs_hold_together() -> None:
    """No system is better: all six intervals of four systems hold 0 in 94 of 100 studies; plain ones do not."""
    draw, runs = np.random.default_rng(7), 300
    together = alone = 0
    for _ in range(runs):
        scores, items, raters = crossed(draw, items=50, raters=10, systems=4, means=np.zeros(4))
        found = [
            paired_difference(scores[:, one], scores[:, other], items, raters).estimate
            for one, other in combinations(range(4), 2)
        ]
        joint = [simultaneous_interval(each, 6) for each in found if each]
        together += all(low <= 0 <= high for low, high in filter(None, joint))
        alone += all(each.interval[0] <= 0 <= each.interval[1] for each in found if each and each.interval)
    assert together / runs >= 0.94
    assert alone / runs < 0.9


def test_expected_wins_by_hand() -> None:
    """a beat b in 6 of 8 decided, c in 1 of 2; b never met c: a has (0.75 + 0.5) / 2."""
    wins = np.array([[0, 6, 1], [2, 0, 0], [1, 0, 0]])
    found = expected_wins(wins)
    assert [(each.value, each.opponents) for each in found] == [(0.625, 2), (0.25, 1), (0.5, 1)]
    assert expected_wins(np.zeros((2, 2), int))[0] == (None, 0)
    scores = np.array([[3.0, 1.0, NAN], [2.0, 2.0, 5.0], [1.0, NAN, 0.0]])
    assert wins_by_scores(scores).tolist() == [[0, 1, 1], [0, 0, 0], [1, 1, 0]]
