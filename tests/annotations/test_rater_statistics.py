"""Raters whose faults are known, scipy's tests, and figures worked out by hand."""

import time

import numpy as np
import pytest
from scipy import stats

from annotations.reasons import Reason
from annotations.statistics.raters import (
    Answers,
    Degraded,
    RaterScores,
    Repeats,
    agreements,
    consistencies,
    degraded_tests,
    paces,
    rater_summaries,
    severities,
)
from annotations.statistics.uncertainty import Floats

NONE, NOTHING = np.zeros(0, np.int64), np.zeros(0)
NO_PAIRS, NO_REPEATS = Degraded(NONE, NONE, NOTHING, NOTHING), Repeats(NONE, NOTHING, NOTHING)


def pairs_of(*raters: tuple[Floats, Floats]) -> Degraded:
    codes = np.repeat(np.arange(len(raters)), [len(originals) for originals, _ in raters])
    pairs = np.concatenate([np.arange(len(originals)) for originals, _ in raters])
    return Degraded(codes, pairs, *(np.concatenate(side) for side in zip(*raters, strict=True)))


def test_the_degraded_test_is_the_paired_t_test() -> None:
    draw = np.random.default_rng(1)
    raters = [(draw.uniform(0, 100, n), draw.uniform(0, 90, n)) for n in (8, 13, 40)]
    for found, (originals, degraded) in zip(degraded_tests(3, pairs_of(*raters)), raters, strict=True):
        expected = stats.ttest_rel(originals, degraded, alternative="greater")
        assert found.p == pytest.approx(expected.pvalue)
        assert found.drop == pytest.approx(np.mean(originals - degraded))
        assert found.passed == (expected.pvalue <= 0.1)


def test_what_the_degraded_test_makes_of_little_and_of_equal_scores() -> None:
    eight = np.full(8, 3.0)
    few, equal, lower = degraded_tests(4, pairs_of((eight[:7] + 1, eight[:7]), (eight, eight), (eight, eight - 1)))[:3]
    assert (few.passed, few.p, few.undefined) == (None, None, Reason("few", needed=8, found=7, unit="pair"))
    assert (equal.passed, equal.p) == (False, 1.0)
    assert (lower.passed, lower.p) == (True, 2**-8), "the sign test of eight"
    assert str(degraded_tests(4, NO_PAIRS)[3].undefined) == "at least 8 pairs are needed, and there are 0"


def test_two_criteria_of_a_pair_are_one_observation() -> None:
    draw = np.random.default_rng(2)
    codes, pairs = np.zeros(16, np.int64), np.repeat(np.arange(8), 2)
    originals, degraded = draw.uniform(0, 100, (2, 16))
    (found,) = degraded_tests(1, Degraded(codes, pairs, originals, degraded))
    means = (originals - degraded).reshape(8, 2).mean(axis=1)
    assert found.pairs == 8
    assert found.p == pytest.approx(stats.ttest_1samp(means, 0, alternative="greater").pvalue)


@pytest.mark.once
@pytest.mark.parametrize("scale", [np.arange(101.0), np.arange(1.0, 6.0), np.array([0.0, 100.0])])
def test_who_ignores_the_text_passes_about_one_time_in_ten(scale: Floats) -> None:
    draw, count = np.random.default_rng(3), 4000
    for n in (8, 20):
        codes, pairs = np.repeat(np.arange(count), n), np.tile(np.arange(n), count)
        scores = draw.choice(scale, (2, count * n))
        passed = np.mean([bool(each.passed) for each in degraded_tests(count, Degraded(codes, pairs, *scores))])
        assert 0.07 <= passed <= 0.14


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


def test_disagreement_alone_excludes_nobody() -> None:
    """Rater 0 rates against all others and tells degraded texts apart; rater 1 agrees and does not."""
    draw = np.random.default_rng(6)
    quality = draw.uniform(20, 80, 60)
    raters, texts = np.repeat(np.arange(3), 60), np.tile(np.arange(60), 3)
    scores = np.concatenate([100 - quality, quality, quality + draw.normal(0, 5, 60)])
    originals = draw.uniform(50, 90, 12)
    quality_control = pairs_of((originals, originals - 30 + draw.normal(0, 5, 12)), (originals, originals))
    contrary, blind, untested = rater_summaries(
        3,
        RaterScores(raters, texts, scores),
        answers=Answers(NONE, NOTHING),
        degraded=quality_control,
        repeats=NO_REPEATS,
        tolerance=5,
    )
    assert (contrary.agreement.value or 0) < -0.5
    assert contrary.reason_to_exclude is None
    assert str(blind.reason_to_exclude) == "rates degraded texts like their originals (p = 1.00 over 12 pairs)"
    assert untested.reason_to_exclude is None


@pytest.mark.once
def test_a_million_ratings_of_a_thousand_raters_take_seconds() -> None:
    draw, n, count = np.random.default_rng(7), 1_000_000, 1000
    raters, texts = draw.integers(count, size=n), draw.integers(n // 3, size=n)
    scores = draw.uniform(0, 100, n)
    start = time.process_time()
    found = rater_summaries(
        count,
        RaterScores(raters, texts, scores),
        answers=Answers(raters, scores),
        degraded=Degraded(raters[:20_000], texts[:20_000], scores[:20_000], scores[20_000:40_000]),
        repeats=Repeats(raters[:20_000], scores[:20_000], scores[20_000:40_000]),
        tolerance=10,
    )
    assert time.process_time() - start < 10
    assert len(found) == count


def test_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[2, 1\]"):
        paces(2, Answers(np.array([0, 1]), np.array([3.0])))
    with pytest.raises(ValueError, match="from 0 to 1"):
        severities(2, RaterScores(np.array([0, 2]), np.array([0, 0]), np.array([1.0, 2])))
