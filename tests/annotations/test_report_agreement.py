"""What stands beside alpha in a report, against the published tables and other libraries."""

import csv
import io
from html import unescape
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters
from statsmodels.stats.inter_rater import fleiss_kappa as of_statsmodels

from annotations.reports.agreement import intraclass_correlations
from tests.annotations.reports import report_build, report_csv, report_html, report_latex
from tests.annotations.test_import_ratings import PAIRS, SCORES, imported, table

SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]  # 1979, table 2
PUBLISHED = {"ICC(1)": 0.17, "ICC(2)": 0.29, "ICC(3)": 0.71, "ICC(1,k)": 0.44, "ICC(2,k)": 0.62, "ICC(3,k)": 0.91}


def test_the_published_table_in_any_order() -> None:
    """Shrout and Fleiss print their six coefficients to two decimals."""
    scores = np.array(SHROUT_FLEISS, dtype=float)
    texts, raters = np.indices(scores.shape)
    shuffled = np.random.default_rng(1).permutation(scores.size)
    columns = (part.ravel()[shuffled] for part in (scores, texts * 7 + 100, raters * 3))
    found = {each.name: each for each in intraclass_correlations(*columns)}
    assert {name: round(each.value or 0, 2) for name, each in found.items()} == PUBLISHED
    assert {(each.units, each.ratings) for each in found.values()} == {(6, 4)}


@pytest.mark.django_db
def test_where_raters_share_the_work_only_the_one_way_coefficients_are_defined(tmp_path: Path) -> None:
    """Twelve texts of two of three raters each, and one of all three, which has another number of ratings."""
    draw, rows = np.random.default_rng(3), []
    for item, system in product(range(6), ("a", "b")):
        for rater in {item % 3, (item + 1) % 3}:
            rows.append(f"{item},{system},r{rater},sense,{draw.integers(1, 6)}")
    rows += [f"9,a,r{rater},sense,{rater + 1}" for rater in range(3)]
    report = report_build(imported(table(tmp_path / "scores.csv", SCORES, *rows), scale=[1, 5]))
    found = {row["name"]: row for row in report["criteria"]["sense"]["agreement"]["coefficients"]}
    assert (found["ICC(1)"]["units"], found["ICC(1)"]["ratings"]) == (12, 2)
    pairs = np.array([float(line.split(",")[-1]) for line in rows[:24]]).reshape(-1, 2)
    between = 2 * pairs.mean(axis=1).var(ddof=1)
    within = pairs.var(axis=1, ddof=1).mean()
    assert found["ICC(1)"]["value"] == pytest.approx((between - within) / (between + within))
    assert found["ICC(2)"]["undefined"]["says"] == "not every rater scored every text"
    assert "undefined: not every rater scored every text" in report_html(report)


@pytest.mark.django_db
def test_fleiss_kappa_of_choices(tmp_path: Path) -> None:
    """That of another library, which is told every pair in both orders; systems' names do not enter."""
    draw, rows = np.random.default_rng(4), []
    for item, rater in product(range(20), ("r", "s", "t")):
        shown = ("a", "b") if item % 2 else ("b", "a")
        rows.append(f"{item},{','.join(shown)},{rater},better,{draw.choice(['a', 'a', 'a', 'b', 'tie'])}")
    report = report_build(imported(table(tmp_path / "pairs.csv", PAIRS, *rows)))
    agreement = report["criteria"]["better"]["agreement"]
    found = {row["name"]: row for row in agreement["coefficients"]}
    assert list(found) == ["Percent agreement", "Fleiss' kappa", "Gwet's AC1"]
    answers = [next(csv.reader([line]))[-1] for line in rows]
    counts, _ = aggregate_raters(np.array([["a", "b", "tie"].index(each) for each in answers]).reshape(-1, 3))
    both_ways = np.concatenate([counts, counts[:, [1, 0, 2]]])
    assert found["Fleiss' kappa"]["value"] == pytest.approx(of_statsmodels(both_ways))
    assert {(row["units"], row["ratings"]) for row in found.values()} == {(20, 3)}
    renamed = [line.replace("a", "z") for line in rows]
    again = report_build(imported(table(tmp_path / "renamed.csv", PAIRS, *renamed), name="renamed"))
    assert again["criteria"]["better"]["agreement"]["alpha"] == pytest.approx(agreement["alpha"], abs=1e-12)
    other = again["criteria"]["better"]["agreement"]["coefficients"]
    assert [row["value"] for row in other] == pytest.approx([row["value"] for row in found.values()], abs=1e-12)
    assert "Chance is defined within the pair" in report_html(report)


@pytest.mark.django_db
@pytest.mark.parametrize(("scale", "form"), [((1, 5), "likert"), ((0, 100), "slider")])
def test_every_file_has_the_coefficients_beside_alpha(tmp_path: Path, scale: tuple[int, int], form: str) -> None:
    draw, rows = np.random.default_rng(6), []
    for item, system in product(range(12), ("a", "b")):
        middle = draw.integers(scale[0] + 1, scale[1])
        scores = np.clip(middle + draw.integers(-1, 2, 2), *scale)
        rows += [f"{item},{system},{rater},sense,{score}" for rater, score in zip("rs", scores, strict=True)]
    report = report_build(imported(table(tmp_path / "scores.csv", SCORES, *rows), scale=list(scale)))
    assert report["campaign"]["protocol"] == form
    first, second = np.array([int(line.split(",")[-1]) for line in rows]).reshape(-1, 2).T
    coefficients = report["criteria"]["sense"]["agreement"]["coefficients"]
    found = {row["name"]: row for row in coefficients}
    points = np.arange(scale[0], scale[1] + 1)
    quadratic = cohen_kappa_score(first, second, labels=points, weights="quadratic")
    assert found["Cohen's kappa, quadratic weights"]["value"] == pytest.approx(quadratic)
    apart = ((first - second) / (scale[1] - scale[0])) ** 2
    assert found["Percent agreement, quadratic weights"]["value"] == pytest.approx(1 - apart.mean())
    exact = {"Percent agreement", "Cohen's kappa", "Gwet's AC1", "Gwet's AC2, linear weights"}
    assert exact & set(found) == (exact if form == "likert" else set())
    page, tex, out = unescape(report_html(report)), report_latex(report), report_csv(report).decode("utf-8-sig")
    told = {row["coefficient"]: row for row in csv.DictReader(io.StringIO(out)) if row["kind"] == "agreement"}
    agreement = report["criteria"]["sense"]["agreement"]
    assert float(told[f"Krippendorff's alpha, {agreement['level']} level"]["value"]) == agreement["alpha"]
    for name, row in found.items():
        assert f'<tr><th scope="row">{name}</th><td>{row["value"]:.2f}</td>' in page.replace("−", "-")
        assert f"{name} & ${row['value']:.2f}$ &" in tex
        assert (float(told[name]["value"]), float(told[name]["low"])) == (row["value"], row["ci"][0])
    assert "Cohen's (1960, 1968)" in page


@pytest.mark.django_db
def test_nothing_rated_twice(tmp_path: Path) -> None:
    scores = report_build(imported(table(tmp_path / "a.csv", SCORES, "1,a,r,c,1", "1,b,r,c,2", "2,a,s,c,3")))
    said = {row["undefined"]["says"] for row in scores["criteria"]["c"]["agreement"]["coefficients"]}
    assert said == {"no text was rated by two raters"}
    choices = report_build(imported(table(tmp_path / "b.csv", PAIRS, "1,a,b,r,c,a"), name="other"))
    assert (
        choices["criteria"]["c"]["agreement"]["coefficients"][0]["undefined"]["says"]
        == "no pair was rated by two raters"
    )
