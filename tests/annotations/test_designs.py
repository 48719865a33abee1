"""Differences in any design of items and raters: against simulations whose truth is known, and by hand."""

import numpy as np
import pytest
from scipy import stats

from annotations.statistics.differences import paired_difference
from annotations.statistics.estimate import Estimate
from annotations.statistics.means import clustered_mean
from benchmarks.designs import Design

# kind, items, raters, overlap, severity, rater × system, and the least and most that 300 campaigns may hold
CELLS = [
    (Design("split", 45, 3, 1, 2.0, 0.0), 0.92, 0.985),
    (Design("split", 45, 10, 1, 1.0, 0.0), 0.92, 0.975),
    (Design("split", 200, 10, 3, 1.0, 0.0), 0.92, 0.975),
    (Design("one text per item", 200, 12, 3, 1.0, 0.6), 0.92, 0.98),
    (Design("one busy rater", 45, 10, 1, 1.0, 0.6), 0.93, 0.985),
    (Design("Zipf shares", 200, 8, 1, 1.0, 0.6), 0.92, 0.98),
    (Design("crossed", 200, 8, 3, 1.0, 0.3, albums=10), 0.92, 0.985),
]


@pytest.mark.once
@pytest.mark.parametrize(("design", "least", "most"), CELLS, ids=lambda value: str(value))
def test_the_interval_holds_the_truth_as_often_as_it_says(design: Design, least: float, most: float) -> None:
    """A sandwich of shared residuals, with as many degrees of freedom as raters, holds it in 58 to 87 of 100."""
    draw, runs, held = np.random.default_rng(1), 300, 0
    for _ in range(runs):
        first, second, items, raters, albums = design.scores(draw)
        found = interval(paired_difference(first, second, items, raters, groups=albums).estimate)
        held += found[0] <= 0 <= found[1]
    assert least <= held / runs <= most


@pytest.mark.once
@pytest.mark.parametrize(
    ("raters", "overlap", "severity"), [((3, 20), 3, 1.0), ((8, 8), 3, 1.0), ((8, 8), 3, 0.0), ((20, 8), 2, 0.5)]
)
def test_the_rarer_side_counts(raters: tuple[int, int], overlap: int, severity: float) -> None:
    """Three raters of one system against twenty of the other, as two campaigns on the same items have them."""
    draw, runs, held = np.random.default_rng(1), 600, 0
    for _ in range(runs):
        sides = []
        for count in raters:
            design = Design("split", 60, count, min(overlap, count), severity, 0.0)
            sides.append(design.scores(draw))
        (first, _, items, rater, _), (_, second, others, other, _) = sides
        kept, also = ~np.isnan(first), ~np.isnan(second)
        found = interval(
            paired_difference(
                np.concatenate([first[kept], np.full(int(also.sum()), np.nan)]),
                np.concatenate([np.full(int(kept.sum()), np.nan), second[also]]),
                np.concatenate([items[kept], others[also]]),
                np.concatenate([rater[kept], 1000 + other[also]]),
            ).estimate
        )
        held += found[0] <= 0 <= found[1]
    assert 0.93 <= held / runs <= 0.985


def interval(estimate: Estimate) -> tuple[float, float]:
    assert estimate.interval is not None
    return estimate.interval


def split_ratings(*, ratings: int) -> tuple[np.ndarray, ...]:
    """45 items; three raters see the first system alone (always 2, 3 and 4), three the second (always 1, 2 and 3)."""
    rows = []
    for item in range(45):
        for place in range(3) if ratings == 3 else (item % 3,):
            rows.append((2.0 + place, np.nan, item, place))
        for place in range(3) if ratings == 3 else (item // 3 % 3,):
            rows.append((np.nan, 1.0 + place, item, 10 + place))
    first, second, items, raters = np.array(rows).T
    return first, second, items.astype(int), raters.astype(int)


@pytest.mark.parametrize("ratings", [1, 3])
def test_six_people_are_six_people(ratings: int) -> None:
    """However many items they rate: Welch's test of 2, 3, 4 against 1, 2, 3."""
    expected = stats.ttest_ind([2, 3, 4], [1, 2, 3], equal_var=False)
    found = paired_difference(*split_ratings(ratings=ratings)).estimate
    assert found is not None
    assert found.value == pytest.approx(1)
    assert found.p == pytest.approx(expected.pvalue, abs=0.02)
    limits = expected.confidence_interval()
    assert interval(found) == pytest.approx((limits.low, limits.high), abs=0.2)
    assert found.freedom == pytest.approx(3.5, abs=0.3)  # Welch's 4, less half a one


def test_pairs_of_raters_who_share_all_their_items_count_once() -> None:
    """Eight pairs of raters, each with ten items of its own: eight differences, by the one-sample t test."""
    draw = np.random.default_rng(2)
    of_pair = draw.normal(0, 1, 8)
    items = np.arange(80)
    first = np.repeat(of_pair, 10)
    nothing = np.full(80, np.nan)
    found = paired_difference(
        np.concatenate([first, nothing]),
        np.concatenate([nothing, np.zeros(80)]),
        np.tile(items, 2),
        np.concatenate([items // 10, 100 + items // 10]),
    ).estimate
    expected = stats.ttest_1samp(of_pair, 0).confidence_interval()
    assert interval(found) == pytest.approx((expected.low, expected.high), rel=0.06)


def test_a_rater_behind_every_comparison_leaves_no_interval() -> None:
    draw = np.random.default_rng(3)
    first, second = draw.normal(0, 1, 20), draw.normal(0, 1, 20)
    nothing = np.full(20, np.nan)
    found = paired_difference(
        np.concatenate([first, nothing]),
        np.concatenate([nothing, second]),
        np.tile(np.arange(20), 2),
        np.concatenate([np.zeros(20, dtype=int), 1 + np.arange(20) % 4]),
    )
    assert found.estimate.value == pytest.approx((first - second).mean())
    assert (found.estimate.interval, found.estimate.p) == (None, None)
    assert "without one of the raters" in str(found.estimate.undefined)


def test_a_difference_that_never_varies_has_no_p() -> None:
    """0.3 − 0.1 is not quite 0.2: an error that rounding makes is no error, and its p would be 0."""
    items, raters = np.repeat(np.arange(10), 4), np.tile(np.arange(4), 10)
    found = paired_difference(np.full(40, 0.3), np.full(40, 0.1), items, raters).estimate
    assert found is not None
    assert (found.error, found.p) == (0.0, None)


def test_a_mean_holds_its_busiest_raters_severity() -> None:
    """True mean 50; one rater gave nine tenths of the scores, and differs from the others by 8 as anybody does."""
    draw, held, runs = np.random.default_rng(4), 0, 400
    raters = np.concatenate([np.zeros(90, int), np.repeat(np.arange(1, 6), 2)])
    items = np.concatenate([np.arange(90), np.arange(10)])
    for _ in range(runs):
        scores = 50 + draw.normal(0, 8, 90)[items] + draw.normal(0, 8, 6)[raters] + draw.normal(0, 10, 100)
        low, high = interval(clustered_mean(scores, items, raters))
        held += low <= 50 <= high
    assert held / runs >= 0.93


def test_people_of_both_sides_bring_their_severity_into_both() -> None:
    """The same six people on other screens: what they differ by cancels, as it does not between strangers."""
    draw = np.random.default_rng(4)
    item, severity = draw.normal(50, 10, 40), draw.normal(0, 20, 6)
    items, raters = np.repeat(np.arange(40), 6), np.tile(np.arange(6), 40)
    scores = [item[items] + severity[raters] + draw.normal(0, 5, 240) for _ in range(2)]
    nothing = np.full(240, np.nan)
    both = np.concatenate([scores[0], nothing]), np.concatenate([nothing, scores[1]])
    same = paired_difference(*both, np.tile(items, 2), np.tile(raters, 2)).estimate
    strangers = paired_difference(*both, np.tile(items, 2), np.concatenate([raters, raters + 6])).estimate
    assert same is not None
    assert strangers is not None
    assert same.error is not None
    assert strangers.error is not None
    assert same.error < 1 < 5 < strangers.error
