"""Percent agreement, kappas and Gwet's coefficients, against other libraries and published tables."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from annotations.reasons import Reason
from annotations.statistics.chance_corrected import Weights, chance_corrected
from annotations.statistics.uncertainty import Floats

ENDS: dict[Weights, str] = {"none": "", "linear": ", linear weights", "quadratic": ", quadratic weights"}
# Gwet's (2014) worked example, twelve texts of four raters, 0 where one gave no score; by texts.
GWET = """1101 2232 3333 3333 2222 1234 4444 1121 2222 0555 0011 0030"""
# Scores from 2 to 6 on a scale from 1 to 7, of two to four raters per text, and some of a single one.
SPARSE = """0203 0002 4555 0053 4005 5560 0066 0200 5404 4550 6066 5333 0020"""
# Percent agreement, Fleiss' kappa and Gwet's coefficient by irrCAC 0.4.4, the Python port of Gwet's own package, whose
# manual prints 0.818, 0.761 and 0.775 of the first.
OF_IRRCAC = {
    GWET: {
        "none": (0.8181818182, 0.7611692754, 0.7754440681),
        "linear": (0.9393939394, 0.8179447671, 0.8587391364),
        "quadratic": (0.9753787879, 0.8649350649, 0.9140007236),
    },
    SPARSE: {
        "none": (0.4, 0.2302793885, 0.3104104025),
        "linear": (0.875, 0.5499778096, 0.7139752818),
        "quadratic": (0.9708333333, 0.7624983735, 0.9003437212),
    },
}


def long_form(texts: str) -> tuple[Floats, ...]:
    table = np.array([[float(score) for score in text] for text in texts.split()])
    unit, rater = np.nonzero(table)
    return table[unit, rater], unit, rater


@pytest.mark.parametrize(("texts", "scale"), [(GWET, (1, 5)), (SPARSE, (1, 7))])
@pytest.mark.parametrize("weights", ENDS)
def test_coefficients_are_those_of_gwets_package(texts: str, scale: tuple[float, float], weights: Weights) -> None:
    scores, units, raters = long_form(texts)
    order = np.random.default_rng(1).permutation(len(scores))
    found = chance_corrected(scores[order], units[order] * 7 + 3, raters[order] * 2, scale=scale, resamples=50)
    end = ENDS[weights]
    names = (f"Percent agreement{end}", f"Fleiss' kappa{end}", f"Gwet's AC{2 if end else 1}{end}")
    assert [found[name].value for name in names] == pytest.approx(OF_IRRCAC[texts][weights], abs=1e-9)
    alone = chance_corrected(scores[order], units[order], raters[order], scale=scale, weights=[weights], resamples=50)
    assert alone == {name: found[name] for name in names}, "each is the same without the others"


def test_two_raters_have_cohens_weighted_kappa() -> None:
    draw = np.random.default_rng(5)
    first = draw.integers(1, 6, 80)
    second = np.clip(first + draw.integers(-1, 3, 80), 1, 5)  # the second is milder
    scores = np.concatenate([first, second, [1, 1, 5]]).astype(float)
    units = np.concatenate([np.arange(80), np.arange(80), [80, 81, 82]])  # three texts of one rater alone
    raters = np.concatenate([np.full(80, 9), np.full(80, 4), [9, 4, 4]])
    order = draw.permutation(len(scores))
    found = chance_corrected(scores[order], units[order], raters[order], scale=(1, 5), resamples=50)
    for weights, end in ENDS.items():
        other = cohen_kappa_score(first, second, weights=None if weights == "none" else weights)
        assert found[f"Cohen's kappa{end}"].value == pytest.approx(other, abs=1e-12)
    third = chance_corrected(np.append(scores, 3), np.append(units, 0), np.append(raters, 1), scale=(1, 5))
    assert "Fleiss' kappa" in third


def test_fleiss_kappa_is_the_published_one(shared_data: Path) -> None:
    published = json.loads((shared_data / "statistics" / "expected.json").read_text())["fleiss_kappa_wikipedia"]
    counts = np.loadtxt(shared_data / "statistics" / "fleiss_wikipedia_10x5_counts.csv", delimiter=",").astype(int)
    units, values = (np.repeat(place, counts.ravel()) for place in np.indices(counts.shape).reshape(2, -1))
    found = chance_corrected(values.astype(float), units, np.arange(len(units)), scale=(0, 4))["Fleiss' kappa"]
    assert found.value == pytest.approx(published, abs=5e-5)
    assert found.value == pytest.approx(inter_rater.fleiss_kappa(counts))
    assert found.interval is not None
    assert found.interval[0] < published < found.interval[1]


def test_intervals_are_of_whole_groups_and_hold_the_value_as_often_as_they_say() -> None:
    """Copies in one group add nothing; and of 200 draws about 95 % hold what very many texts give."""
    draw = np.random.default_rng(4)
    base = draw.integers(1, 6, 60)
    units = np.repeat(np.arange(60), 3)
    scores = np.clip(base[units] + draw.integers(-1, 2, 180), 1, 5).astype(float)
    raters = np.tile(np.arange(3), 60)
    copies, whose = np.tile(scores, 10), np.tile(raters, 10)
    copied = np.tile(units, 10) + 60 * np.repeat(np.arange(10), 180)
    alone = chance_corrected(scores, units, raters, scale=(1, 5))
    together = chance_corrected(copies, copied, whose, scale=(1, 5), groups=copied % 60)
    apart = chance_corrected(copies, copied, whose, scale=(1, 5))
    for name, found in alone.items():
        low, high = found.interval
        assert together[name].interval == pytest.approx((low, high), abs=0.01)
        assert apart[name].interval[1] - apart[name].interval[0] < 0.5 * (high - low)

    def drawn(texts: int) -> tuple[Floats, ...]:
        unit = np.repeat(np.arange(texts), 3)
        of_text = draw.integers(1, 6, texts)[unit] + draw.integers(-1, 2, 3 * texts)
        return np.clip(of_text, 1, 5).astype(float), unit, np.tile(np.arange(3), texts)

    truth = {name: each.value for name, each in chance_corrected(*drawn(200_000), scale=(1, 5), resamples=2).items()}
    held = dict.fromkeys(truth, 0)
    for _ in range(200):
        for name, each in chance_corrected(*drawn(100), scale=(1, 5), resamples=300).items():
            held[name] += each.interval[0] <= truth[name] <= each.interval[1]
    assert all(175 <= times <= 199 for times in held.values()), held


def test_what_is_undefined_says_why() -> None:
    def undefined(scores: list[float], units: list[int], scale: tuple[float, float] = (1, 5)) -> dict[str, str]:
        found = chance_corrected(np.array(scores), np.array(units), np.arange(len(units)), scale=scale)
        return {name: str(each.undefined) for name, each in found.items() if each.value is None}

    assert set(undefined([1.0, 2.0], [0, 1]).values()) == {"no text was rated by two raters"}
    assert set(undefined([], []).values()) == {"no text was rated by two raters"}
    equal = undefined([3.0] * 4, [0, 0, 1, 1])
    assert set(equal) == {f"Fleiss' kappa{end}" for end in ENDS.values()}
    assert set(equal.values()) == {"all ratings are equal, so agreement is undefined"}
    halves = undefined([3.0, 3.5, 1.0, 1.0], [0, 0, 1, 1])
    assert set(halves) == {"Gwet's AC1", "Gwet's AC2, linear weights", "Gwet's AC2, quadratic weights"}
    assert all("not whole points" in why for why in halves.values())
    lone = chance_corrected(np.array([1.0, 2.0, 4.0]), np.array([0, 0, 1]), np.arange(3), scale=(1, 5))
    assert {each.undefined for each in lone.values()} == {Reason("one_group")}
    with pytest.raises(ValueError, match=r"run from 1 to 6, but the scale from 1 to 5"):
        undefined([1.0, 6.0], [0, 0])
    with pytest.raises(ValueError, match="two groups"):
        chance_corrected(np.ones(2), np.zeros(2, int), np.arange(2), scale=(1, 5), groups=np.arange(2))
    with pytest.raises(ValueError, match="2 scores, 1 units"):
        chance_corrected(np.ones(2), np.zeros(1, int), np.arange(2), scale=(1, 5))
