"""The mixed model of differences: against lme4, by hand where nothing is left over, and over many small designs."""

import numpy as np
import pytest
from scipy import stats

from annotations.statistics import restricted_likelihood
from annotations.statistics.mixed import MixedModel, mixed_model
from annotations.statistics.restricted_likelihood import RestrictedLikelihood
from annotations.statistics.uncertainty import Floats, Ints
from benchmarks.mixed_models import campaign, small_designs


def unbalanced() -> tuple[Floats, Ints, Ints, Ints]:
    """Differences, items, raters and albums: 24 items by 6 raters, a fifth missing, in 6 albums of 3 to 5 items."""
    items, raters = (part.ravel() for part in np.indices((24, 6)))
    kept = (items + 2 * raters) % 5 != 0
    items, raters = items[kept], raters[kept]
    albums = np.searchsorted([4, 7, 12, 15, 20], items, side="right")
    d = 3 * np.sin(2 * albums) + 2 * np.sin(5 * items) + 2 * np.cos(3 * raters) + 3 * np.sin(7 * items + 4 * raters**2)
    return np.round(d + 1, 3), items, raters, albums


def test_the_model_is_that_of_lme4() -> None:
    """R 4.2.2 with lme4 1.1-31 and lmerTest 3.1-3 on the same data: lmer(d ~ 1 + (1|a) + (1|i) + (1|r)), and without a.

    lmerTest's degrees of freedom are 9.49 and 9.06: here no more than six raters have.
    """
    d, items, raters, albums = unbalanced()
    found = mixed_model(d, items, raters, albums=albums)
    assert (found.difference, found.error) == pytest.approx((1.29565928, 1.2451876), rel=1e-6)
    deviations = (found.album_deviation, found.item_deviation, found.rater_deviation, found.residual_deviation)
    assert deviations == pytest.approx((2.08615384, 1.47821708, 2.02777337, 2.23890939), rel=1e-6)
    assert (found.freedom, found.n, found.items, found.raters, found.albums) == (5, 115, 24, 6, 6)
    without = mixed_model(d, items, raters)
    assert (without.difference, without.error) == pytest.approx((1.16933685, 0.978202247), rel=1e-6)
    deviations = (without.item_deviation, without.rater_deviation, without.residual_deviation)
    assert deviations == pytest.approx((2.49359376, 1.98049881, 2.24202647), rel=1e-6)
    assert without.album_deviation is None


def test_below_the_raters_number_degrees_of_freedom_are_lmertests() -> None:
    """Eight raters with shares from 60 items to 8: lmer(d ~ 1 + (1|i) + (1|r)) by the same R."""
    items, raters = (part.ravel() for part in np.indices((60, 8)))
    kept = items < 60 / (raters + 1)
    items, raters = items[kept], raters[kept]
    d = np.round(0.3 * np.sin(3 * items) + 0.4 * np.sin(raters**2) + np.sin(11 * items + 3 * raters**2), 3)
    found = mixed_model(d, items, raters)
    assert (found.difference, found.error) == pytest.approx((-0.0465174805, 0.0966617786), rel=1e-6)
    assert (found.freedom, found.p) == pytest.approx((6.92104614, 0.645187854), rel=1e-5)


def test_likelihoods_are_those_of_whole_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The definition with V written out, and its numeric slope, however the products are kept."""
    d, items, raters, albums = unbalanced()
    variances = np.array([0.3, 0.5, 0.7, 0.9])

    def written_out(at: Floats) -> float:
        parts = [np.eye(int(codes.max()) + 1)[codes] for codes in (albums, items, raters, np.arange(len(d)))]
        whole = sum(variance * part @ part.T for variance, part in zip(at, parts, strict=True))
        inverse = np.linalg.inv(whole)
        precision = inverse.sum()
        rest = d - (inverse @ d).sum() / precision
        return float(np.linalg.slogdet(whole)[1] + np.log(precision) + rest @ inverse @ rest)

    for largest in (restricted_likelihood.MAX_STACK, 0):
        monkeypatch.setattr(restricted_likelihood, "MAX_STACK", largest)
        found = RestrictedLikelihood(d, items, albums, raters).at(variances, profiled=False)
        assert found.deviance == pytest.approx(written_out(variances), rel=1e-10)
        slopes = [(written_out(variances + step) - written_out(variances - step)) / 2e-5 for step in 1e-5 * np.eye(4)]
        assert found.slope == pytest.approx(slopes, rel=1e-6)


def test_differences_that_raters_alone_explain_are_a_t_test_over_the_raters() -> None:
    """Four items by five raters, each giving every item the same: no exception, and the error of five numbers."""
    items, raters = (part.ravel() for part in np.indices((4, 5)))
    given = np.array([-2.0, 1, 1, -1, 2])
    found = mixed_model(given[raters], items, raters)
    by_hand = stats.ttest_1samp(given, 0)
    assert (found.difference, found.error) == pytest.approx((0.2, given.std(ddof=1) / 5**0.5), rel=1e-6)
    assert found.p is not None
    assert found.p >= by_hand.pvalue
    assert (found.item_deviation, found.residual_deviation) == (0, 0)


@pytest.mark.parametrize("items", [8, 400])
def test_two_raters_who_disagree_alike_on_every_item_are_two_observations(items: int) -> None:
    item, rater = (part.ravel() for part in np.indices((items, 2)))
    found = mixed_model(rater * 1.0, item, rater)
    by_hand = stats.ttest_1samp([0, 1], 0)
    assert (found.p, found.freedom) == (pytest.approx(by_hand.pvalue), 1)
    assert found.p == pytest.approx(0.5)
    assert found.interval == pytest.approx(tuple(by_hand.confidence_interval()))


def test_differences_of_an_items_and_a_raters_part_alone_have_the_variances_of_both() -> None:
    items, raters = (part.ravel() for part in np.indices((6, 4)))
    by_item, by_rater = np.array([0.0, 1, 3, -2, 2, 5]), np.array([1.0, -1, 4, 0])
    found = mixed_model((by_item[items] + by_rater[raters]) * 1e-3, items, raters)
    error = (by_item.var(ddof=1) / 6 + by_rater.var(ddof=1) / 4) ** 0.5
    assert (found.difference, found.error) == pytest.approx((2.5e-3, error * 1e-3), rel=1e-5)
    assert found.item_deviation == pytest.approx(by_item.std(ddof=1) * 1e-3, rel=1e-4)
    assert found.rater_deviation == pytest.approx(by_rater.std(ddof=1) * 1e-3, rel=1e-4)


@pytest.mark.once
@pytest.mark.filterwarnings("error")
def test_small_designs_of_every_kind_end_well(capsys: pytest.CaptureFixture[str]) -> None:
    """No exception and no warning, and no p below that of t with the raters' degrees of freedom."""
    for kind, tried, failed, undefined, least in small_designs(480, np.random.default_rng(3)):
        assert failed == 0, (kind, capsys.readouterr().out)
        assert least > -1e-3, kind
        assert (undefined == tried) == (kind == "constant"), kind


@pytest.mark.once
def test_intervals_hold_where_items_come_from_few_albums() -> None:
    """Five albums whose differences deviate by 0.5, a hundred campaigns; without albums a third of them miss."""
    draw, covers, without = np.random.default_rng(1), 0, 0
    for _ in range(100):
        differences, items, raters, albums = campaign(5, 0.0, 8, draw)
        covers += holds_zero(mixed_model(differences, items, raters, albums=albums))
        without += holds_zero(mixed_model(differences, items, raters))
    assert covers >= 91
    assert without < 80


def holds_zero(model: MixedModel) -> bool:
    return model.interval is not None and model.interval[0] <= 0 <= model.interval[1]


def test_albums_that_say_nothing_change_nothing() -> None:
    """One for each item, or one for all; nor do their names."""
    d, items, raters, albums = unbalanced()
    plain = mixed_model(d, items, raters)
    for nothing in (items, np.zeros_like(items)):
        assert mixed_model(d, items, raters, albums=nothing)[:9] == plain[:9]
    order = np.random.default_rng(1).permutation(len(d))
    named = mixed_model(d[order], 3 * items[order], 9 - raters[order], albums=50 - albums[order])
    expected = mixed_model(d, items, raters, albums=albums)
    assert (named.interval, named.p) == (
        pytest.approx(expected.interval, rel=1e-6),
        pytest.approx(expected.p, rel=1e-6),
    )


def test_where_items_were_rated_once_albums_still_have_their_part() -> None:
    """Its items' part is in the residual then: the model of the same values with a name of its own for each."""
    d, items, raters, albums = unbalanced()
    once = np.unique(items, return_index=True)[1]
    found = mixed_model(d[once], items[once], raters[once], albums=albums[once])
    assert found.undefined is None
    assert found.item_deviation is None
    as_items = mixed_model(d[once], albums[once], raters[once])
    assert (found.error, found.p) == pytest.approx((as_items.error, as_items.p), rel=1e-6)
