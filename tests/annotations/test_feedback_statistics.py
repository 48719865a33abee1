"""Weights, flip rates and means of feedback sets, against values by hand, from scipy and from enumeration."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from annotations.statistics.feedback import (
    USUAL_AGREEMENT,
    agreement_of,
    flip_rate,
    majority_weight,
    single_flip_rate,
    text_means,
)

pytestmark = pytest.mark.pure


def test_agreement_is_that_of_pairs_of_raters_who_both_decided() -> None:
    # three raters, one of them against: 1 of 3 pairs agree; two who agree: 1 of 1; a tie and a single vote: none
    found = agreement_of([[1.0, 1.0, 0.0], [0.0, 0.0], [1.0, 0.5], [1.0]])
    assert found == (2, pytest.approx(2 / 4))
    assert agreement_of([[1.0], [0.5, 0.5]]) == (0, None)


def test_the_flip_rate_of_one_judgement_gives_the_agreement_back() -> None:
    assert single_flip_rate(0.82) == pytest.approx(0.1)  # 0.9² + 0.1²
    assert single_flip_rate(0.68) == pytest.approx(0.2)  # 0.8² + 0.2²
    assert 0.16 < single_flip_rate(USUAL_AGREEMENT) < 0.17
    assert single_flip_rate(1.0) == 0.01
    assert single_flip_rate(0.5) == single_flip_rate(0.3) == 0.45


def test_a_simulated_crowd_has_the_flip_rate_that_was_planted() -> None:
    draw = np.random.default_rng(5)
    truth = draw.integers(0, 2, 4000)
    votes = [[float(t != (draw.random() < 0.15)) for _ in range(3)] for t in truth]
    share = agreement_of(votes).share
    assert share is not None
    assert single_flip_rate(share) == pytest.approx(0.15, abs=0.03)


@pytest.mark.parametrize("votes", [[1.0], [1.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.5], [1.0, 1.0, 1.0, 0.5, 0.0]])
def test_the_flip_rate_of_a_majority_is_by_bayes(votes: list[float]) -> None:
    """Against the probabilities of these very votes, were it true and were it not; ties say nothing of either."""
    e = 0.2
    decided = [vote for vote in votes if vote != 0.5]
    if_true = np.prod([1 - e if vote else e for vote in decided])
    if_false = np.prod([e if vote else 1 - e for vote in decided])
    assert flip_rate(e, votes) == pytest.approx(if_false / (if_true + if_false))


def test_a_majority_weighs_by_the_mean_of_a_beta_distribution() -> None:
    for n in range(1, 6):
        for votes in product([0.0, 1.0], repeat=n):
            ayes = sum(votes)
            mean = stats.beta(1 + ayes, 1 + n - ayes).mean()
            assert majority_weight(votes) == pytest.approx(abs(2 * mean - 1))
    assert majority_weight([1.0]) == pytest.approx(1 / 3)
    assert majority_weight([1.0, 0.0]) == pytest.approx(0)


def test_means_of_texts_by_hand() -> None:
    # texts 0 (1, 3), 1 (0) and 2 (−1, −1): means 2, 0, −1; V = (2 + 0) / 2 = 1
    found = text_means(np.array([1.0, 3.0, 0.0, -1.0, -1.0]), np.array([0, 0, 1, 2, 2]), 3)
    variances = [(5 * 1 + 2) / 6, 5 / 5, 5 / 6]
    weights = [2 / (2 + variances[0]), 1 / (1 + variances[1]), 2 / (2 + variances[2])]
    assert found.weights == pytest.approx(weights)
    assert found.means == pytest.approx([2 * weights[0], 0, -weights[2]])
    assert found.weights[2] > found.weights[0], "who disagrees weighs less"
    alone = text_means(np.array([2.0]), np.array([0]), 1)
    assert (alone.means[0], alone.weights[0]) == (pytest.approx(1.0), pytest.approx(0.5))


def test_means_of_texts_are_those_of_the_normal_model() -> None:
    """Where raters vary equally about all texts the variance is the pooled one, and scipy's densities on a fine grid
    have the same posterior mean and variance."""
    values, texts = np.array([0.5, 1.5, -1.5, -0.5, 1.9, 2.9]), np.array([0, 0, 1, 1, 2, 2])
    found = text_means(values, texts, 3)
    variance = (5 * 0.5 + 0.5) / 6  # S = V = 0.5
    grid = np.linspace(-8, 8, 160_001)
    for text in range(3):
        density = stats.norm.pdf(grid) * np.prod(
            [stats.norm.pdf(value, grid, np.sqrt(variance)) for value in values[texts == text]], axis=0
        )
        density /= density.sum()
        mean = (grid * density).sum()
        assert found.means[text] == pytest.approx(mean, abs=1e-6)
        assert found.weights[text] == pytest.approx(1 - ((grid - mean) ** 2 * density).sum(), abs=1e-6)
