"""Telling human from machine: by hand, and in simulations whose truth is known."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm

from annotations.reasons import Reason
from annotations.statistics.detection import auc, detection, sensitivity
from annotations.statistics.shares import clustered_share
from benchmarks.detection import WAYS, Design, covers, study


def test_sensitivity_by_hand() -> None:
    """7 of 9 hits and 2 of 9 false alarms are 0.75 and 0.25 after the correction: z = ±0.67449, φ(z) = 0.31778.

    d′ = 1.34898, c = 0. Of one rater every judgement is a cluster: the variance is n / (n − 1) times the sum of the
    squared influences, 2 (7 · 2² + 2 · 7²) / 81 / (10 · 0.31778)², with t of 17 degrees of freedom.
    """
    truth, answer = np.repeat([1.0, 0.0], 9), np.array([1.0] * 7 + [0.0] * 2 + [1.0] * 2 + [0.0] * 7)
    found = sensitivity(answer, truth, np.arange(18), np.zeros(18, dtype=np.int64))
    error = (18 / 17 * 2 * (7 * 4 + 2 * 49) / 81) ** 0.5 / (10 * 0.317777)
    assert found.d_prime.value == pytest.approx(1.34898, abs=1e-5)
    assert found.criterion.value == pytest.approx(0, abs=1e-12)
    assert found.d_prime.error == pytest.approx(error, rel=1e-5)
    assert found.criterion.error == pytest.approx(error / 2, rel=1e-5)
    assert found.d_prime.interval == pytest.approx((1.34898 - 2.10982 * error, 1.34898 + 2.10982 * error), abs=1e-4)


def test_perfect_answers_stay_finite_and_have_no_interval() -> None:
    """5 of 5 and 0 of 5 are 5.5 / 6 and 0.5 / 6, z = ±1.38299."""
    truth, ones = np.repeat([1.0, 0.0], 5), np.arange(10)
    found = sensitivity(truth, truth, ones, ones % 2).d_prime
    assert found.value == pytest.approx(2 * 1.38299, abs=1e-5)
    assert (found.interval, found.undefined) == (None, Reason("judged_alike", kind="human"))
    all_human = sensitivity(np.ones(10), truth, ones, ones % 2)
    assert all_human.d_prime.value == pytest.approx(0)
    assert all_human.criterion.value == pytest.approx(-1.38299, abs=1e-5)


def test_accuracy_and_shares_by_hand() -> None:
    """Human texts 0 are judged human 3 of 4 times, those of system 1 once of 2, those of system 2 never."""
    systems = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    judged = np.array([1, 1, 1, 0, 1, 0, 0, 0], dtype=bool)
    items, raters = np.arange(8) // 2, np.arange(8) % 2
    found = detection(systems, judged, items, raters, people=[0], names=["human", "gru", "lstm"])
    assert [(each.system, each.n, each.human.share) for each in found.systems] == [
        ("human", 4, 0.75),
        ("gru", 2, 0.5),
        ("lstm", 2, 0.0),
    ]
    right = np.array([1.0, 1, 1, 0, 0, 1, 1, 1])
    assert found.accuracy == clustered_share(right, items, raters)
    assert (found.base_rate, found.chance, found.majority) == (0.5, 0.5, 0.5)
    assert found.above_chance.value == pytest.approx(0.25)
    assert found.sensitivity.d_prime.value == pytest.approx(norm.ppf(3.5 / 5) - norm.ppf(1.5 / 5))
    gru, lstm = (found.systems[code].sensitivity.d_prime.value or 0 for code in (1, 2))
    assert 0 < gru < lstm


def test_the_area_is_mann_whitneys_and_its_interval_stays_within() -> None:
    draw = np.random.default_rng(3)
    truth = np.repeat([1.0, 0.0], [30, 50])
    sure = np.clip(np.round(draw.normal(truth * 3, 1.5)), -3, 3)
    items, raters = np.arange(80) // 4, np.arange(80) % 8
    found = auc(sure, truth, items, raters)
    whole = mannwhitneyu(sure[truth == 1], sure[truth == 0]).statistic / 30 / 50
    assert found.value == pytest.approx(float(whole))
    assert found.interval is not None
    assert 0.5 < found.interval[0] < whole < found.interval[1] < 1
    turned = auc(-sure, truth, items, raters)
    assert turned.interval == pytest.approx((1 - found.interval[1], 1 - found.interval[0]))
    apart = auc(truth, truth, items, raters)
    assert (apart.value, apart.interval) == (1.0, None)


def test_equivalence_to_chance_is_by_the_margin_and_the_least_one_is_where_it_turns() -> None:
    draw = np.random.default_rng(2)
    items, raters = (part.ravel() for part in np.meshgrid(np.arange(40), np.arange(12), indexing="ij"))
    systems, judged = draw.integers(0, 2, len(items)), draw.random(len(items)) < 0.5

    def p(margin: float) -> float:
        tested = detection(systems, judged, items, raters, people=[0], margin=margin).equivalence
        assert tested is not None
        assert tested.p is not None
        return tested.p

    found = detection(systems, judged, items, raters, people=[0])
    assert found.equivalence is None
    assert found.least_margin is not None
    assert p(found.least_margin * 1.001) < 0.05 < p(found.least_margin * 0.999)


def test_two_raters_of_three_texts_leave_all_that_is_possible_open() -> None:
    """Half of the texts are human, so that accuracy − chance lies between −0.5 and 0.5."""
    systems, judged = np.array([0, 1, 0, 1, 0, 1]), np.array([1, 0, 0, 0, 0, 1], dtype=bool)
    found = detection(systems, judged, np.arange(6) // 2, np.arange(6) % 2, people=[0])
    assert found.above_chance.interval is not None
    assert -0.5 <= found.above_chance.interval[0] < found.above_chance.interval[1] <= 0.5
    assert found.least_margin is None
    same = detection(systems, np.ones(6, dtype=bool), np.arange(6) // 2, np.arange(6) % 2, people=[0]).above_chance
    assert (same.value, same.interval, same.undefined) == (0.0, None, Reason("nothing_varied"))


def test_raters_who_cannot_tell_are_at_chance_whatever_the_base_rate() -> None:
    """A fifth of the texts human, raters of different leanings who answer blindly: accuracy − chance covers zero."""
    draw, rounds, held, differs_from_half = np.random.default_rng(1), 300, 0, 0
    items, raters = (part.ravel() for part in np.meshgrid(np.arange(50), np.arange(10), indexing="ij"))
    for _ in range(rounds):
        systems = draw.permutation(np.repeat(np.arange(5), 10))[items]
        judged = draw.random(len(items)) < draw.uniform(0.1, 0.5, 10)[raters]
        found = detection(systems, judged, items, raters, people=[0])
        assert found.accuracy.share is not None
        assert found.accuracy.interval is not None
        assert found.above_chance.interval is not None
        assert found.above_chance.value == pytest.approx(found.accuracy.share - (found.chance or 0))
        held += found.above_chance.interval[0] <= 0 <= found.above_chance.interval[1]
        differs_from_half += found.accuracy.interval[0] > 0.5
    assert 0.92 <= held / rounds <= 0.99
    assert differs_from_half / rounds > 0.5


@pytest.mark.parametrize("design", [Design(60, 12, 12), Design(80, 12, 4)], ids=["all-raters", "four-raters"])
def test_intervals_cover_where_raters_and_items_differ_and_those_of_independent_judgements_do_not(
    design: Design,
) -> None:
    draw, rounds = np.random.default_rng(5), 600
    covered = np.mean([covers(study(draw, design), design) for _ in range(rounds)], axis=0)
    shares = dict(zip(WAYS, covered.tolist(), strict=True))
    assert 0.93 <= shares["d′"] <= 0.98, shares
    assert 0.92 <= shares["c"] <= 0.98, shares
    assert 0.92 <= shares["accuracy − chance"] <= 0.98, shares
    assert shares["d′, independent judgements"] < 0.92, shares


def test_the_areas_interval_covers_where_raters_and_items_differ() -> None:
    """Its expectation has no closed form: it is the mean over all studies."""
    draw = np.random.default_rng(6)
    many = [study(draw, Design(60, 12, 12)) for _ in range(400)]
    found = [auc(each.sureness, each.human.astype(np.float64), each.items, each.raters) for each in many]
    area = float(np.mean([each.value for each in found]))
    held = [each.interval[0] <= area <= each.interval[1] for each in found if each.interval]
    assert len(held) == len(found)
    assert 0.92 <= np.mean(held) <= 0.98


def test_what_is_undefined_says_why() -> None:
    systems, judged = np.array([1, 1, 2]), np.array([True, False, True])
    three = np.arange(3)
    found = detection(systems, judged, three, three, people=[0], names=["human", "gru", "lstm"])
    assert found.undefined == Reason("no_text_judged", kind="human")
    assert found.systems[0].undefined == Reason("not_judged", system="human")
    assert (found.base_rate, found.above_chance.value, found.sensitivity.d_prime.value) == (0.0, None, None)
    nobody = detection(systems, judged, three, three, people=[], names=["caption", "gru", "lstm"])
    assert nobody.undefined == Reason("no_human_system")
    assert nobody.systems[1].human.share == 0.5
    people = detection(np.zeros(3, dtype=int), judged, three, three, people=[0])
    assert people.undefined == Reason("no_text_judged", kind="machine")
    none = np.array([], dtype=int)
    assert detection(none, none > 0, none, none, people=[0]).undefined == Reason("nothing", unit="judgement")
    with pytest.raises(ValueError, match="raters has 1"):
        detection(systems, judged, three, np.arange(1), people=[0])
