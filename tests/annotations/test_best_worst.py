"""Best-worst scaling by hand, against another library, and in a simulation whose truth is known."""

import numpy as np
import pytest
from statsmodels.discrete.conditional_models import ConditionalLogit

from annotations.statistics.best_worst import best_worst_counts, best_worst_model
from annotations.statistics.means import clustered_mean

Rows = dict[str, np.ndarray]


def drawn(draw: np.random.Generator, worth: np.ndarray, screens: int, sizes: tuple[int, ...]) -> Rows:
    """Screens of random systems, with best and worst drawn from the maxdiff model."""
    rows = []
    for screen in range(screens):
        shown = draw.permutation(len(worth))[: draw.choice(sizes)]
        pairs = [(one, other) for one in shown for other in shown if one != other]
        weights = np.exp([worth[one] - worth[other] for one, other in pairs])
        best, worst = pairs[draw.choice(len(pairs), p=weights / weights.sum())]
        rows += [(system, screen, system == best, system == worst) for system in shown]
    systems, numbers, best, worst = (np.array(part) for part in zip(*rows, strict=True))
    return {"systems": systems, "screens": numbers, "best": best, "worst": worst}


def test_the_model_is_that_of_another_library() -> None:
    """A conditional logit of all ordered pairs of each screen, three or four systems per screen."""
    rows = drawn(np.random.default_rng(1), np.array([0.8, 0.0, -0.3, 0.4, -0.9]), 200, (3, 4))
    chosen, design, groups = [], [], []
    for screen in range(200):
        mine = rows["screens"] == screen
        shown, best, worst = rows["systems"][mine], rows["best"][mine], rows["worst"][mine]
        for one, is_best in zip(shown, best, strict=True):
            for other, is_worst in zip(shown, worst, strict=True):
                if one != other:
                    chosen.append(int(is_best and is_worst))
                    design.append((np.eye(5)[one] - np.eye(5)[other])[:4])
                    groups.append(screen)
    other_fit = ConditionalLogit(np.array(chosen), np.array(design), groups=np.array(groups)).fit(disp=0)
    found = best_worst_model(**rows)
    assert found.undefined is None
    assert found.worths is not None
    assert found.worths.difference_errors is not None
    assert found.worths.differences[:4, 4] == pytest.approx(other_fit.params, abs=1e-4)
    assert found.worths.difference_errors[:4, 4] == pytest.approx(other_fit.bse, abs=1e-4)
    assert found.worths.values.sum() == pytest.approx(0)


def test_intervals_hold_the_truth() -> None:
    draw, worth, rounds, held = np.random.default_rng(2), np.array([0.6, 0.0, -0.6]), 150, 0
    for _ in range(rounds):
        found = best_worst_model(**drawn(draw, worth, 80, (3,)))
        assert found.worths is not None
        assert found.worths.difference_intervals is not None
        low, high = found.worths.difference_intervals[0, 2]
        held += low <= 1.2 <= high
    assert 0.91 <= held / rounds <= 0.99


def test_counts_by_hand_and_a_shared_text_counts_for_each_of_its_systems() -> None:
    """Screen 0: a best, c worst. Screen 1: a and b wrote the same text, and it was best; c was worst, d neither."""
    rows: Rows = {
        "systems": np.array([0, 1, 2, 0, 1, 2, 3]),
        "screens": np.array([0, 0, 0, 1, 1, 1, 1]),
        "best": np.array([1, 0, 0, 1, 1, 0, 0], dtype=bool),
        "worst": np.array([0, 0, 1, 0, 0, 1, 0], dtype=bool),
    }
    texts = np.array([0, 1, 2, 3, 3, 4, 5])
    items, raters = rows["screens"], np.array([0, 0, 0, 1, 1, 1, 1])
    found = best_worst_counts(**rows, items=items, raters=raters, texts=texts, names=list("abcde"))
    assert [(each.shown, each.best, each.worst) for each in found] == [
        (2, 2, 0),
        (2, 1, 0),
        (2, 0, 2),
        (1, 0, 0),
        (0, 0, 0),
    ]
    assert found[1].score == clustered_mean(np.array([0.0, 1.0]), np.array([0, 1]), np.array([0, 1]))
    assert str(found[4].score.undefined) == "e was never shown"
    assert "more than one album or rater" in str(found[3].score.undefined)
    with pytest.raises(ValueError, match="screen 1 has 2 best texts"):
        best_worst_counts(**rows, items=items, raters=raters)


def test_a_shared_text_has_the_mean_worth_of_its_systems() -> None:
    """a and b always share a text, preferred to c's on 30 of 40 screens: exp(2 (v_ab − v_c)) = 3.

    That says nothing of a against b, until 40 screens of the two alone are won half and half.
    """
    systems, screens = np.tile([0, 1, 2], 40), np.repeat(np.arange(40), 3)
    first = screens < 30
    rows: Rows = {
        "systems": systems,
        "screens": screens,
        "best": np.where(systems < 2, first, ~first),
        "worst": np.where(systems < 2, ~first, first),
    }
    texts = screens * 2 + (systems == 2)
    assert "share every text" in str(best_worst_model(**rows, texts=texts).undefined)
    duel = np.repeat(np.arange(40, 80), 2)
    more: Rows = {
        "systems": np.append(systems, np.tile([0, 1], 40)),
        "screens": np.append(screens, duel),
        "best": np.append(rows["best"], (np.tile([0, 1], 40) == 0) == (duel < 60)),
        "worst": np.append(rows["worst"], (np.tile([0, 1], 40) == 0) != (duel < 60)),
    }
    found = best_worst_model(**more, texts=np.append(texts, 1000 + np.arange(80)))
    assert found.worths is not None
    assert found.worths.differences[0, 1] == pytest.approx(0, abs=1e-9)
    assert found.worths.differences[0, 2] == pytest.approx(np.log(3) / 2)


def test_what_the_model_cannot_estimate_says_why() -> None:
    systems, screens = np.tile([0, 1, 2], 5), np.repeat(np.arange(5), 3)
    always: Rows = {"systems": systems, "screens": screens, "best": systems == 0, "worst": systems == 2}
    found = best_worst_model(**always, names=["gru", "lstm", "caption"])
    assert found.worths is None
    assert "gru never lost to the others; caption never won" in str(found.undefined)
    apart: Rows = {
        "systems": np.array([0, 1, 2, 3]),
        "screens": np.array([0, 0, 1, 1]),
        "best": np.array([True, False] * 2),
        "worst": np.array([False, True] * 2),
    }
    assert "system 0 and system 1; system 2 and system 3" in str(best_worst_model(**apart).undefined)
    none = np.array([], dtype=int)
    assert str(best_worst_model(none, none, none > 0, none > 0).undefined) == "no screens"
    with pytest.raises(ValueError, match="as best and worst"):
        best_worst_model(systems, screens, systems == 0, systems == 0)
