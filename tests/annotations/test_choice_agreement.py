"""Agreement of choices: coin flips have none, and who wrote a text does not enter it."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from numpy.typing import NDArray
from statsmodels.stats import inter_rater

from annotations.reasons import Reason
from annotations.reports.agreement import choice_agreement as reported
from annotations.reports.table import PairwiseChoices, RatingTable
from annotations.statistics.choice_agreement import ALPHA, choice_agreement
from annotations.statistics.choices import FIRST, SECOND, TIE
from annotations.statistics.uncertainty import Floats, Ints


def table_of(
    items: Ints, first: Ints, second: Ints, outcome: Floats, *, candidates: Ints, raters: Ints | None = None
) -> RatingTable:
    """A screen a comparison, every item an album of its own."""
    rows = np.arange(len(items))
    names = tuple(f"system-{number}" for number in range(candidates.shape[1]))
    return RatingTable(
        systems=names, criteria=("better",), items=items, albums=items,
        raters=rows % 3 if raters is None else raters, rater_names=("r", "s", "t"), rater_keys=(1, 2, 3),
        exclusions=("", "", ""),
        seconds=np.ones(len(rows)), scores={}, comparisons={"better": PairwiseChoices(first, second, outcome, rows)},
        words=np.ones(len(candidates)), candidates=candidates,
    )  # fmt: skip


def flips(systems: int, *, items: int, ties: float, seed: int) -> RatingTable:
    """Three raters per item, who choose between two of its texts by a coin that lands on its edge now and then."""
    draw = np.random.default_rng(seed)
    shown = np.array([draw.permutation(systems)[:2] for _ in range(items)])
    item = np.repeat(np.arange(items), 3)
    outcome = draw.choice([FIRST, SECOND, TIE], p=[(1 - ties) / 2, (1 - ties) / 2, ties], size=3 * items)
    turned = draw.random(3 * items) < 0.5
    pairs = np.where(turned[:, None], shown[item][:, ::-1], shown[item])
    ids = np.arange(1, items * systems + 1).reshape(items, systems)
    return table_of(item, pairs[:, 0], pairs[:, 1], outcome, candidates=ids)


def all_of(table: RatingTable) -> dict[str, float | None]:
    found = reported(table, "better")
    return {"alpha": found.alpha} | {row.name: row.value for row in found.coefficients}


@pytest.mark.parametrize("systems", range(2, 9))
@pytest.mark.parametrize("ties", [0.0, 0.25])
def test_coin_flips_agree_by_chance_alone(systems: int, ties: float) -> None:
    found = all_of(flips(systems, items=4000, ties=ties, seed=systems))
    assert found["alpha"] == pytest.approx(0, abs=0.03)
    assert found["Fleiss' kappa"] == pytest.approx(0, abs=0.03)


def test_few_coin_flips_agree_by_chance_in_the_mean() -> None:
    """Alpha has no bias of small samples: of ten pairs too its mean is what chance gives."""
    found = [all_of(flips(4, items=10, ties=0.2, seed=seed))["alpha"] for seed in range(600)]
    assert np.mean(found) == pytest.approx(0, abs=0.03)


def test_names_of_systems_and_the_order_of_two_texts_do_not_enter() -> None:
    """Where raters agree in part and systems differ, so that names and order could tell."""
    draw, items, systems = np.random.default_rng(3), 60, 5
    worth = np.linspace(-1, 1, systems)
    item = np.repeat(np.arange(items), 3)
    shown = np.array([draw.permutation(systems)[:2] for _ in range(items)])
    first, second = shown[item].T
    lead = worth[first] - worth[second] + draw.normal(0, 0.7, 3 * items)
    outcome = np.where(np.abs(lead) < 0.2, TIE, np.where(lead > 0, FIRST, SECOND))
    ids = np.arange(1, items * systems + 1).reshape(items, systems)
    found = all_of(table_of(item, first, second, outcome, candidates=ids))
    assert all(value is not None and 0.1 < value < 0.95 for value in found.values())
    for seed in range(5):
        change = np.random.default_rng(seed)
        names, turned = change.permutation(systems), change.random(3 * items) < 0.5
        other_ids = np.empty_like(ids)
        other_ids[:, names] = change.permutation(ids.ravel()).reshape(ids.shape)
        one, other = names[first], names[second]
        again = all_of(
            table_of(
                item, np.where(turned, other, one), np.where(turned, one, other),
                np.where(turned, 1 - outcome, outcome), candidates=other_ids,
            )
        )  # fmt: skip
        assert again == pytest.approx(found, abs=1e-12)


def test_raters_who_always_agree_agree_fully_even_on_one_system() -> None:
    item = np.repeat(np.arange(20), 3)
    ids = np.arange(1, 41).reshape(20, 2)
    zeros, ones = np.zeros(60, int), np.ones(60, int)
    for outcome in (np.ones(60), np.where(item % 2, FIRST, SECOND), np.where(item % 3, FIRST, TIE)):
        found = all_of(table_of(item, zeros, ones, outcome, candidates=ids))
        assert found == pytest.approx(dict.fromkeys(found, 1.0))
    nothing = reported(table_of(item, zeros, ones, np.full(60, TIE), candidates=ids), "better")
    said = {row.name: (row.value, row.undefined) for row in nothing.coefficients}
    assert (nothing.alpha, nothing.undefined) == (None, Reason("all_ties"))
    assert said["Fleiss' kappa"] == (None, Reason("all_ties"))
    assert said["Percent agreement"][0] == 1


def test_a_calculation_by_hand() -> None:
    """Four pairs of two raters: both the first, one each, both a tie, the first and a tie.

    Half of the pairs agree; of eight choices three are ties. Two of eight drawn agree with (3 · 2 + 5 · 4 / 2) / 56 =
    2 / 7, so alpha is 1 − (1 / 2) / (5 / 7) = 3 / 10. With replacement they agree with (3 / 8)² + (5 / 8)² / 2 = 43 /
    128: kappa is (64 − 43) / (128 − 43). Of three categories AC1 has (1 − 43 / 128) / 2 = 85 / 256 by chance.
    """
    outcome = np.array([FIRST, FIRST, FIRST, SECOND, TIE, TIE, FIRST, TIE])
    found = choice_agreement(outcome, np.repeat(np.arange(4), 2))
    values = {name: each.value for name, each in found.items()}
    expected = {ALPHA: 0.3, "Percent agreement": 0.5, "Fleiss' kappa": 21 / 85, "Gwet's AC1": 43 / 171}
    assert values == pytest.approx(expected, abs=1e-12)


UNITS = [[1, 1, 1], [0, 0, 1], [1, 0.5, 1, 1], [0.5, 0.5], [0, 0, 0], [1, 0], [0, 0.5, 0], [1, 1, 1, 0], [1], [0, 0]]


def test_coefficients_are_those_of_other_libraries_on_choices_told_in_both_orders() -> None:
    """With every pair told again the other way round both texts are chosen as often, in any library.

    irrCAC 0.4.4, the Python port of Gwet's package, gives of these twenty pairs: 0.629629629630 of choices agree,
    Fleiss' kappa 0.403330163525, AC1 0.462947578649.
    """
    outcome = np.array([choice for unit in UNITS for choice in unit])
    units = np.repeat(np.arange(10), [len(unit) for unit in UNITS])
    found = choice_agreement(outcome, units)
    assert found["Percent agreement"].value == pytest.approx(0.629629629630, abs=1e-9)
    assert found["Fleiss' kappa"].value == pytest.approx(0.403330163525, abs=1e-9)
    assert found["Gwet's AC1"].value == pytest.approx(0.462947578649, abs=1e-9)
    draw = np.random.default_rng(2)
    chosen = draw.choice([FIRST, SECOND, TIE], p=[0.7, 0.2, 0.1], size=(50, 4))
    counts = np.stack([(chosen == each).sum(axis=1) for each in (FIRST, SECOND, TIE)], axis=1)
    both = np.concatenate([counts, counts[:, [1, 0, 2]]])
    kappa = choice_agreement(chosen.ravel(), np.repeat(np.arange(50), 4))["Fleiss' kappa"]
    assert kappa.value == pytest.approx(inter_rater.fleiss_kappa(both), abs=1e-12)


def test_without_ties_kappa_is_kendalls_coefficient_of_agreement() -> None:
    """u = 2 Σ / (C(m, 2) C(n, 2)) − 1 of m judges who compare all n objects (Kendall and Babington Smith 1940)."""
    draw, objects, judges = np.random.default_rng(8), 6, 9
    preferred: NDArray[np.int64] = np.zeros((objects, objects), dtype=int)
    outcome, units = [], []
    for unit, (one, other) in enumerate(combinations(range(objects), 2)):
        for _ in range(judges):
            first = bool(draw.random() < 0.5 + 0.08 * (other - one))
            preferred[(one, other) if first else (other, one)] += 1
            outcome.append(FIRST if first else SECOND)
            units.append(unit)
    agreeing = sum(comb(int(times), 2) for times in preferred.ravel())
    u = 2 * agreeing / (comb(judges, 2) * comb(objects, 2)) - 1
    found = choice_agreement(np.array(outcome), np.array(units))
    assert 0.1 < u < 0.9
    for name in (ALPHA, "Fleiss' kappa", "Gwet's AC1"):
        assert found[name].value == pytest.approx(u, abs=1e-12)


def test_a_text_of_several_systems_is_one_choice() -> None:
    """Systems 1 and 2 wrote the same text, so that a choice is told of both; it is one, and so is its disagreement."""
    ids = np.array([[1, 2, 2], [3, 4, 4], [5, 6, 7]])
    screens = [(0, 1.0), (0, 1.0), (1, 1.0), (1, 0.0), (2, 1.0), (2, 1.0)]
    told = [(row, item, second, outcome) for row, (item, outcome) in enumerate(screens) for second in (1, 2)]
    told = [each for each in told if each[1] < 2 or each[2] == 1]  # of the last item only system 1's text was shown
    rows, _, second, outcome = (np.array(column) for column in zip(*told, strict=True))
    items = np.array([item for item, _ in screens])
    table = table_of(items, items, items, items.astype(float), candidates=ids)
    table.comparisons["better"] = PairwiseChoices(np.zeros(len(rows), int), second, outcome, rows)
    found = reported(table, "better")
    assert found.alpha == pytest.approx(1 - 2 * (1 / 3))  # two of three pairs of choices agree
    assert {(row.units, row.ratings) for row in found.coefficients} == {(3, 2)}


def test_the_interval_is_of_whole_groups_and_mistakes_are_refused() -> None:
    draw = np.random.default_rng(4)
    units = np.repeat(np.arange(60), 3)
    outcome = np.where(draw.random(180) < 0.75, FIRST, draw.choice([SECOND, TIE], size=180))
    copies, copied = np.tile(outcome, 10), np.tile(units, 10) + 60 * np.repeat(np.arange(10), 180)
    alone, together = choice_agreement(outcome, units), choice_agreement(copies, copied, groups=copied % 60)
    for name, found in alone.items():
        assert together[name].interval == pytest.approx(found.interval, abs=0.02)
    single = choice_agreement(np.array([FIRST, TIE]), np.array([0, 1]))
    assert {each.undefined for each in single.values()} == {Reason("none_rated_twice", unit="pair")}
    with pytest.raises(ValueError, match=r"an outcome is 0\.7"):
        choice_agreement(np.array([FIRST, 0.7]), np.array([0, 0]))
    with pytest.raises(ValueError, match="2 choices, 1 units"):
        choice_agreement(np.array([FIRST, TIE]), np.array([0]))
