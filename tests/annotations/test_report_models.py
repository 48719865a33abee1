"""The models that stand beside a difference in a report: what they are of, and what the page says of it."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from annotations import models
from annotations.reasons import Reason
from annotations.reports import mixed_models as report_models
from annotations.reports.mixed_models import linear_model, models_of, ordinal_model
from annotations.reports.pairs import turned_to
from annotations.reports.schema.results import PairResult
from annotations.reports.table import RatingTable
from annotations.statistics.cumulative_link import cumulative_link_model
from annotations.statistics.mixed import mixed_model
from annotations.statistics.uncertainty import Floats
from tests.annotations.reports import report_build, report_html
from tests.annotations.test_cumulative_link import scored
from tests.annotations.test_mixed_models import unbalanced
from tests.golden.documents import report_named


def table_of(items: Any, raters: Any, albums: Any, scores: Floats) -> RatingTable:
    """A campaign's answers to one criterion, of as many systems as scores (n, s) have columns."""
    names = tuple("abcdef"[: scores.shape[1]])
    return RatingTable(
        systems=names,
        criteria=("fluency",),
        items=items,
        albums=albums,
        raters=raters,
        rater_names=(),
        rater_keys=(),
        exclusions=(),
        seconds=np.full(len(items), np.nan),
        scores={"fluency": scores},
        comparisons={},
        words=np.zeros(len(items)),
        candidates=np.zeros((len(items), len(names)), dtype=np.int64),
    )


def test_the_mixed_model_is_of_albums_and_of_screens_with_both_scores() -> None:
    d, items, raters, albums = unbalanced()
    scores = np.stack([d, np.zeros(len(d))], axis=1)
    scores[::5, 1] = np.nan
    both = ~np.isnan(scores[:, 1])
    model = linear_model(table_of(items, raters, albums, scores), scores[:, 0] - scores[:, 1])
    expected = mixed_model(d[both], items[both], raters[both], albums=albums[both])
    assert (model.ci, model.p, model.album_deviation) == (expected.interval, expected.p, expected.album_deviation)
    assert model.album_deviation
    assert (model.n, model.items, model.raters, model.albums) == (int(both.sum()), 24, 6, 6)


def test_the_cumulative_link_model_is_of_every_score() -> None:
    given, first, items, raters = scored()
    scores = np.stack(np.split(given, 2), axis=1)
    scores[3:9, 0] = scores[20:30, 1] = np.nan
    half = len(items) // 2
    kept = ~np.isnan(np.concatenate([scores[:, 0], scores[:, 1]]))
    albums = items // 4
    model = ordinal_model(table_of(items[:half], raters[:half], albums[:half], scores), *scores.T, fits=True)
    expected = cumulative_link_model(given[kept], first[kept], items[kept], raters[kept], albums=albums[kept])
    assert (model.log_odds, model.ci, model.p) == (expected.log_odds, expected.interval, expected.p)
    assert (model.n, model.albums) == (len(given) - 16, 5)


def test_where_there_are_many_scores_the_declared_contrast_has_its_model_still(monkeypatch: pytest.MonkeyPatch) -> None:
    given, _, items, raters = scored()
    half = len(items) // 2
    scores = np.stack([*np.split(given, 2), given[:half][::-1]], axis=1)
    table = table_of(items[:half], raters[:half], items[:half], scores)
    monkeypatch.setattr(report_models, "MAX_ORDINAL_SCORES", 2 * half)
    pairs = [("a", "b", True), ("a", "c", False), ("b", "c", False)]
    primary, *others = [found.cumulative_link for found in models_of(table, scores, pairs, "ordinal")]
    assert primary
    assert primary.log_odds == pytest.approx(1.4201821, abs=1e-6)
    assert [other and other.undefined for other in others] == [Reason("too_many_scores", most=2 * half)] * 2
    assert {found.cumulative_link for found in models_of(table, scores, pairs, "interval")} == {None}


@pytest.mark.django_db
def test_a_study_of_points_shows_both_models_and_what_they_are_of(tmp_path: Path) -> None:
    """Of 96 screens ten have a score of one system alone: the mixed model is of the other 86, and says so."""
    given, first, items, raters = scored()
    file = tmp_path / "study.csv"
    alone = set(np.flatnonzero(first == 0)[::10].tolist())
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["item", "system", "rater", "criterion", "score"])
        for place, score in enumerate(given.tolist()):
            if place not in alone:
                rows.writerow(
                    [f"i{items[place]}", "gru" if first[place] else "lstm", f"r{raters[place]}", "fluency", int(score)]
                )
    call_command("import_ratings", file, campaign="study")
    report = json.loads(json.dumps(report_build(models.Campaign.objects.get())))
    (pair,) = report["pairs"]
    kept = np.array([place not in alone for place in range(len(given))])
    expected = cumulative_link_model(given[kept], first[kept], items[kept], raters[kept])
    ordinal = pair["cumulative_link_model"]
    assert (ordinal["log_odds"], ordinal["error"]) == pytest.approx((expected.log_odds, expected.error), rel=1e-6)
    assert (pair["n"], pair["mixed_model"]["n"], ordinal["n"]) == (96, 86, 182)
    page = " ".join(report_html(report).split())
    assert (
        "The model is based on 86 screens, the difference above on 96: only on those on which one rater scored both"
        in page
    )
    assert "86 screens, 20 items, 6 raters" in page
    assert "182 scores, 20 items, 6 raters" in page
    assert f"{expected.log_odds:.2f}" in page
    assert "by a cumulative link mixed model" in page
    assert "cumulative link mixed model (Agresti 2010)" in report["method"]


def test_log_odds_turn_with_the_pair() -> None:
    pair = PairResult.model_validate(
        {**report_named("likert")["pairs"][0], "system_a": "a", "system_b": "b", "difference": -1, "ci": [-2, 0.5]}
    )
    assert pair.cumulative_link_model
    model = pair.cumulative_link_model.model_copy(update={"log_odds": -0.75, "ci": (-1.5, 0.25), "p": 0.1})
    turned = turned_to(pair.model_copy(update={"cumulative_link_model": model}), "b")
    assert (turned.system_a, turned.difference, turned.ci) == ("b", 1, (-0.5, 2))
    found = turned.cumulative_link_model
    assert found
    assert (found.log_odds, found.ci, found.p) == (0.75, (-0.25, 1.5), 0.1)
