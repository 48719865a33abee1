"""Telling human from machine: by hand, and in simulations whose truth is known."""

import numpy as np
import pytest

from annotations.statistics.detection import detection, sensitivity
from annotations.statistics.means import clustered_mean

pytestmark = pytest.mark.once  # no database has a part in it


def test_sensitivity_by_hand() -> None:
    """7 of 9 hits and 2 of 9 false alarms are 0.75 and 0.25 after the correction: z = ±0.67449, φ(z) = 0.31778.

    d′ = 1.34898, c = 0, variance 2 × 0.1875 / (9 × 0.31778²).
    """
    truth, answer = np.repeat([1.0, 0.0], 9), np.array([1.0] * 7 + [0.0] * 2 + [1.0] * 2 + [0.0] * 7)
    found = sensitivity(answer, truth)
    error = (2 * 0.1875 / 9) ** 0.5 / 0.31778
    assert found.d_prime == pytest.approx(1.34898, abs=1e-5)
    assert found.criterion == pytest.approx(0, abs=1e-12)
    assert found.error == pytest.approx(error, rel=1e-4)
    assert found.interval == pytest.approx((1.34898 - 1.95996 * error, 1.34898 + 1.95996 * error), abs=1e-4)


def test_perfect_answers_stay_finite() -> None:
    """5 of 5 and 0 of 5 are 5.5 / 6 and 0.5 / 6, z = ±1.38299."""
    truth = np.repeat([1.0, 0.0], 5)
    assert sensitivity(truth, truth).d_prime == pytest.approx(2 * 1.38299, abs=1e-5)


def test_accuracy_and_shares_by_hand() -> None:
    """Human texts 0 are judged human 3 of 4 times, those of system 1 once of 2, those of system 2 never."""
    systems = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    judged = np.array([1, 1, 1, 0, 1, 0, 0, 0], dtype=bool)
    items, raters = np.arange(8) // 2, np.arange(8) % 2
    found = detection(systems, judged, items, raters, human=0, names=["human", "gru", "lstm"])
    assert [(each.system, each.n, each.human and each.human.mean) for each in found.systems] == [
        ("human", 4, 0.75),
        ("gru", 2, 0.5),
        ("lstm", 2, 0.0),
    ]
    right = np.array([1.0, 1, 1, 0, 0, 1, 1, 1])
    assert found.accuracy == clustered_mean(right, items, raters)
    assert (found.base_rate, found.chance, found.majority) == (0.5, 0.5, 0.5)
    assert found.above_chance is not None
    assert found.above_chance.mean == pytest.approx(0.25)
    gru, lstm = (found.systems[code].sensitivity.d_prime or 0 for code in (1, 2))
    assert 0 < gru < lstm


def test_raters_who_cannot_tell_are_at_chance_whatever_the_base_rate() -> None:
    """A fifth of the texts human, raters of different leanings who answer blindly: accuracy − chance covers zero."""
    draw, rounds, held, differs_from_half = np.random.default_rng(1), 300, 0, 0
    items, raters = (part.ravel() for part in np.meshgrid(np.arange(50), np.arange(10), indexing="ij"))
    for _ in range(rounds):
        systems = draw.permutation(np.repeat(np.arange(5), 10))[items]
        judged = draw.random(len(items)) < draw.uniform(0.1, 0.5, 10)[raters]
        found = detection(systems, judged, items, raters, human=0)
        assert found.accuracy is not None
        assert found.accuracy.interval is not None
        assert found.above_chance is not None
        assert found.above_chance.interval is not None
        assert found.above_chance.mean == pytest.approx(found.accuracy.mean - (found.chance or 0))
        held += found.above_chance.interval[0] <= 0 <= found.above_chance.interval[1]
        differs_from_half += found.accuracy.interval[0] > 0.5
    assert 0.92 <= held / rounds <= 0.99
    assert differs_from_half / rounds > 0.5


def test_what_is_undefined_says_why() -> None:
    systems, judged = np.array([1, 1, 2]), np.array([True, False, True])
    found = detection(systems, judged, np.arange(3), np.arange(3), human=0, names=["human", "gru", "lstm"])
    assert "no human text" in (found.undefined or "")
    assert found.systems[0].undefined == "no text of human was judged"
    assert (found.base_rate, found.above_chance, found.sensitivity.d_prime) == (0.0, None, None)
    people = detection(np.zeros(3, dtype=int), judged, np.arange(3), np.arange(3), human=0)
    assert "no machine text" in (people.undefined or "")
    none = np.array([], dtype=int)
    assert detection(none, none > 0, none, none, human=0).undefined == "there are no judgements"
    with pytest.raises(ValueError, match="raters has 1"):
        detection(systems, judged, np.arange(3), np.arange(1), human=0)
