"""Metrics beside people in the report, worked out by scipy from the answers and from the scores as written."""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db.models import F
from scipy import stats

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.scores import DifferenceRow, score_differences_write, scores_write
from annotations.reasons import Reason
from annotations.reports.metrics import (
    correlation_of,
    disagreements_of,
    metric_differences_of,
    metrics_of,
    values_by_text,
)
from annotations.reports.reading import rating_table
from annotations.reports.schema.metrics import MetricPair, MetricValue
from annotations.reports.table import RatingTable
from annotations.statistics.correlation import williams_of_correlations
from tests.annotations.raters import Rater
from tests.factories import CampaignParts, MetricFactory, make_campaign

pytestmark = [pytest.mark.once, pytest.mark.django_db]  # made of a report's rows, which other tests read from both

ITEMS, SYSTEMS = 12, ("human", *(f"s{n}" for n in range(6)))
ORACLES = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}
Given = dict[tuple[str, int], float]  # by system and item's position
Values = dict[str, dict[str, list[float | None]]]  # by metric and system, by the item's position


def writer(system: int) -> Callable[[int], str]:
    """Every other text of s0 is one of s1 as well."""
    return lambda n: f"thing {n} by {1 if system == 0 and n % 2 else system}"


@pytest.fixture
def rated() -> tuple[CampaignParts, Given, RatingTable]:
    """A closed campaign, the mean human score of each text, and its table."""
    made = make_campaign(captions=ITEMS, overlap=2, texts={f"s{n}": writer(n) for n in range(6)})
    in_order(made.campaign)
    given = defaultdict(list)
    for number in range(2):
        rater = Rater(made.campaign)
        screen = rater.next()
        while screen:
            answer = {}
            for each in screen["item"]["candidates"]:
                candidate = models.Candidate.objects.get(public_id=each["id"])
                shown = models.CandidateOutput.objects.filter(candidate=candidate)
                systems = list(shown.values_list("output__decoding__system__name", flat=True))
                system, position = SYSTEMS.index(max(systems)), candidate.item.position
                worth = 40 + 6 * system + np.random.default_rng([number, position, system]).normal(0, 10)
                answer[each["id"]] = float(np.clip(np.round(worth), 0, 100))
                for name in systems:
                    given[name, position].append(answer[each["id"]])
            screen = rater.submit(screen, answers={"human_likeness": answer}).json()["next"]
    campaign_close(campaign=made.campaign)
    means = {text: float(np.mean(scores)) for text, scores in given.items()}
    return made, means, rating_table(made.campaign)


def in_order(campaign: models.Campaign) -> None:
    """Items at the places of their captions, so that the same is rated whatever the order that was drawn."""
    for item in campaign.items.select_related("source"):
        models.Item.objects.filter(pk=item.pk).update(position=ITEMS + int(item.source.text.split()[-1]))
    models.Item.objects.filter(campaign=campaign).update(position=F("position") - ITEMS)


def write(campaign: models.Campaign, values: Values) -> None:
    for metric in values:
        MetricFactory(name=metric, less_is_better=metric in ("repetition", "copy_rate"))
    for entry in campaign.entries.select_related("decoding", "system"):
        scores: dict[str, dict[str, Any]] = {}
        for metric, by_system in values.items():
            if entry.system.name in by_system:
                of_items = by_system[entry.system.name]
                mean = float(np.mean([each for each in of_items if each is not None]))
                scores[metric] = {"value": mean, "ci": None, "signature": f"{metric}|v:1", "by_item": of_items}
        scores_write(decoding=entry.decoding, campaign=campaign, scores=scores)


def drawn_values(given: Given) -> Values:
    """A metric that follows people, one that follows them less, and one where less is better; a text lacks a value."""
    draw = np.random.default_rng(2)
    values: Values = {
        metric: {
            system: [slope * given[system, n] + float(draw.normal(0, noise)) for n in range(ITEMS)]
            for system in SYSTEMS
        }
        for metric, slope, noise in (("bertscore_f1", 0.01, 0.1), ("chrf", 0.5, 20), ("repetition", -0.01, 0.1))
    }
    values["chrf"]["s2"][4] = None
    return values


def test_each_figure_is_scipys_without_the_human(rated: tuple[CampaignParts, Given, RatingTable]) -> None:
    made, given, table = rated
    values = drawn_values(given)
    write(made.campaign, values)
    found = correlation_of(made.campaign, table)["human_likeness"]
    assert (found.left_out, found.undefined) == (["human"], None)
    assert set(found.metrics) == set(values)
    means: dict[str, Any] = {}
    for metric, by_system in values.items():
        cells = {(s, n): v for s, column in by_system.items() for n, v in enumerate(column) if v is not None}
        others = [cell for cell in cells if cell[0] != "human"]
        rows = found.metrics[metric]
        both = [[given[cell] for cell in others], [cells[cell] for cell in others]]
        of_system = {
            system: [np.mean([side[c] for c in cells if c[0] == system]) for side in (given, cells)]
            for system in SYSTEMS
        }
        means[metric] = np.array([of_system[system] for system in SYSTEMS[1:]]).T
        for name, oracle in ORACLES.items():
            assert getattr(rows.pooled, name).value == pytest.approx(oracle(*both)[0])
            low, high = getattr(rows.pooled, name).ci
            assert low < getattr(rows.pooled, name).value < high
            each = []
            for n in range(ITEMS):
                own = [cell for cell in others if cell[1] == n]
                each.append(oracle([given[cell] for cell in own], [cells[cell] for cell in own])[0])
            assert getattr(rows.within_item, name).value == pytest.approx(np.mean(each))
            assert getattr(rows.system, name).value == pytest.approx(oracle(*means[metric])[0])
        assert rows.pooled.units == len(others)
        assert rows.pooled.left_out == (metric == "chrf")
        assert rows.system.units == rows.within_item.units / 2 == 6
        sign = -1 if metric == "repetition" else 1
        right = [
            np.sign(a - b) == sign * np.sign(c - d) for (a, c), (b, d) in combinations(means[metric].T.tolist(), 2)
        ]
        assert rows.accuracy.system.value == pytest.approx(np.mean(right))
        assert rows.accuracy.text.value > 0.5
        assert rows.less_is_better is (metric == "repetition")
        shown = {row.system: (row.human, row.metric, row.texts) for row in found.points[metric]}
        for system in SYSTEMS:
            count = ITEMS - (metric == "chrf" and system == "s2")
            assert shown[system] == pytest.approx((*of_system[system], count))
    assert found.metrics["repetition"].pooled.pearson.value < 0

    tests = {(row.metric_a, row.metric_b): row for row in found.williams}
    assert set(tests) == {("bertscore_f1", "chrf"), ("bertscore_f1", "repetition"), ("chrf", "repetition")}
    people, one = means["bertscore_f1"]
    other = -means["repetition"][1]
    expected = williams_of_correlations(
        *(stats.pearsonr(*pair)[0] for pair in ((people, one), (people, other), (one, other))), 6
    )
    row = tests["bertscore_f1", "repetition"]
    assert (row.t, row.p, row.p_better) == pytest.approx((expected.t, expected.p, expected.p_better))


def test_the_texts_placed_farthest_apart(rated: tuple[CampaignParts, Given, RatingTable]) -> None:
    """A text of two systems stands there once; fewer repetitions rank higher."""
    made, given, table = rated
    values = drawn_values(given)
    shared = {n for n in range(ITEMS) if made.campaign.items.get(position=n).candidates.count() == 6}
    assert len(shared) == 6
    for metric in values:
        for n in shared:
            values[metric]["s0"][n] = values[metric]["s1"][n]
    write(made.campaign, values)
    found = disagreements_of(made.campaign, table)["human_likeness"]
    once = [(s, n) for s in SYSTEMS for n in range(ITEMS) if not (s == "s0" and n in shared)]
    for metric, sign in (("bertscore_f1", 1), ("repetition", -1)):
        human_rank = stats.rankdata([-given[cell] for cell in once])
        metric_rank = stats.rankdata([-sign * values[metric][s][n] for s, n in once])
        apart = metric_rank - human_rank
        rows = found[metric]
        assert [row.metric_rank - row.human_rank for row in rows] == pytest.approx(
            [*sorted(apart)[::-1][:3], *sorted(apart)[:3]]
        )
        for row in rows:
            places = [
                place
                for place, (s, n) in enumerate(once)
                if s in row.systems and values[metric][s][n] == pytest.approx(row.metric)
            ]
            (place,) = places
            system, n = once[place]
            assert row.human == pytest.approx(given[system, n])
            assert row.human_rank == pytest.approx(human_rank[place])
            assert row.of == len(once)
            source = made.campaign.items.get(position=n).source
            assert row.source == source.text
            if system != "human":
                assert row.text.endswith(f"by {system[1:]}.")
            assert row.systems == (["s0", "s1"] if system == "s1" and n in shared else [system])


def test_values_are_read_once_for_both(
    rated: tuple[CampaignParts, Given, RatingTable], django_assert_max_num_queries: Any
) -> None:
    made, given, table = rated
    write(made.campaign, drawn_values(given))
    values = values_by_text(made.campaign, table)
    with django_assert_max_num_queries(5):
        both = correlation_of(made.campaign, table, values), disagreements_of(made.campaign, table, values)
    assert both == (correlation_of(made.campaign, table), disagreements_of(made.campaign, table))


def test_what_is_missing_is_said(rated: tuple[CampaignParts, Given, RatingTable]) -> None:
    made, given, table = rated
    campaign = made.campaign
    assert metrics_of(campaign) == metric_differences_of(campaign) == disagreements_of(campaign, table) == {}
    nothing = correlation_of(campaign, table)["human_likeness"]
    assert nothing.undefined == Reason("not_scored_yet", campaign=campaign.name)
    assert (nothing.metrics, nothing.points, nothing.williams) == ({}, {}, [])

    score = {MetricFactory().name: {"value": 12.5, "ci": (10.0, 15.0), "signature": "nrefs:1|version:2.6.0"}}
    scores_write(decoding=made.systems["s1"], campaign=campaign, scores=score)
    assert metrics_of(campaign)["s1"]["bleu"] == MetricValue(
        value=12.5, ci=(10.0, 15.0), signature="nrefs:1|version:2.6.0"
    )
    assert metrics_of(campaign)["human"]["bleu"].undefined == Reason("own_reference")
    assert metric_differences_of(campaign) == {}
    old = correlation_of(campaign, table)["human_likeness"].undefined
    assert old == Reason("no_values_by_text", campaign=campaign.name)

    values = drawn_values(given)
    few = {"chrf": {s: values["chrf"][s] for s in ("human", "s1", "s2", "s3")}, "unlike": {"s1": values["chrf"]["s1"]}}
    write(campaign, few)
    found = correlation_of(campaign, table)["human_likeness"]
    assert str(found.metrics["chrf"].system.pearson.undefined) == "at least 5 systems are needed, and there are 3"
    assert found.metrics["chrf"].pooled.pearson.value is not None
    (test,) = found.williams
    assert str(test.undefined) == "at least 5 systems other than the human are needed, and there is 1"
    missing = metric_differences_of(campaign)
    assert (missing["chrf"].pairs, missing["chrf"].signature) == ([], None)
    assert "human 12, s1 12, s2 11, s3 12" in str(missing["chrf"].lacking[0])
    assert "two systems that have the metric, and there is 1" in str(missing["unlike"].lacking[0])

    empty = make_campaign(captions=3)
    write(empty.campaign, {"chrf": {"lstm": [1.0, 2.0, 3.0]}})
    unrated = rating_table(empty.campaign)
    assert str(correlation_of(empty.campaign, unrated)["human_likeness"].undefined) == "no ratings"
    assert disagreements_of(empty.campaign, unrated) == {"human_likeness": {"chrf": []}}


def test_little_to_go_by_is_no_error(rated: tuple[CampaignParts, Given, RatingTable]) -> None:
    """A metric that is the same everywhere, or of one text only; ratings of one text; raters who chose."""
    made, given, table = rated
    nowhere: list[float | None] = [None] * ITEMS
    flat: Values = {
        "copy_rate": {system: [0.0] * ITEMS for system in SYSTEMS},
        "one": {"s1": [1.0, *nowhere[1:]], "s2": [None] * 11 + [2.0]},
        "chrf": drawn_values(given)["chrf"],
    }
    write(made.campaign, flat)
    chosen = {criterion: np.full_like(scores, np.nan) for criterion, scores in table.scores.items()}
    first = {criterion: scores.copy() for criterion, scores in table.scores.items()}
    first["human_likeness"][1:] = np.nan
    first["human_likeness"][:, 1:] = np.nan
    for scores in (table.scores, first):
        found = correlation_of(made.campaign, replace(table, scores=scores))
        apart = disagreements_of(made.campaign, replace(table, scores=scores))
        texts = [text for of_metric in apart.values() for rows in of_metric.values() for text in rows]
        json.dumps([each.model_dump(mode="json") for each in (*found.values(), *texts)], allow_nan=False)
        assert apart["human_likeness"]["copy_rate"] == []
    found = correlation_of(made.campaign, replace(table, scores=chosen, no_scores=Reason("raters_chose")))
    assert found["human_likeness"].undefined == Reason("raters_chose")
    rows = correlation_of(made.campaign, table)["human_likeness"]
    assert "all scores are equal" in str(rows.metrics["copy_rate"].pooled.kendall.undefined)
    assert str(rows.metrics["one"].pooled.pearson.undefined) == "at least 3 texts are needed, and there are 2"
    assert [row.system for row in rows.points["one"]] == ["s1", "s2"]
    assert Reason("equal_beside_metric") == next(
        row.undefined for row in rows.williams if {row.metric_a, row.metric_b} == {"chrf", "copy_rate"}
    )


def test_differences_in_place_of_the_older(rated: tuple[CampaignParts, Given, RatingTable]) -> None:
    campaign = rated[0].campaign
    of, _ = {entry.system.name: entry.decoding for entry in campaign.entries.all()}, MetricFactory(name="chrf")
    for signature, value in (("old", 1.0), ("new", 2.0)):
        rows = [
            DifferenceRow(of["s1"], of["s2"], value, (1.5, 2.5), 0.01, 0.02),
            DifferenceRow(of["human"], of["s1"], -value, None, None, None),
        ]
        score_differences_write(campaign=campaign, metric="chrf", signature=signature, differences=rows)
    found = metric_differences_of(campaign)["chrf"]
    assert found.signature == "new"
    assert found.pairs[1] == MetricPair(
        system_a="s1", system_b="s2", difference=2.0, ci=(1.5, 2.5), p=0.01, p_sacrebleu=0.02, note=None
    )
    assert (found.pairs[0].system_a, found.pairs[0].difference, found.pairs[0].ci) == (
        "human",
        -2,
        None,
    )
    assert found.lacking == [Reason("few_albums", needed=10)]
    score_differences_write(campaign=campaign, metric="chrf", signature="new", differences=rows[:1])
    assert metric_differences_of(campaign)["chrf"].lacking == [Reason("own_reference_of", system="human")]
    score_differences_write(campaign=campaign, metric="chrf", signature="", differences=[])
    assert metric_differences_of(campaign) == {}


def test_a_scoring_run_stands_in_the_report(rated: tuple[CampaignParts, Given, RatingTable]) -> None:
    made, _, table = rated
    call_command("score", "--campaign", made.campaign.name, "--wait", "--metric", "bleu", "--metric", "repetition")
    values = metrics_of(made.campaign)
    assert "|eff:no|" in values["s1"]["bleu"].signature
    assert "by_text" not in values["s1"]["bleu"].signature
    found = correlation_of(made.campaign, table)["human_likeness"]
    assert "|eff:yes|" in found.metrics["bleu"].signature
    shown = {row.system: row.metric for row in found.points["repetition"]}
    assert shown == pytest.approx({system: values[system]["repetition"].value for system in SYSTEMS}, abs=1e-6)
    differences = metric_differences_of(made.campaign)
    assert set(differences) == {"bleu", "repetition"}
    pairs = {(pair.system_a, pair.system_b): pair for pair in differences["bleu"].pairs}
    assert set(pairs) == set(combinations(sorted(SYSTEMS), 2))
    for (one, other), pair in pairs.items():
        assert pair.difference == pytest.approx(values[one]["bleu"].value - values[other]["bleu"].value)
    assert differences["bleu"].lacking == []
