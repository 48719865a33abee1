"""Which of two texts did a person write: values from tables, by hand, and studies whose truth is known."""

import numpy as np
import pytest

from annotations.reasons import Reason
from annotations.statistics.forced_choice import by_confidence, told
from annotations.statistics.shares import clustered_share


def choices(*counts: int) -> tuple[np.ndarray, ...]:
    """Of the person's text first: the first chosen, the second; of the person's text second: the same. Each choice of
    an item and of a rater of its own."""
    human_first, chose_first = np.repeat([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], counts, axis=0).T
    return human_first, chose_first, np.arange(sum(counts)), np.arange(sum(counts))


@pytest.mark.parametrize(("right", "d_prime"), [(0.55, 0.18), (0.60, 0.36), (0.75, 0.95), (0.76, 1.0), (0.90, 1.81)])
def test_d_prime_is_that_of_the_tables_for_two_alternatives(right: float, d_prime: float) -> None:
    """Hacker and Ratcliff 1979 (Perception & Psychophysics 26), two alternatives, to two decimals."""
    good, bad = round(right * 50_000), round((1 - right) * 50_000)
    found = told(*choices(good, bad, bad, good))
    assert found.accuracy.share == pytest.approx(right)
    assert found.d_prime.value == pytest.approx(d_prime, abs=0.006)
    assert found.bias.value == pytest.approx(0, abs=1e-9)


def test_by_hand() -> None:
    """7 of 9 and 2 of 9 are 0.75 and 0.25 after the correction, z = ±0.67449: d′ = 1.34898 / √2 = 0.95387."""
    human_first, chose_first, items, _ = choices(7, 2, 2, 7)
    found = told(human_first, chose_first, items, np.zeros(18, dtype=np.int64), margin=0.4)
    assert found.n == 18
    assert found.d_prime.value == pytest.approx(0.95387, abs=1e-5)
    assert found.d_prime.error == pytest.approx(
        (18 / 17 * 2 * (7 * 4 + 2 * 49) / 81) ** 0.5 / (10 * 0.317777) / 2**0.5, rel=1e-5
    )
    assert found.bias.value == pytest.approx(0, abs=1e-12)
    above, tested, least = found.above_chance
    assert above.value == pytest.approx(14 / 18 - 0.5)
    deviation = (14 / 18 * 4 / 18 / 17) ** 0.5  # of a mean of 18 choices, with t of 17 degrees of freedom
    assert above.error == pytest.approx(deviation)
    assert tested is not None
    ends = 14 / 18 - 0.5 - 1.73961 * deviation, 14 / 18 - 0.5 + 1.73961 * deviation
    assert tested.interval == pytest.approx(ends, abs=1e-5)
    assert least == pytest.approx(ends[1], abs=1e-5)
    assert found.accuracy == clustered_share((human_first == chose_first).astype(float), items, items * 0)


def test_who_prefers_a_place_tells_no_worse() -> None:
    """0.9 and 0.5 of the first texts chosen: z = 1.28155 and 0. √2 z(0.7), 0.7416, would take the bias for noise."""
    found = told(*choices(45_000, 5_000, 25_000, 25_000))
    assert found.accuracy.share == pytest.approx(0.7)
    assert found.d_prime.value == pytest.approx(1.28155 / 2**0.5, abs=1e-3)
    assert found.bias.value == pytest.approx(-1.28155 / 2, abs=1e-3)
    assert found.bias.interval is not None
    assert found.bias.interval[1] < 0, "towards the text shown first"
    mirrored = told(*choices(25_000, 25_000, 5_000, 45_000))
    assert mirrored.bias.value == pytest.approx(1.28155 / 2, abs=1e-3)
    assert mirrored.d_prime.value == pytest.approx(found.d_prime.value)


def test_what_nothing_varied_in_has_a_value_and_says_why_it_has_no_interval() -> None:
    """5 of 5 and 0 of 5 are 5.5 / 6 and 0.5 / 6, z = ±1.38299."""
    perfect = told(*choices(5, 0, 0, 5), margin=0.1)
    assert perfect.accuracy.share == 1
    assert perfect.d_prime.value == pytest.approx(2 * 1.38299 / 2**0.5, abs=1e-5)
    assert (perfect.d_prime.interval, perfect.d_prime.undefined) == (None, Reason("chosen_alike", place="first"))
    assert perfect.above_chance.estimate.undefined == Reason("nothing_varied")
    first_always = told(*choices(5, 0, 5, 0))
    assert first_always.accuracy.share == 0.5
    assert first_always.d_prime.value == pytest.approx(0)
    assert first_always.bias.value == pytest.approx(-1.38299, abs=1e-5)
    one_side = told(*choices(5, 3, 0, 0))
    assert (one_side.d_prime.value, one_side.d_prime.undefined) == (None, Reason("never_placed", place="second"))
    assert one_side.accuracy.share == 5 / 8
    assert told(*choices(0, 0, 0, 0)).d_prime.undefined == Reason("nothing", unit="choice")
    with pytest.raises(ValueError, match="raters has 1 values and human_first 8; each choice has one of each"):
        told(*choices(5, 3, 0, 0)[:3], np.zeros(1, dtype=np.int64))


def test_by_confidence() -> None:
    right, sure = np.array([1.0, 0, 1, 1, 1]), np.array([1, 1, 3, 3, 1])
    found = by_confidence(right, sure, np.arange(5), np.arange(5))
    assert [(confidence, n, share.share) for confidence, n, share in found] == [(1, 3, 2 / 3), (3, 2, 1.0)]


def test_intervals_hold_over_items_and_raters() -> None:
    """400 studies of 24 items by 12 raters: texts differ in how well they are told, raters in that and in the place
    they prefer. The accuracy's and d′'s 95 % intervals should cover the truth in 95 of 100, and do in 92 to 98."""
    draw = np.random.default_rng(5)
    items, raters = (part.ravel() for part in np.meshgrid(np.arange(24), np.arange(12), indexing="ij"))

    def study(i: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        human_first = (i + r // 2) % 2 * 1.0
        apart = 0.7 + 0.4 * draw.normal(size=i.max() + 1)[i] + 0.4 * draw.normal(size=r.max() + 1)[r]
        prefers = 0.4 * draw.normal(size=r.max() + 1)[r]
        return human_first, ((2 * human_first - 1) * apart + prefers + draw.normal(size=len(i)) > 0) * 1.0

    many = np.arange(400_000)
    truth = told(*study(many, many), many, many)
    covered = np.zeros(2)
    for _ in range(400):
        found = told(*study(items, raters), items, raters)
        for which, (interval, value) in enumerate(
            [
                (found.accuracy.interval, truth.accuracy.share),
                (found.d_prime.interval, truth.d_prime.value),
            ]
        ):
            assert interval is not None
            assert value is not None
            covered[which] += interval[0] <= value <= interval[1]
    assert (covered >= 0.92 * 400).all(), covered
    assert (covered <= 0.98 * 400).all(), covered
