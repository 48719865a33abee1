"""Agreement against published tables, against another library, and against what must not change it."""

import csv
import json
from pathlib import Path

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.statistics.agreement import (
    FORMULAS,
    Level,
    RatedUnits,
    alpha,
)
from annotations.statistics.estimate import Estimate
from annotations.statistics.intraclass import intraclass
from annotations.statistics.uncertainty import Floats

LEVELS = list(FORMULAS)


def alpha_of_table(table: Floats, *, level: Level = "interval", resamples: int = 1000) -> Estimate:
    """Of a (raters, texts) table, NaN where a rater did not rate a text."""
    raters, texts = np.nonzero(~np.isnan(table))
    return alpha(table[raters, texts], texts, level=level, resamples=resamples)


@pytest.fixture
def expected(shared_data: Path) -> dict[str, dict[str, float]]:
    return json.loads((shared_data / "statistics" / "expected.json").read_text())


def test_alpha_is_the_published_one(shared_data: Path, expected: dict[str, dict[str, float]]) -> None:
    with (shared_data / "statistics" / "krippendorff_wikipedia_3x15.csv").open() as file:
        rows = list(csv.reader(file))
    table = np.array([[float(cell) if cell else np.nan for cell in row] for row in rows])
    assert table.shape == (3, 15)
    for level, published in expected["alpha_wikipedia_3x15"].items():
        assert alpha_of_table(table, level=level, resamples=10).value == pytest.approx(published, abs=5e-5)


@pytest.mark.parametrize("text", [("item", "system"), ("text",)])  # both are the same 200 + 100 texts, of three ratings
def test_alpha_of_a_published_study(shared_data: Path, text: tuple[str, ...]) -> None:
    published = {
        ("coherence", "main"): 0.2400,
        ("coherence", "new"): 0.2334,
        ("naturalness", "main"): 0.3022,
        ("naturalness", "new"): 0.2825,
    }
    with (shared_data / "ratings" / "scratchplot_likert.csv").open() as file:
        rows = list(csv.DictReader(file))
    for part, value in published.items():
        mine = [row for row in rows if (row["criterion"], row["batch"]) == part]
        _, units = np.unique(["|".join(row[key] for key in text) for row in mine], return_inverse=True)
        found = alpha(np.array([float(row["score"]) for row in mine]), units, level="ordinal", resamples=100)
        assert found.value == pytest.approx(value, abs=5e-5)


@pytest.mark.parametrize("level", LEVELS)
def test_alpha_is_that_of_another_library_in_every_resample(level: str) -> None:
    """A resample of units by weights is the table with columns repeated, ranks and all."""
    draw = np.random.default_rng(3)
    for _ in range(25):
        table = draw.choice([0.0, 0.5, 1.0, 4.0, 7.0], size=(4, 9))
        table[draw.random(table.shape) < 0.4] = np.nan
        table = table[:, (~np.isnan(table)).sum(axis=0) > 1]
        raters, units = np.nonzero(~np.isnan(table))
        rated = RatedUnits(table[raters, units], units, np.arange(table.shape[1]))
        weights = draw.integers(0, 3, size=(4, table.shape[1])) + 1.0
        for row, found in zip(weights, FORMULAS[level](rated)(weights), strict=True):
            repeated = np.repeat(table, row.astype(int), axis=1)
            other = krippendorff.alpha(reliability_data=repeated, level_of_measurement=level)
            assert found == pytest.approx(other, abs=1e-12)


def test_texts_of_a_group_are_drawn_together() -> None:
    """Every text ten times, its copies in one group: ten times the texts, and no more is known than before."""
    draw = np.random.default_rng(4)
    units = np.repeat(np.arange(60), 3)
    scores = draw.normal(50, 10, 60)[units] + draw.normal(0, 10, 180)
    copies, copied = np.tile(scores, 10), np.tile(units, 10) + 60 * np.repeat(np.arange(10), 180)
    alone, apart = alpha(scores, units).interval, alpha(copies, copied).interval
    together = alpha(copies, copied, groups=copied % 60).interval
    assert alone is not None
    assert apart is not None
    assert together == pytest.approx(alone, abs=0.01)
    assert apart[1] - apart[0] < 0.5 * (alone[1] - alone[0])


long_form = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), min_size=2, max_size=60)


@given(long_form, st.permutations(range(10)), st.permutations(range(7)), st.randoms())
def test_names_and_order_do_not_enter_alpha(
    given_: list[tuple[int, int]], units: list[int], values: list[int], random: object
) -> None:
    """Units renamed and ratings in another order: every level; values renamed: nominal; stretched: ordinal."""
    scores = np.array([float(score) for score, _ in given_])
    rated = np.array([unit for _, unit in given_])
    order = np.random.default_rng(random.getrandbits(32)).permutation(len(scores))
    for level in LEVELS:
        found = alpha(scores, rated, level=level, resamples=0)
        renamed = alpha(scores[order], np.array(units)[rated[order]], level=level, resamples=0)
        assert renamed.value == pytest.approx(found.value)
        assert (found.value is None) == (renamed.value is None)
    nominal = alpha(scores, rated, level="nominal", resamples=0).value
    assert alpha(np.array(values)[scores.astype(int)], rated, level="nominal", resamples=0).value == pytest.approx(
        nominal
    )
    ordinal = alpha(scores, rated, level="ordinal", resamples=0).value
    assert alpha(np.exp(scores), rated, level="ordinal", resamples=0).value == pytest.approx(ordinal)


def test_agreement_that_is_undefined_says_why() -> None:
    assert str(alpha_of_table(np.array([[1.0, np.nan], [np.nan, 2.0]])).undefined) == "no text was rated by two raters"
    assert "all ratings are equal" in str(alpha_of_table(np.full((2, 3), 4.0)).undefined)
    assert "no text" in str(alpha(np.array([]), np.array([], dtype=int)).undefined)
    perfect = alpha_of_table(np.array([[1.0, 5.0, 9.0], [1.0, 5.0, 9.0]]))
    assert perfect.value == pytest.approx(1.0)
    assert perfect.interval is None
    assert "same value" in str(perfect.undefined)
    single = alpha_of_table(np.array([[1.0, np.nan], [2.0, 3.0]]))
    assert single.value is not None
    assert "one text" in str(single.undefined)
    assert "negative" in str(alpha_of_table(np.array([[1.0, -2.0], [2.0, 3.0]]), level="ratio").undefined)
    with pytest.raises(ValueError, match="two groups"):
        alpha(np.array([1.0, 2.0]), np.array([0, 0]), groups=np.array([0, 1]))
    with pytest.raises(ValueError, match="nominal, ordinal"):
        alpha(np.array([1.0, 2.0]), np.array([0, 0]), level="metric")


def test_intraclass_correlations_are_the_published_ones(
    shared_data: Path, expected: dict[str, dict[str, float]]
) -> None:
    """Shrout and Fleiss's table; the intervals are those the R package psych prints of it."""
    table = np.loadtxt(shared_data / "statistics" / "shrout_fleiss1979_6x4.csv", delimiter=",")
    found = intraclass(table)
    printed = {
        "ICC(1)": (-0.133, 0.72),
        "ICC(2)": (0.019, 0.76),
        "ICC(3)": (0.342, 0.95),
        "ICC(1,k)": (-0.884, 0.91),
        "ICC(2,k)": (0.071, 0.93),
        "ICC(3,k)": (0.676, 0.99),
    }
    for name, interval in printed.items():
        key = "".join(letter for letter in name if letter.isalnum())
        assert found[name].value == pytest.approx(expected["icc_shrout_fleiss"][key], abs=5e-5)
        low, high = found[name].interval or (0, 0)
        assert (round(low, 3), round(high, 2)) == interval


def test_intraclass_correlations_that_are_undefined_say_why() -> None:
    scores = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    constant_severity = intraclass(scores)
    assert constant_severity["ICC(3)"].value == pytest.approx(1.0)
    assert "too little residual variation" in str(constant_severity["ICC(3)"].undefined)
    assert constant_severity["ICC(2)"].value == pytest.approx(8 / 9)  # BMS 8, EMS 0, JMS 1.5: 8 / (8 + 2 × 1.5 / 3)
    scores[1, 1] = np.nan
    for table, why in ((scores, "not every rater"), (np.ones((3, 2)), "equal"), (np.ones((1, 2)), "two")):
        assert all(each.value is None and why in str(each.undefined) for each in intraclass(table).values())
    flat = intraclass(np.array([[1.0, 2.0], [1.0, 2.0]]))["ICC(3)"]
    assert "severity" in str(flat.undefined)
