"""Campaigns that leave something undefined: the report says so in a sentence, in its place, and shows no number."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.reports.reading import rating_table
from annotations.reports.scores import distribution
from tests.annotations.raters import Rater
from tests.annotations.reports import report_build, report_html
from tests.factories import make_campaign

pytestmark = [pytest.mark.once, pytest.mark.django_db]  # made of a report's rows, which other tests read from both


def reported(campaign: models.Campaign, *scores: float) -> tuple[dict[str, Any], str]:
    """The report, and its page, after a rater for each of `scores`, who gives it and a point more to each next text."""
    for score in scores:
        rater = Rater(campaign)
        screen = rater.next()
        while screen:
            screen = rater.submit(screen, answers=rater.answers(screen, score)).json()["next"]
    campaign_close(campaign=campaign)
    report = report_build(campaign)
    return report, report_html(report)


def test_no_ratings() -> None:
    report, page = reported(make_campaign().campaign)
    assert report["criteria"]["human_likeness"]["agreement"]["undefined"]["says"] == "no ratings"
    assert (report["pairs"], report["raters"]) == ([], [])
    assert page.count("No ratings yet.") == 3, "of results, examples and raters"


def test_one_system() -> None:
    report, _ = reported(make_campaign(systems=["gru"], texts={"gru": lambda n: f"we saw {n}"}).campaign, 10, 50)
    (row,) = report["criteria"]["human_likeness"]["systems"]
    assert (row["mean"], row["rank_range"], row["cluster"]) == (30, [1, 1], 1)
    assert report["pairs"] == []


def test_one_rater() -> None:
    report, page = reported(make_campaign(captions=5).campaign, 10)
    assert report["criteria"]["human_likeness"]["agreement"]["undefined"]["says"] == "no text was rated by two raters"
    assert "no text was rated by two raters" in page
    assert report["raters"][0]["undefined"]["says"] == "nobody else rated enough of the texts that the rater rated"
    assert all(pair["ci"] is not None for pair in report["pairs"]), "items alone still give an interval"
    models_said = {pair["mixed_model"]["undefined"]["says"] for pair in report["pairs"]}
    assert all(models_said), "no rater can vary where there is one"


def test_one_item() -> None:
    report, page = reported(make_campaign(captions=1, overlap=3).campaign, 10, 20, 40)
    assert all(pair["ci"] is not None for pair in report["pairs"]), "raters alone still give an interval"
    assert report["criteria"]["human_likeness"]["agreement"]["ci"] is None
    assert report["criteria"]["human_likeness"]["agreement"]["undefined"]["says"] in page


def test_one_item_and_one_rater() -> None:
    report, page = reported(make_campaign(captions=1, overlap=1).campaign, 10)
    assert {pair["undefined"]["says"] for pair in report["pairs"]} == {"an interval needs more than one album or rater"}
    assert "an interval needs more than one album or rater" in page
    systems = report["criteria"]["human_likeness"]["systems"]
    assert {(row["ci"], row["note"]["code"]) for row in systems} == {(None, "one_cluster")}


def test_no_overlap() -> None:
    report, page = reported(make_campaign(captions=6, overlap=1).campaign, 10, 20)
    assert report["criteria"]["human_likeness"]["agreement"]["undefined"]["says"] == "no text was rated by two raters"
    assert "no text was rated by two raters" in page


def test_all_scores_equal() -> None:
    campaign = make_campaign(captions=4, overlap=2).campaign
    for _ in range(2):
        rater = Rater(campaign)
        screen = rater.next()
        while screen:
            given = {each["id"]: 50 for each in screen["item"]["candidates"]}
            screen = rater.submit(screen, answers=dict.fromkeys(screen["criteria"], given)).json()["next"]
    report, page = reported(campaign)
    agreement = report["criteria"]["human_likeness"]["agreement"]
    assert agreement["alpha"] is None
    assert agreement["undefined"]["says"] in page
    assert {(pair["difference"], pair["p"], pair["ci"]) for pair in report["pairs"]} == {(0.0, None, None)}
    assert {pair["p_holm"] for pair in report["pairs"]} == {1.0}, "by the exact tests"
    said = "nothing varied, so there is no interval"
    rows = [*report["pairs"], *report["criteria"]["human_likeness"]["systems"]]
    assert all(row["note"]["says"].startswith(said) for row in rows)
    assert page.count(said) == 12
    assert {row["cluster"] for row in report["criteria"]["human_likeness"]["systems"]} == {1}
    assert report["raters"][0]["agreement"] is None


@pytest.mark.parametrize(
    ("scores", "scale", "edges", "counts"),
    [
        ([0.1, 0.2, 0.9, 1.0], (0, 1), 21, {0.1: 1, 0.2: 1, 0.9: 1}),
        ([1, 2, 2, 5], (1, 5), 6, {1: 1, 2: 2, 5: 1}),
        ([1, 2.5, 2, 5], (1, 5), 21, {2.5: 1}),
        ([0, 50, 50, 100], (0, 100), 21, {50: 2}),
    ],
)
def test_a_bin_a_point_only_where_all_scores_are_whole(
    scores: list[float], scale: tuple[float, float], edges: int, counts: dict[float, int]
) -> None:
    made = make_campaign(systems=["gru"], texts={"gru": lambda n: f"we saw {n}"}).campaign
    table = replace(rating_table(made), systems=("gru",))
    found = distribution(table, np.array(scores, dtype=float)[:, None], scale)
    assert len(found.edges) == edges
    assert sum(found.counts["gru"]) == len(scores), "every score is in a bin"
    for score, count in counts.items():
        bins = zip(found.edges, found.edges[1:], found.counts["gru"], strict=False)
        assert next(n for low, high, n in bins if low <= score + 1e-9 < high) == count


def test_an_empty_output_is_a_text_like_any_other() -> None:
    texts = {"lstm": lambda n: "", "gru": lambda n: f"we saw thing {n}"}
    report, page = reported(make_campaign(captions=4, texts=texts).campaign, 10, 20)
    assert {row["system"]: row["n"] for row in report["criteria"]["human_likeness"]["systems"]} == {
        "human": 8,
        "gru": 8,
        "lstm": 8,
    }
    assert "lstm" in page


def test_a_system_that_nobody_rated_is_said_to_be_unrated() -> None:
    """Of two systems of the primary comparison one stands in no rated item: the contrast is undefined in words."""
    made = make_campaign(captions=2, overlap=1, primary=["human", "gru", "human_likeness"])
    report, page = reported(made.campaign)
    assert report["primary"]["undefined"]["says"] == "one of the systems was not rated"
    assert "is undefined: one of the systems was not rated" in page
