"""What the report says beside a difference, from studies whose figures another library or a hand worked out."""

import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from annotations import models
from annotations.reports.preregistration import preregistration
from tests.annotations.reports import ranked_pairs, report_build, report_html, report_latex
from tests.annotations.test_import_ratings import PAIRS, SCORES, imported, table
from tests.factories import make_campaign

pytestmark = [pytest.mark.once, pytest.mark.django_db]  # made of a report's rows, which other tests read from both


def reported(campaign: models.Campaign) -> tuple[dict[str, Any], str]:
    report = report_build(campaign)
    return report, unescape(report_html(report))


def scored(file: Path, margin: float | None, raters: int = 1) -> models.Campaign:
    """Thirty items by each rater: a and b are near each other, c is far below."""
    draw, rows = np.random.default_rng(3), []
    for item in range(30):
        for rater in range(raters):
            level = draw.integers(40, 60)
            for system, worth in (("a", 0), ("b", 1), ("c", -30)):
                rows.append(f"{item},{system},r{rater},fluency,{level + worth + draw.integers(-6, 7)}")
    campaign = imported(table(file, SCORES, *rows), scale=[0.0, 100.0])
    campaign.equivalence_margin, campaign.primary = margin, ["b", "a", "fluency"]
    campaign.save()
    return campaign


def test_equivalence_of_a_single_raters_scores_is_that_of_another_library(tmp_path: Path) -> None:
    report, page = reported(scored(tmp_path / "scores.csv", 4.0))
    by_system = {row["system"]: row for row in report["criteria"]["fluency"]["systems"]}
    assert by_system["a"]["n"] == 30
    pairs = {(pair["system_a"], pair["system_b"]): pair for pair in report["pairs"]}
    columns: dict[str, list[float]] = {"a": [], "b": [], "c": []}
    for line in (tmp_path / "scores.csv").read_text().splitlines()[1:]:
        _, system, _, _, score = line.split(",")
        columns[system].append(float(score))
    near = pairs["a", "b"]["equivalence"]
    assert near["p"] == pytest.approx(ttost_paired(np.array(columns["a"]), np.array(columns["b"]), -4, 4)[0], abs=1e-9)
    assert (near["p_holm"], near["shown"]) == (None, near["p"] < 0.05)
    assert near["shown"]
    far = pairs["a", "c"]["equivalence"]
    assert (far["p"] > 0.99, far["p_holm"], far["shown"]) == (True, 1.0, False)
    low, high = near["ci"]
    assert f"Equivalence within ±4 points was shown (90 % interval {-high:.1f} to".replace("-", "−") in page
    assert "count as equivalent if they differ by less than 4 points. This was shown for 1 of 3 pairs." in page
    assert low < 0 < high


def test_beside_a_difference_stand_its_sizes_and_what_could_have_been_shown(tmp_path: Path) -> None:
    report, page = reported(scored(tmp_path / "scores.csv", None, raters=4))
    pairs = {(pair["system_a"], pair["system_b"]): pair for pair in report["pairs"]}
    assert all(pair["equivalence"] is None for pair in report["pairs"])
    assert pairs["a", "c"]["effects"]["superiority"]["value"] == 1.0
    assert pairs["a", "c"]["effects"]["superiority"]["undefined"]["code"] == "nothing_varied"
    assert pairs["a", "c"]["effects"]["d_z"]["value"] > 3
    assert pairs["a", "b"]["ci_simultaneous"] is None, "the primary comparison is tested by itself"
    for pair in (pairs["a", "c"], pairs["b", "c"]):
        wide, plain = np.diff(pair["ci_simultaneous"])[0], np.diff(pair["ci"])[0]
        assert plain < wide < 2 * plain
        assert pair["detectable"]["alpha"] == 0.025
    size = pairs["a", "b"]["detectable"]["difference"]
    assert f"A study of this design would show a true difference of {size:.1f} points with 80 % power." in page
    assert "Effect sizes for fluency" in page
    tex = report_latex(report)
    assert r"\label{tab:effects-fluency}" in tex
    assert "tab:equivalence-fluency" not in tex


def test_all_beside_a_difference_is_in_its_direction(tmp_path: Path) -> None:
    """z is above a by 1, 2, 3 and 4 points on ten items each, by six raters alike: pairs are kept by name, a first."""
    rows = [
        f"{item},{system},r{rater},fluency,{40 + item % 7 + (system == 'z') * (1 + (item + rater) % 4)}"
        for item in range(40)
        for rater in range(6)
        for system in "az"
    ]
    rows += [row.replace(",a,", ",m,").replace(",4", ",3") for row in rows if ",a," in row]
    campaign = imported(table(tmp_path / "scores.csv", SCORES, *rows), scale=[0.0, 100.0])
    campaign.equivalence_margin = 9.0
    campaign.save()
    report, page = reported(campaign)
    kept = next(pair for pair in report["pairs"] if (pair["system_a"], pair["system_b"]) == ("a", "z"))
    assert kept["difference"] == pytest.approx(-2.5)
    pair = next(each for each in ranked_pairs(report, "fluency") if (each["system_a"], each["system_b"]) == ("z", "a"))
    assert pair["difference"] == pytest.approx(2.5)
    assert pair["effects"]["superiority"]["value"] == 1
    assert pair["effects"]["d_z"]["value"] > 0
    for ends in (pair["ci"], pair["ci_simultaneous"], pair["equivalence"]["ci"], pair["bootstrap_ci"]):
        assert ends[0] < 2.5 < ends[1]
    assert pair["mixed_model"]["difference"] == pytest.approx(2.5)
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "z − a 1.000" in words
    assert "a − z" not in words, "tables, sentences and charts have one direction"
    assert "z − a & $2.5$".replace("−", "$-$") in report_latex(report)


def test_what_a_system_lacks_and_its_expected_wins(tmp_path: Path) -> None:
    """a is above b on two of three decided screens and tied on one, and c was scored once, on one of four items."""
    rows = [f"{item},a,r,fluency,{score}" for item, score in enumerate((5, 4, 3, 1))]
    rows += [f"{item},b,r,fluency,{score}" for item, score in enumerate((3, 2, 3, 4))]
    report, page = reported(imported(table(tmp_path / "scores.csv", SCORES, *rows, "0,c,r,fluency,4")))
    found = report["criteria"]["fluency"]
    wins = {row["system"]: (row["value"], row["opponents"]) for row in found["expected_wins"]}
    assert wins == {
        "a": (pytest.approx((2 / 3 + 1) / 2), 2),
        "b": (pytest.approx((1 / 3 + 0) / 2), 2),
        "c": (pytest.approx((0 + 1) / 2), 2),
    }
    missing = {
        row["system"]: (row["ratings"], row["missing"], row["missing_items"]) for row in found["missing"]["systems"]
    }
    assert missing == {"a": (4, 0, 0), "b": (4, 0, 0), "c": (1, 3, 3)}
    assert (found["missing"]["screens"], found["missing"]["planned"], found["missing"]["items"]) == (4, None, 4)
    assert "4 screens, of 4 items, were rated. Without it: rated screens without a score" in page


def test_choices_have_expected_wins_equivalence_and_intervals_together(tmp_path: Path) -> None:
    """Shares 0.7, 0.6 and 0.4 of decided choices by hand; a margin of 0.2 is one of ln(0.7 / 0.3) in log-strength."""
    rows, screen = [], 0
    for one, other, won in (("a", "b", 14), ("b", "c", 12), ("c", "a", 8)):
        for number in range(22):
            choice = "tie" if number >= 20 else one if number < won else other
            rows.append(f"{screen % 11},{one},{other},r{screen % 6},better,{choice}")
            screen += 7
    rows = list(dict.fromkeys(rows))
    rows = [row.replace(",r", f",r{number}x") for number, row in enumerate(rows)]  # each screen by a rater of its own
    campaign = imported(table(tmp_path / "pairs.csv", PAIRS, *rows))
    campaign.equivalence_margin = 0.2
    campaign.save()
    report, page = reported(campaign)
    decided: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        _, one, other, _, _, choice = row.split(",")
        if choice != "tie":
            for mine, theirs in ((one, other), (other, one)):
                decided.setdefault((mine, theirs), []).append(choice == mine)
    for row in report["criteria"]["better"]["expected_wins"]:
        shares = [np.mean(won) for (mine, _), won in decided.items() if mine == row["system"]]
        assert row["value"] == pytest.approx(np.mean(shares))
    for pair in report["pairs"]:
        assert pair["effects"] is None
        assert pair["freedom"] == 10, "eleven items are fewer than raters"
        assert pair["equivalence"]["margin"] == pytest.approx(np.log(0.7 / 0.3))
        assert pair["ci_simultaneous"][0] < pair["ci"][0] < pair["ci"][1] < pair["ci_simultaneous"][1]
    assert "Expected wins</th>" in page
    assert "win from 30 % to 70 % of their decided comparisons" in page


def test_equivalence_waits_for_the_last_look(tmp_path: Path) -> None:
    campaign = scored(tmp_path / "scores.csv", 4.0, raters=2)
    campaign.looks, campaign.state = 2, models.Campaign.State.OPEN
    campaign.save()
    report = report_build(campaign, look=1)
    assert {pair["equivalence"]["undefined"]["says"] for pair in report["pairs"]} == {
        "equivalence is tested only at the final analysis"
    }
    assert "was not tested: equivalence is tested only at the final analysis" in report_html(report)


def test_the_margin_is_declared_before_and_above_zero() -> None:
    campaign = make_campaign().campaign
    assert "equivalent" not in preregistration(campaign, at=datetime.now(UTC))
    campaign.equivalence_margin = 5.0
    campaign.save()
    assert "shown to differ by less than **5** points, by two one-sided tests at 0.05" in preregistration(
        campaign, at=datetime.now(UTC)
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        models.Campaign.objects.update(equivalence_margin=0)


def test_simultaneous_intervals_are_of_the_pairs_that_holm_adjusts(tmp_path: Path) -> None:
    """b is always a point above a, so that the exact tests' p stands for that pair, and Holm adjusts three."""
    draw = np.random.default_rng(5)
    rows = []
    for item in range(20):
        for rater in range(8):
            level = float(draw.integers(20, 60))
            scores = {"a": level, "b": level + 1, "c": level + float(draw.normal(0, 5))}
            rows += [f"{item},{system},r{rater},fluency,{score:.3f}" for system, score in scores.items()]
    report, _ = reported(imported(table(tmp_path / "scores.csv", SCORES, *rows)))
    pairs = {(pair["system_a"], pair["system_b"]): pair for pair in report["pairs"]}
    assert [pair["p_holm"] is not None for pair in pairs.values()] == [True] * 3
    assert pairs["a", "b"]["ci_simultaneous"] is None
    varied = pairs["a", "c"]
    half = stats.t.ppf(1 - 0.025 / 3, varied["freedom"]) * varied["error"]
    assert varied["ci_simultaneous"] == pytest.approx([varied["difference"] - half, varied["difference"] + half])
