"""Boundaries of looks against published tables and drawn paths; rehearsals against the test they stand for."""

import numpy as np
import pytest

from annotations.statistics.looks import Look, Spending, inflation, look_boundaries, stopping
from annotations.statistics.means import clustered_mean
from annotations.statistics.planning import Design, Variances, detectable_difference, information_at, power
from annotations.statistics.rehearsal import arrivals, clustered_errors, rehearse


def equal(count: int) -> list[float]:
    return [(look + 1) / count for look in range(count)]


def z_values(looks: list[Look]) -> list[float]:
    return [look.z for look in looks if look.z is not None]


@pytest.mark.parametrize(
    ("spending", "published"),
    [
        ("obrien-fleming", [2.963, 1.969]),
        ("obrien-fleming", [3.710, 2.511, 1.993]),
        ("obrien-fleming", [4.333, 2.963, 2.359, 2.014]),
        ("obrien-fleming", [4.877, 3.357, 2.680, 2.290, 2.031]),
        ("pocock", [2.157, 2.201]),
        ("pocock", [2.279, 2.295, 2.296]),
        ("pocock", [2.368, 2.368, 2.358, 2.350]),
        ("pocock", [2.438, 2.427, 2.410, 2.397, 2.386]),
    ],
)
def test_boundaries_of_equal_looks_are_the_published_ones(spending: Spending, published: list[float]) -> None:
    """Two-sided 0.05, as Lan and DeMets' program prints them (Reboussin, DeMets, Kim and Lan 2000)."""
    assert z_values(look_boundaries(equal(len(published)), spending=spending)) == pytest.approx(published, abs=1.1e-3)


@pytest.mark.parametrize(
    ("count", "pocock", "pocock_inflation", "obrien", "obrien_inflation"),
    [(2, 2.178, 1.110, 1.977, 1.008), (3, 2.289, 1.166, 2.004, 1.017), (5, 2.413, 1.229, 2.040, 1.028)],
)
def test_errors_and_inflation_of_the_classical_tests_are_the_published_ones(
    count: int, pocock: float, pocock_inflation: float, obrien: float, obrien_inflation: float
) -> None:
    """Jennison and Turnbull 2000, tables 2.1 to 2.4: constants at 0.05, and sample sizes for power 0.8."""
    for zs, published in (
        ([pocock] * count, pocock_inflation),
        ([obrien / time**0.5 for time in equal(count)], obrien_inflation),
    ):
        looks = [Look(time, 0.05, z, 0.0) for time, z in zip(equal(count), zs, strict=True)]
        assert sum(stopping(looks, 0.0)) == pytest.approx(0.05, abs=1e-4)
        assert inflation(looks) == pytest.approx(published, abs=1.5e-3)


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
@pytest.mark.parametrize("drift", [0.0, 2.5])
def test_drawn_paths_stop_as_often_as_computed(spending: Spending, drift: float) -> None:
    """Unequal looks of a Brownian path; without drift 0.05 of them ever cross."""
    information, paths = [0.2, 0.3, 0.7, 1.0], 200_000
    looks = look_boundaries(information, spending=spending)
    steps = np.diff([0.0, *information])
    score = np.random.default_rng(1).normal(drift * steps, steps**0.5, (paths, len(steps))).cumsum(axis=1)
    beyond = np.abs(score / np.sqrt(information)) > z_values(looks)
    first = np.where(beyond.any(axis=1), beyond.argmax(axis=1), len(looks))
    drawn = np.bincount(first, minlength=len(looks) + 1)[: len(looks)] / paths
    found = stopping(looks, drift)
    assert drawn == pytest.approx(found, abs=4 * (0.25 / paths) ** 0.5)
    if not drift:
        assert sum(found) == pytest.approx(0.05, abs=1e-9)
        assert np.cumsum(found) == pytest.approx([look.spent for look in looks], abs=1e-9)


def test_a_single_look_is_the_ordinary_test() -> None:
    (look,) = look_boundaries([1.0])
    assert (look.z, look.p) == (pytest.approx(1.959964, abs=1e-6), pytest.approx(0.05))
    assert inflation([look]) == pytest.approx(1.0)


def test_a_look_too_early_to_find_anything_has_no_boundary() -> None:
    first, last = look_boundaries([0.01, 1.0], alpha=1e-5)
    assert (first.z, first.p) == (None, 0.0)
    assert last.z == pytest.approx(4.417173, abs=1e-5), "all of alpha is left for the end"


@pytest.mark.parametrize("information", [[], [0.5, 0.4, 1.0], [0.5], [0.995, 1.0]])
def test_looks_that_do_not_rise_to_the_end_are_refused(information: list[float]) -> None:
    with pytest.raises(ValueError, match="must rise to 1"):
        look_boundaries(information)


SOME = Variances(item=0.25, rater=0.09, residual=1.0)


def test_a_rehearsal_tests_as_a_report_does() -> None:
    draw = np.random.default_rng(1)
    for design in (Design(30, 3, 5), Design(6, 2, 12), Design(9, 1, 2)):
        items, raters = arrivals(design, draw)
        scores = draw.normal(size=(40, design.ratings))
        expected = [clustered_mean(each, items, raters).error for each in scores]
        assert clustered_errors(scores, items, raters) == pytest.approx(expected)


def test_ratings_come_in_by_rounds_and_shares_are_equal() -> None:
    items, raters = arrivals(Design(20, 3, 6), np.random.default_rng(1))
    for start in (0, 20, 40):
        assert sorted(items[start : start + 20]) == list(range(20))
    assert len(set(zip(items, raters, strict=True))) == 60
    assert max(np.bincount(raters)) - min(np.bincount(raters)) <= 2, "an item's raters differ"


def test_a_rehearsal_of_a_single_look_has_the_power_of_the_formula() -> None:
    design = Design(80, 3, 10)
    rehearsal = rehearse(SOME, design, look_boundaries([1.0]))
    for planned in (0.2, 0.5, 0.8):
        difference = detectable_difference(SOME, design, power=planned) or 0.0
        assert rehearsal.power(difference) == pytest.approx(planned, abs=0.03)
    assert power(rehearsal.detectable(0.8), SOME, design) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
def test_looks_of_clustered_ratings_keep_to_alpha(spending: Spending) -> None:
    """Raters who differ bring much of the information at the first look; the boundaries know it."""
    design = Design(60, 3, 12)
    information = [information_at(look, SOME, design) for look in equal(4)]
    assert information[0] > 0.4
    rehearsal = rehearse(SOME, design, look_boundaries(information, spending=spending))
    assert 0.035 < rehearsal.power(0.0) < 0.065
    plain = [Look(share, 0.05, 1.96, 0.05) for share in information]
    assert rehearse(SOME, design, plain).power(0.0) > 0.08, "looks without boundaries"
    assert rehearsal.detectable(0.03) == 0.0
