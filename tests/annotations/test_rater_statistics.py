"""Raters whose faults are known, scipy's tests, and figures worked out by hand."""

import time

import numpy as np
import pytest
from scipy import stats

from annotations.reasons import Reason
from annotations.statistics.raters import (
    Answers,
    RaterScores,
    Repeats,
    agreements,
    consistencies,
    paces,
    severities,
)

NONE, NOTHING = np.zeros(0, np.int64), np.zeros(0)


def test_severity_is_found_and_shrunk() -> None:
    """Each text rated by all 10 raters: the residual from the others' mean tends to 10/9 of a rater's severity."""
    draw, count, texts = np.random.default_rng(4), 10, 400
    truth = draw.normal(0, 8, count)
    truth -= truth.mean()
    rater, text = (part.ravel() for part in np.meshgrid(np.arange(count), np.arange(texts)))
    scores = 50 + draw.normal(0, 15, texts)[text] + truth[rater] + draw.normal(0, 10, len(text))
    found = severities(count, RaterScores(rater, text, scores))
    assert [each.value for each in found] == pytest.approx((truth * 10 / 9).tolist(), abs=2)
    inside = [
        low <= value * 10 / 9 <= high for value, (low, high) in zip(truth, (f.interval for f in found), strict=True)
    ]
    assert sum(inside) >= 8


def test_severity_and_agreement_by_hand() -> None:
    """Two raters, five texts; rater 1 gives 1 3 2 5 4 where rater 0 gives 1 2 3 4 5, a third rates a text of its own.

    Residuals of rater 0: 0 −1 1 −1 1, mean 0; Σ squares 4 of each, so V = 8 / 8 = 1, n = 5: half 1.96 √(1 / 10).
    """
    raters, texts = np.repeat([0, 1, 2], [5, 5, 1]), np.array([*range(5), *range(5), 9])
    scores = np.array([1.0, 2, 3, 4, 5, 1, 3, 2, 5, 4, 3])
    first, _, third = severities(3, RaterScores(raters, texts, scores))
    assert first.value == 0
    assert first.interval == pytest.approx((-1.959964 * 0.1**0.5, 1.959964 * 0.1**0.5))
    assert (third.value, third.n) == (None, 0)
    assert "nobody else" in str(third.undefined)
    one, _, alone = agreements(3, RaterScores(raters, texts, scores))
    assert one.value == pytest.approx(stats.pearsonr(scores[:5], scores[5:10])[0])
    assert str(alone.undefined) == "at least 5 texts that others rated too are needed, and there are 0"


def test_consistency_by_hand() -> None:
    first, second = np.array([10.0, 20, 30, 40, 50]), np.array([12.0, 20, 25, 40, 60])
    found, flat, few = consistencies(
        3,
        Repeats(np.repeat([0, 1, 2], [5, 5, 1]), np.append(np.tile(first, 2), 1), np.append([*second, *[7.0] * 5], 1)),
        tolerance=5,
    )
    assert found.mean_difference == pytest.approx(17 / 5)
    assert found.within_tolerance == pytest.approx(4 / 5)
    assert found.correlation == pytest.approx(stats.pearsonr(first, second)[0])
    assert (flat.correlation, flat.undefined) == (None, Reason("side_equal"))
    assert str(few.undefined) == "at least 5 repeats are needed, and there is 1"


def test_pace_with_and_without_known_words() -> None:
    raters = np.repeat(np.arange(7), 4)
    seconds = np.tile([5.0, 7, 8, 10], 7) * np.repeat([1, 1.1, 0.9, 1.2, 1, 0.05, 1], 4)
    fast, usual = paces(8, Answers(raters, seconds))[5], paces(8, Answers(raters, seconds))[0]
    assert usual.median == 7.5
    assert (usual.under_floor, fast.under_floor) == (0.0, 1.0)
    assert usual.floor.code == "floor_by_raters"
    read = paces(8, Answers(raters, seconds, np.full(28, 12.0)))
    assert [read[at].under_floor for at in (0, 5)] == [0.0, 1.0]
    assert read[0].floor == Reason("floor_by_words", seconds=60 / 320)
    assert str(read[7].undefined) == "the rater has given no answers"
    two = paces(2, Answers(np.array([0, 1]), np.array([3.0, 4])))[0]
    assert two.under_floor is None
    assert two.floor == Reason("no_floor", needed=5)


@pytest.mark.once
def test_a_million_ratings_of_a_thousand_raters_take_seconds() -> None:
    draw, n, count = np.random.default_rng(7), 1_000_000, 1000
    raters, texts = draw.integers(count, size=n), draw.integers(n // 3, size=n)
    scores = draw.uniform(0, 100, n)
    start = time.process_time()
    ratings, repeats = (
        RaterScores(raters, texts, scores),
        Repeats(raters[:20_000], scores[:20_000], scores[20_000:40_000]),
    )
    parts = [
        paces(count, Answers(raters, scores)),
        severities(count, ratings),
        agreements(count, ratings),
        consistencies(count, repeats, tolerance=10),
    ]
    assert time.process_time() - start < 10
    assert [len(part) for part in parts] == [count] * 4


def test_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[2, 1\]"):
        paces(2, Answers(np.array([0, 1]), np.array([3.0])))
    with pytest.raises(ValueError, match="from 0 to 1"):
        severities(2, RaterScores(np.array([0, 2]), np.array([0, 0]), np.array([1.0, 2])))
