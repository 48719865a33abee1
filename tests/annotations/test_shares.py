"""Intervals of shares: another library's limits, and the truth held where items and raters lean to one side."""

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy import stats
from scipy.special import expit
from statsmodels.stats.proportion import proportion_confint

from annotations.statistics.shares import clustered_share


def test_of_one_rater_and_items_that_stand_alone_it_is_wilsons_by_student() -> None:
    won = np.array([1.0] * 30 + [0.0] * 10)
    found = clustered_share(won, np.arange(40), np.zeros(40, dtype=int))
    alike = 2 * stats.norm.sf(stats.t.ppf(0.975, 39))
    assert found.effective == pytest.approx(39), "p (1 − p) / (s² / n)"
    assert found.interval == pytest.approx(proportion_confint(0.75 * 39, 39, alpha=alike, method="wilson"))


def test_answers_that_repeat_each_other_count_once() -> None:
    """Ten items, each answered alike by all of forty raters, are about as good as ten answers."""
    items, raters = np.repeat(np.arange(10), 40), np.tile(np.arange(40), 10)
    found = clustered_share((items < 7).astype(float), items, raters)
    assert found.effective is not None
    assert 8 <= found.effective <= 10


@pytest.mark.parametrize(("items", "raters", "count"), [(50, 3, 3), (5, 20, 5), (12, 1, 12)])
def test_where_all_fell_the_same_way_the_rarer_clusters_count(items: int, raters: int, count: int) -> None:
    item, rater = np.repeat(np.arange(items), raters), np.tile(np.arange(raters), items)
    found = clustered_share(np.ones(len(item)), item, rater)
    assert found.interval == pytest.approx(proportion_confint(count, count, method="wilson"))
    assert "went the same way" in str(found.note)


def test_without_answers_or_clusters_there_is_no_interval() -> None:
    none = np.zeros(0, dtype=int)
    assert clustered_share(np.zeros(0), none, none) == (None, None, None, None)
    same = np.zeros(4, dtype=int)
    found = clustered_share(np.array([1.0, 0, 1, 1]), same, same)
    assert (found.share, found.interval) == (0.75, None)
    assert "an interval needs" in str(found.note)


@pytest.mark.once
@pytest.mark.parametrize(
    ("lean", "by_item", "by_rater", "items", "raters"),
    [(0.0, 1.0, 1.0, 200, 8), (1.0, 0.5, 1.0, 200, 8), (2.0, 0.5, 0.5, 50, 20), (0.0, 1.0, 0.5, 50, 20)],
)
def test_the_interval_holds_the_share_among_other_items_and_raters(
    lean: float, by_item: float, by_rater: float, items: int, raters: int
) -> None:
    """Three raters per item lean to one side on the logit scale, as items do. Wilson's own holds it in 45 to 94 %."""
    nodes, weights = hermegauss(80)
    truth = float(weights @ expit(lean + nodes * np.hypot(by_item, by_rater))) / float(weights.sum())
    draw, runs, held = np.random.default_rng(1), 1000, 0
    for _ in range(runs):
        item = np.repeat(np.arange(items), 3)
        rater = np.argsort(draw.random((items, raters)), axis=1)[:, :3].ravel()
        leaning = lean + draw.normal(0, by_item, items)[item] + draw.normal(0, by_rater, raters)[rater]
        found = clustered_share((draw.random(len(item)) < expit(leaning)).astype(float), item, rater)
        assert found.interval is not None
        held += found.interval[0] <= truth <= found.interval[1]
    assert held / runs >= 0.935 - 1.65 * (0.05 * 0.95 / runs) ** 0.5
