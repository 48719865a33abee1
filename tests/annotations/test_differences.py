"""The difference of two systems: against the textbook, a second library, and simulations whose truth is known."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from annotations.statistics.bootstrap import two_way_bootstrap
from annotations.statistics.differences import paired_difference
from annotations.statistics.means import clustered_mean
from annotations.statistics.mixed import mixed_model
from annotations.statistics.uncertainty import Floats, Ints


def ratings(
    items: int, overlap: int, raters: int, *, slopes: tuple[float, float] = (0.0, 0.0), seed: int = 0
) -> tuple[Floats, Floats, Ints, Ints]:
    """Scores of two systems, 0.4 apart, by raters drawn anew for every item; slopes vary by (item, rater)."""
    draw = np.random.default_rng(seed)
    item = np.repeat(np.arange(items), overlap)
    rater = np.argsort(draw.random((items, raters)), axis=1)[:, :overlap].ravel()
    common = draw.normal(3, 1, items)[item] + draw.normal(0, 1, raters)[rater]
    slope = draw.normal(0.4, slopes[0], items)[item] + draw.normal(0, slopes[1], raters)[rater]
    return common + slope + draw.normal(0, 1, len(item)), common + draw.normal(0, 1, len(item)), item, rater


def test_where_every_rater_scored_both_it_is_the_mean_of_their_differences() -> None:
    first, second, items, raters = ratings(40, 3, 9, slopes=(0.5, 0.3))
    keep = np.random.default_rng(2).random(len(items)) < 0.8  # items with one, two or three raters
    first, second, items, raters = first[keep], second[keep], items[keep], raters[keep]
    found, plain = paired_difference(first, second, items, raters), clustered_mean(first - second, items, raters)
    assert found.estimate.value == pytest.approx(plain.value)
    assert found.estimate.error == pytest.approx(plain.error)
    assert found.estimate.interval == pytest.approx(plain.interval)
    assert (found.estimate.n, found.items) == (len(items), len(set(items)))


def test_raters_of_one_system_each_are_compared_by_the_items_means() -> None:
    """One rater a score, all different: a paired t test over the items."""
    draw = np.random.default_rng(1)
    first, second = draw.normal(1, 1, 30), draw.normal(0, 1, 30)
    nothing = np.full(30, np.nan)
    found = paired_difference(
        np.concatenate([first, nothing]),
        np.concatenate([nothing, second]),
        np.tile(np.arange(30), 2),
        np.arange(60),
    )
    expected = stats.ttest_rel(first, second)
    assert found.estimate.value == pytest.approx((first - second).mean())
    assert found.estimate.error == pytest.approx((first - second).std(ddof=1) / 30**0.5)
    assert found.estimate.p == pytest.approx(expected.pvalue)


def test_items_without_a_score_of_both_say_nothing() -> None:
    first, second, items, raters = ratings(20, 2, 5)
    kept = paired_difference(first[:20], second[:20], items[:20], raters[:20])
    second[20:] = np.nan
    found = paired_difference(first, second, items, raters)
    assert (found.estimate.n, found.items) == (kept.estimate.n, kept.items) == (20, 10)
    assert (found.estimate.value, found.estimate.error) == pytest.approx((kept.estimate.value, kept.estimate.error))
    nothing = paired_difference(first[20:], second[20:], items[20:], raters[20:])
    assert nothing.estimate.value is None
    assert str(nothing.estimate.undefined) == "no item has scores of both"


@pytest.mark.once
@given(st.integers(0, 10_000))
def test_the_sign_follows_the_order_and_names_do_not_matter(seed: int) -> None:
    first, second, items, raters = ratings(12, 2, 4, slopes=(0.5, 0.5), seed=seed)
    draw = np.random.default_rng(seed)
    first[draw.random(len(first)) < 0.3] = np.nan
    there, back = paired_difference(first, second, items, raters), paired_difference(second, first, items, raters)
    assert there.estimate.value == pytest.approx(-back.estimate.value)
    assert there.estimate.error == pytest.approx(back.estimate.error)
    order = draw.permutation(len(items))
    named = paired_difference(first[order], second[order], 100 - items[order], 7 * raters[order])
    assert (named.estimate.value, named.estimate.p) == pytest.approx((there.estimate.value, there.estimate.p))


@pytest.mark.parametrize("slopes", [(0.7, 0.4), (0.0, 0.8), (0.9, 0.0)])
def test_the_mixed_model_is_that_of_another_library(slopes: tuple[float, float]) -> None:
    first, second, items, raters = ratings(50, 3, 8, slopes=slopes, seed=3)
    found = mixed_model(first - second, items, raters)
    table = pd.DataFrame({"d": first - second, "item": items, "rater": raters, "all": 1})
    crossed = {"item": "0 + C(item)", "rater": "0 + C(rater)"}
    other = sm.MixedLM.from_formula("d ~ 1", groups="all", vc_formula=crossed, data=table).fit(reml=True)
    near = 1e-3 if min(slopes) else 1e-2  # at a variance of zero the other library stops short of its optimum
    assert found.difference == pytest.approx(other.fe_params["Intercept"], abs=near)
    assert found.error == pytest.approx(other.bse_fe["Intercept"], rel=near)
    assert found.item_deviation == pytest.approx(other.vcomp[0] ** 0.5, rel=near, abs=0.02)
    assert found.rater_deviation == pytest.approx(other.vcomp[1] ** 0.5, rel=near, abs=0.02)
    assert found.residual_deviation == pytest.approx(other.scale**0.5, rel=near)


def test_balanced_data_give_the_mixed_models_textbook_degrees_of_freedom() -> None:
    """Every rater rated every item, and raters alone vary: δ's variance is the raters' mean square, with raters − 1."""
    draw = np.random.default_rng(5)
    items, raters = (part.ravel() for part in np.meshgrid(np.arange(60), np.arange(6), indexing="ij"))
    d = draw.normal(0, 1, 6)[raters] + draw.normal(0, 1, len(items))
    found = mixed_model(d, items, raters)
    means = np.array([d[raters == each].mean() for each in range(6)])
    assert found.error is not None
    if found.item_deviation == 0:
        assert found.error == pytest.approx(means.std(ddof=1) / 6**0.5, rel=1e-3)
    assert found.freedom == pytest.approx(5, rel=0.05)


def test_what_the_mixed_model_cannot_be_fitted_to() -> None:
    one = np.zeros(4, int)
    several = np.arange(4)
    assert "two items and two raters" in str(mixed_model(several * 1.0, several, one).undefined)
    assert "no item was rated twice" in str(mixed_model(several * 1.0, several, several % 2).undefined)
    assert "no rater rated twice" in str(mixed_model(several * 1.0, several // 2, several).undefined)
    equal = mixed_model(np.ones(8), np.repeat(several, 2), np.tile([0, 1], 4))
    assert "all differences are equal" in str(equal.undefined)


@pytest.mark.once
def test_bootstrapped_means_spread_as_two_random_factors_do() -> None:
    """Owen 2007, theorem 1: item and rater variance come out right, the noise is counted about three times."""
    draw = np.random.default_rng(4)
    items, raters = (part.ravel() for part in np.meshgrid(np.arange(200), np.arange(50), indexing="ij"))
    scores = 5 + draw.normal(0, 1, 200)[items] + draw.normal(0, 1, 50)[raters] + draw.normal(0, 0.1, len(items))
    column = np.stack([scores, np.where(raters < 25, scores, np.nan)], axis=1)
    found = two_way_bootstrap(column, items, raters, resamples=2000)
    by_item = scores.reshape(200, 50).mean(axis=1).var() / 200
    by_rater = scores.reshape(200, 50).mean(axis=0).var() / 50
    assert found.shape == (2000, 2)
    assert found.mean(axis=0) == pytest.approx(np.nanmean(column, axis=0), abs=0.05)
    assert found[:, 0].std() == pytest.approx((by_item + by_rater) ** 0.5, rel=0.06)
    assert found[:, 1].std() > found[:, 0].std() * 1.1


@pytest.mark.once
def test_the_model_of_the_same_differences_in_another_order_is_the_same() -> None:
    draw = np.random.default_rng(0)
    items, raters = np.repeat(np.arange(8), 3), np.tile(np.arange(3), 8)
    for _ in range(40):
        differences = 30 + 4 * raters + draw.normal(0, 3, 24)
        order, names = draw.permutation(24), draw.permutation(8)
        one = mixed_model(differences, items, raters)
        other = mixed_model(differences[order], names[items][order], raters[order])
        assert other.interval == pytest.approx(one.interval, rel=1e-6)
        assert other.rater_deviation == pytest.approx(one.rater_deviation, rel=1e-6)
