"""Statistics against published tables, textbook formulas, and simulations whose truth is known."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from annotations.statistics.means import clustered_mean
from annotations.statistics.ranking import clusters, rank_ranges
from annotations.statistics.scores import feedback_weights, shrunk_z
from annotations.statistics.uncertainty import holm


def test_without_shared_items_or_raters_the_interval_is_the_t_test() -> None:
    """Each score of an item and a rater of its own: the textbook one-sample t interval."""
    scores = np.array([3.0, 5.0, 4.0, 9.0, 7.0, 6.0])
    each = np.arange(6)
    found = clustered_mean(scores, each, each)
    expected = stats.ttest_1samp(scores, 0).confidence_interval()
    assert found.interval == pytest.approx((expected.low, expected.high))
    assert found.p == pytest.approx(stats.ttest_1samp(scores, 0).pvalue)


def test_two_way_clusters_by_hand() -> None:
    """Two items × two raters, scores 1 2 / 3 6, mean 3; residuals over n: -.5 -.25 / 0 .75.

    Items: (-.75)² + .75² = 1.125, × 2. Raters: (-.5)² + .5² = .5, × 2. Cells: .25 + .0625 + .5625 = .875, × 4/3.
    """
    scores = np.array([1.0, 2.0, 3.0, 6.0])
    found = clustered_mean(scores, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    variance = 2 * 1.125 + 2 * 0.5 - 4 / 3 * 0.875
    assert found.value == 3
    assert found.error == pytest.approx(variance**0.5)
    half = stats.t.ppf(0.975, 1) * variance**0.5
    assert found.interval == pytest.approx((3 - half, 3 + half))


def test_what_one_rater_or_one_item_leaves_undefined() -> None:
    one = clustered_mean(np.array([1.0, 3.0]), np.array([0, 1]), np.array([0, 0]))
    assert one.interval is not None
    alone = clustered_mean(np.array([1.0, 3.0]), np.array([0, 0]), np.array([0, 0]))
    assert (alone.value, alone.interval, alone.p) == (2.0, None, None)
    with pytest.raises(ValueError, match="no scores"):
        clustered_mean(np.array([]), np.array([]), np.array([]))


def test_the_interval_covers_the_truth() -> None:
    """Random items and raters, true mean 50: 95 % intervals should hold it, and a naive one does not."""
    draw, covered, naive, rounds = np.random.default_rng(1), 0, 0, 400
    items, raters = (part.ravel() for part in np.meshgrid(np.arange(40), np.arange(12), indexing="ij"))
    for _ in range(rounds):
        scores = 50 + draw.normal(0, 8, 40)[items] + draw.normal(0, 8, 12)[raters] + draw.normal(0, 10, len(items))
        low, high = clustered_mean(scores, items, raters).interval or (0, 0)
        covered += low <= 50 <= high
        half = 1.96 * scores.std() / len(scores) ** 0.5
        naive += abs(scores.mean() - 50) <= half
    assert 0.92 <= covered / rounds <= 0.99
    assert naive / rounds < 0.6


def test_holm_by_hand() -> None:
    """0.01 × 4, 0.03 × 3 = 0.09, 0.04 × 2 = 0.08 held at 0.09, 0.5."""
    assert holm(np.array([0.04, 0.5, 0.01, 0.03])) == pytest.approx([0.09, 0.5, 0.04, 0.09])


def test_the_means_of_a_published_study(shared_data: Path) -> None:
    with (shared_data / "ratings" / "scratchplot_likert.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if (row["criterion"], row["batch"]) == ("coherence", "main")]
    for system, published in {"scratchplot": 3.987, "gpt2": 3.407, "fusion": 1.893, "progen": 1.880}.items():
        mine = [row for row in rows if row["system"] == system]
        codes = [np.unique([row[key] for row in mine], return_inverse=True)[1] for key in ("item", "rater")]
        found = clustered_mean(np.array([float(row["score"]) for row in mine]), *codes)
        assert round(found.value or 0, 3) == published


ratings = st.lists(st.tuples(st.floats(0, 100), st.integers(0, 5)), min_size=1, max_size=60)


@given(ratings, st.floats(0.5, 20), st.floats(-50, 50))
def test_z_does_not_depend_on_the_scale(given_: list[tuple[float, int]], stretch: float, shift: float) -> None:
    scores, raters = np.array([score for score, _ in given_]), np.array([rater for _, rater in given_])
    z = shrunk_z(scores, raters)
    assert np.isfinite(z).all()
    within = [scores[raters == rater].std() for rater in set(raters)]
    if max(within) > 1e-3:
        assert shrunk_z(stretch * scores + shift, raters) == pytest.approx(z, rel=1e-4, abs=1e-4)


def test_z_by_hand() -> None:
    """Rater 0 gave 10 20 30 40 50 (mean 30, variance 250), rater 1 gave 90 70: (mean 80, under five ratings).

    Overall mean 310/7; pooled variance (1000 + 200) / 5 = 240.
    """
    scores = np.array([10.0, 20, 30, 40, 50, 90, 70])
    z = shrunk_z(scores, np.array([0, 0, 0, 0, 0, 1, 1]))
    mean, pooled = 310 / 7, 240.0
    severe = (5 * 30 + 5 * mean) / 10
    assert z[0] == pytest.approx((10 - severe) / ((5 * 250 + 5 * pooled) / 10) ** 0.5)
    mild = (2 * 80 + 5 * mean) / 7
    assert z[5] == pytest.approx((90 - mild) / pooled**0.5)


def test_z_of_ratings_that_do_not_vary_is_nothing() -> None:
    assert shrunk_z(np.full(6, 50.0), np.array([0, 0, 0, 1, 1, 1])).tolist() == [0.0] * 6


def test_weights_by_hand() -> None:
    z = np.array([0.0, 1.0, -1.0, 9.0, -9.0])
    assert feedback_weights(z, beta=1.0) == pytest.approx([1, np.e, 1 / np.e, 3, 0.1])
    assert feedback_weights(z, beta=0.0) == pytest.approx([1] * 5)


def test_ranks_and_clusters_follow_from_what_is_significant() -> None:
    """a and b cannot be told apart, both beat c."""
    differences = {("a", "b"): (1.0, 0.6), ("a", "c"): (9.0, 0.001), ("b", "c"): (8.0, 0.002)}
    assert rank_ranges(["a", "b", "c"], differences) == {"a": (1, 2), "b": (1, 2), "c": (3, 3)}
    assert clusters(["a", "b", "c"], differences) == {"a": 1, "b": 1, "c": 2}
