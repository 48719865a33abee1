"""The report of raters' choices between two texts, against another library's fit and shares worked out by hand."""

from html import unescape
from itertools import product
from pathlib import Path
from typing import Any

import choix
import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from tests.annotations.reports import report_build, report_html
from tests.annotations.test_import_ratings import PAIRS, imported, table

pytestmark = pytest.mark.django_db


def reported(file: Path, rows: list[str]) -> tuple[dict[str, Any], str]:
    report = report_build(imported(table(file, PAIRS, *rows)))
    return report, unescape(report_html(report))


def test_strengths_shares_and_differences(tmp_path: Path) -> None:
    """Without ties or a preferred place, strengths differ as in choix's Bradley-Terry fit."""
    draw, worth, rows = np.random.default_rng(5), {"a": 0.0, "b": 0.7, "c": 1.5}, []
    for item, rater, (one, other) in product(range(30), ("r", "s"), (("a", "b"), ("c", "b"), ("a", "c"))):
        wins = draw.random() < 1 / (1 + np.exp(worth[other] - worth[one]))
        rows.append(f"{item},{one},{other},{rater},better,{one if wins else other}")
    report, page = reported(tmp_path / "pairs.csv", rows)
    names, won = sorted(worth), [row.split(",") for row in rows]
    wins = [(names.index(choice), names.index(other if choice == one else one)) for _, one, other, _, _, choice in won]
    expected = choix.ilsr_pairwise(3, wins)
    for pair in report["pairs"]:
        one, other = names.index(pair["system_a"]), names.index(pair["system_b"])
        assert pair["difference"] == pytest.approx(expected[one] - expected[other], abs=1e-4)
        assert pair["expected_share"] == pytest.approx(1 / (1 + np.exp(expected[other] - expected[one])), abs=1e-4)
        assert pair["ci"][0] < pair["difference"] < pair["ci"][1]
    rows_by_system = {row["system"]: row for row in report["criteria"]["better"]["systems"]}
    for name in names:
        mine = [choice == name for _, one, other, _, _, choice in won if name in (one, other)]
        assert rows_by_system[name]["mean"] == pytest.approx(np.mean(mine))
        assert rows_by_system[name]["n"] == 120
    assert [row["system"] for row in report["criteria"]["better"]["systems"]] == ["c", "b", "a"]
    assert report["criteria"]["better"]["agreement"]["level"] == "nominal"
    assert "every pair was shown in one order only" in page


def test_a_tie_is_half_a_win_and_in_the_model(tmp_path: Path) -> None:
    rows = [f"{item},a,b,r{item % 3},better,{choice}" for item, choice in enumerate(["a", "a", "a", "tie", "tie", "b"])]
    report, _ = reported(tmp_path / "pairs.csv", rows)
    shares = {row["system"]: row["mean"] for row in report["criteria"]["better"]["systems"]}
    assert shares == {"a": pytest.approx(4 / 6), "b": pytest.approx(2 / 6)}
    (pair,) = report["criteria"]["better"]["choices"]["table"]
    assert (pair["wins"], pair["ties"], pair["losses"], pair["share"]) == (3, 2, 1, 0.75)
    assert report["criteria"]["better"]["choices"]["ties"]["value"] is not None


def test_a_system_that_never_loses_has_an_estimate_and_a_sentence(tmp_path: Path) -> None:
    rows = [f"{item},a,b,r{item % 3},better,a" for item in range(8)]
    rows += [f"{item},b,c,r{item % 3},better,{'b' if item % 2 else 'c'}" for item in range(8)]
    report, page = reported(tmp_path / "pairs.csv", rows)
    said = report["criteria"]["better"]["choices"]["penalised"]["says"]
    assert said.startswith("a never lost to the others")
    assert said in page
    best = report["criteria"]["better"]["systems"][0]
    assert (best["system"], best["mean"]) == ("a", 1.0)
    assert best["ci"] == pytest.approx(proportion_confint(3, 3, method="wilson"))
    assert best["note"]["says"] == "all went the same way: each rater counts as one"
    assert best["note"]["says"] in page
    assert all(np.isfinite(pair["difference"]) for pair in report["pairs"])


def test_comparisons_that_nothing_connects_are_not_compared(tmp_path: Path) -> None:
    rows = [f"{item},a,b,r{item % 3},better,{'a' if item % 3 else 'b'}" for item in range(6)]
    rows += [f"{item},c,d,r{item % 3},better,{'c' if item % 3 else 'd'}" for item in range(6)]
    report, page = reported(tmp_path / "pairs.csv", rows)
    why = "no chain of comparisons connects these groups of systems, so they cannot be compared: a and b; c and d"
    assert report["criteria"]["better"]["choices"]["undefined"]["says"] == why
    assert {(pair["difference"], pair["undefined"]["says"]) for pair in report["pairs"]} == {(None, why)}
    assert why in page
    assert {row["system"]: row["mean"] for row in report["criteria"]["better"]["systems"]}["a"] == pytest.approx(4 / 6)


def test_nothing_but_ties(tmp_path: Path) -> None:
    report, page = reported(tmp_path / "pairs.csv", [f"{item},a,b,r{item % 2},better,tie" for item in range(4)])
    why = report["criteria"]["better"]["choices"]["undefined"]["says"]
    assert why == "every comparison was a tie"
    assert why in page


def test_who_is_left_out_has_no_part_in_choices(tmp_path: Path) -> None:
    from annotations.campaigns.services.raters import rater_exclude
    from annotations.models import Rater

    rows = [f"{item},a,b,{rater},better,{rater}" for item in range(5) for rater in ("a", "b")]
    campaign = imported(table(tmp_path / "pairs.csv", PAIRS, *rows))
    rater_exclude(rater=Rater.objects.get(outside_id="b"), reason="always the second")
    report = report_build(campaign)
    assert {row["system"]: row["mean"] for row in report["criteria"]["better"]["systems"]} == {"a": 1.0, "b": 0.0}
    with_all = report["exclusions"]["criteria_with_all"]["better"]
    assert {row["system"]: row["mean"] for row in with_all} == {"a": 0.5, "b": 0.5}
