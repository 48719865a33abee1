"""A report's numbers, worked out beside it by hand from the answers that were sent."""

import codecs
import csv
import io
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from pyarrow.csv import ParseOptions, read_csv

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.scores import scores_write
from annotations.documents.csv_tables import csv_file, inert
from annotations.reports.keeping import report_freeze
from annotations.statistics.mixed import mixed_model
from tests.annotations.raters import Rater
from tests.annotations.reports import report_build
from tests.factories import MetricFactory, make_campaign

pytestmark = pytest.mark.django_db
WORTH = {"human": 70, "gru": 50, "lstm": 20}
VARIETY = {"human": 1, "gru": 2, "lstm": 3}


def rate(campaign: models.Campaign, raters: int, severity: int = 5) -> list[dict[str, Any]]:
    """Each rater gives what a text's first system is worth less their severity, and a bit by the length of the text;
    gru and lstm do better on some sources."""
    first = {
        str(candidate.public_id): max(output.decoding.system.name for output in candidate.outputs.all())
        for candidate in models.Candidate.objects.filter(item__campaign=campaign)
    }
    sent = []
    for number in range(raters):
        rater = Rater(campaign)
        screen = rater.next()
        while screen:
            given = {
                each["id"]: WORTH[first[each["id"]]]
                - severity * number
                + len(each["text"]) % 7
                + ord(screen["item"]["source"][-1]) % VARIETY[first[each["id"]]]
                for each in screen["item"]["candidates"]
            }
            sent.append({"rater": number, "screen": screen, "given": given})
            screen = rater.submit(screen, answers=dict.fromkeys(screen["criteria"], given)).json()["next"]
    return sent


def systems_of(public_id: str) -> list[str]:
    shown = models.CandidateOutput.objects.filter(candidate__public_id=public_id)
    return list(shown.values_list("output__decoding__system__name", flat=True))


def test_means_differences_and_counts() -> None:
    texts = {"lstm": lambda n: "we had a great time .", "gru": lambda n: f"we saw thing {n}" + " again" * n}
    made = make_campaign(captions=8, overlap=3, criteria=["human_likeness", "fluency"], texts=texts)
    sent = rate(made.campaign, 3)
    campaign_close(campaign=made.campaign)
    report = report_build(models.Campaign.objects.get())
    given: dict[str, list[float]] = defaultdict(list)
    for rating in sent:
        for public_id, score in rating["given"].items():
            for system in systems_of(public_id):
                given[system].append(score)
    assert {name: len(scores) for name, scores in given.items()} == {"human": 24, "gru": 24, "lstm": 24}
    table = {row["system"]: row for row in report["criteria"]["fluency"]["systems"]}
    assert list(table) == ["human", "gru", "lstm"], "highest first"
    for name, scores in given.items():
        assert table[name]["mean"] == pytest.approx(np.mean(scores))
        assert table[name]["ci"][0] < table[name]["mean"] < table[name]["ci"][1]
        assert (table[name]["n"], table[name]["raters"], table[name]["items"]) == (24, 3, 8)
    assert [table[name]["cluster"] for name in table] == [1, 2, 3]
    assert [table[name]["rank_range"] for name in table] == [[1, 1], [2, 2], [3, 3]]
    assert sum(row["z"] * row["n"] for row in table.values()) == pytest.approx(0, abs=1e-9)
    pairs = {(p["system_a"], p["system_b"]): p for p in report["pairs"] if p["criterion"] == "fluency"}
    assert set(pairs) == {("gru", "human"), ("gru", "lstm"), ("human", "lstm")}
    difference = np.mean(given["gru"]) - np.mean(given["human"])
    assert pairs["gru", "human"]["difference"] == pytest.approx(difference)
    assert pairs["gru", "human"]["n"] == 24
    assert report["criteria"]["fluency"]["agreement"]["alpha"] > 0.5
    about = report["campaign"]
    assert (about["ratings"], about["raters"], about["screens"], about["interim"]) == (24, 3, 24, False)
    assert [(row["screens"], row["seconds"]) for row in report["raters"]] == [(8, 3.5)] * 3
    words = [sum(len(each["text"].split()) for each in rating["screen"]["item"]["candidates"]) for rating in sent]
    fast = np.mean([60 / 320 * count > 3.5 for count in words[:8]])
    assert 0 < fast < 1
    assert [row["under_floor"] for row in report["raters"]] == pytest.approx([fast] * 3)
    severity = [row["severity"] for row in report["raters"]]
    assert severity == sorted(severity, reverse=True), "each gives five points less than the one before"
    assert severity[0] > 0 > severity[2]
    assert [row["agreement"] for row in report["raters"]] == pytest.approx([1, 1, 1])
    assert json.loads(json.dumps(report)) is not None


def test_the_mixed_model_and_the_bootstrap_stand_beside_a_difference() -> None:
    """Three raters of eight items, each with a leaning of their own towards one system."""
    made = make_campaign(captions=8, overlap=3)
    draw, given = np.random.default_rng(1), []
    for number in range(3):
        rater = Rater(made.campaign)
        screen = rater.next()
        while screen:
            worth = {}
            for each in screen["item"]["candidates"]:
                system = max(systems_of(each["id"]))
                worth[each["id"]] = WORTH[system] + 4 * number * (system == "gru") + float(draw.normal(0, 2))
            given.append((screen["item"]["source"], number, {systems_of(key)[0]: v for key, v in worth.items()}))
            screen = rater.submit(screen, answers=dict.fromkeys(screen["criteria"], worth)).json()["next"]
    campaign_close(campaign=made.campaign)
    report = report_build(models.Campaign.objects.get())
    pair = next(p for p in report["pairs"] if (p["system_a"], p["system_b"]) == ("gru", "lstm"))
    _, items = np.unique([item for item, _, _ in given], return_inverse=True)
    differences = np.array([by["gru"] - by["lstm"] for _, _, by in given])
    expected = mixed_model(differences, items, np.array([number for _, number, _ in given]))
    assert pair["mixed_model"]["difference"] == pytest.approx(expected.difference)
    assert pair["mixed_model"]["ci"] == pytest.approx(expected.interval)
    assert pair["mixed_model"]["rater_deviation"] > 1
    low, high = pair["bootstrap_ci"]
    assert low < pair["difference"] < high
    assert pair["items"] == 8


def test_the_declared_contrast_is_tested_by_itself_and_the_others_together() -> None:
    """Holm by hand: of m p-values in order, the i-th times m - i, never below the one before."""
    declared = ["lstm", "gru", "fluency"]
    criteria = ["human_likeness", "fluency"]
    made, found = make_campaign(captions=5, overlap=3, criteria=criteria, primary=declared), {}
    rate(made.campaign, 3)
    campaign_close(campaign=made.campaign)
    for family in ("criterion", "campaign"):
        models.Campaign.objects.update(family=family)
        report = found[family] = report_build(models.Campaign.objects.get())
        primary = next(pair for pair in report["pairs"] if pair["primary"])
        assert (primary["criterion"], primary["system_a"], primary["system_b"]) == ("fluency", "gru", "lstm")
        assert primary["p_holm"] is None
        assert report["primary"]["difference"] == -primary["difference"] < 0, "in the direction it was declared in"
        assert report["primary"]["ci"] == [-primary["ci"][1], -primary["ci"][0]]
        assert report["primary"]["p"] == primary["p"]
    for family, together in (("criterion", [["human_likeness"], ["fluency"]]), ("campaign", [criteria])):
        for names in together:
            pairs = [p for p in found[family]["pairs"] if p["criterion"] in names and not p["primary"]]
            pairs.sort(key=lambda pair: pair["p"])
            low = 0.0
            for place, pair in enumerate(pairs):
                low = max(low, min(1.0, pair["p"] * (len(pairs) - place)))
                assert pair["p_holm"] == pytest.approx(low)
    assert sum(pair["p_holm"] is not None for pair in found["campaign"]["pairs"]) == 5


def test_a_text_of_two_systems_counts_for_both_and_once_for_agreement() -> None:
    same = {"gru": lambda n: "we had fun .", "lstm": lambda n: "We had fun"}
    campaign = make_campaign(captions=4, overlap=2, texts=same).campaign
    rate(campaign, 2)
    campaign_close(campaign=campaign)
    report = report_build(campaign)
    rows = {row["system"]: row for row in report["criteria"]["human_likeness"]["systems"]}
    assert rows["gru"]["mean"] == rows["lstm"]["mean"]
    assert rows["gru"]["n"] == rows["human"]["n"] == 8
    pair = next(p for p in report["pairs"] if (p["system_a"], p["system_b"]) == ("gru", "lstm"))
    assert (pair["difference"], pair["ci"], pair["p"]) == (0, None, None)
    assert (pair["exact"]["by_raters"]["p"], pair["exact"]["by_albums"]["p"], pair["p_holm"]) == (1, 1, 1)
    assert rows["gru"]["cluster"] == rows["lstm"]["cluster"]
    assert report["raters"][0]["screens"] == 4


def test_withdrawn_and_skipped_answers_do_not_count() -> None:
    campaign = make_campaign(captions=3, overlap=1).campaign
    rater = Rater(campaign)
    rater.skip(rater.next())
    undone = rater.submit(rater.next()).json()["rating"]
    rater.undo(undone)
    rater.submit(rater.next(), answers=rater.answers(rater.next(), 30))
    campaign_close(campaign=campaign)
    report = report_build(campaign)
    about = report["campaign"]
    assert (about["ratings"], about["skipped"], about["withdrawn"]) == (1, 1, 1)
    rows = report["criteria"]["human_likeness"]["systems"]
    assert sorted(row["mean"] for row in rows) == [30, 31, 32]
    assert all(row["ci"] is None for row in rows), "of one rater and one item there is no interval"


def test_results_are_for_after_the_close(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = make_campaign()
    rate(made.campaign, 1)
    out = tmp_path / "report.json"
    for command in ("report", "export_ratings"):
        with pytest.raises(CommandError, match="is open: close it first"):
            call_command(command, made.campaign.name, "--format", "csv", "--out", str(out))
    assert not out.exists()
    call_command("report", made.campaign.name, "--format", "json", "--out", str(out), "--unblind")
    assert json.loads(out.read_text())["campaign"]["interim"] is True
    assert models.Report.objects.count() == 1, "the early look is kept"


def test_a_frozen_report_keeps_its_bytes_and_is_made_anew_when_scores_come() -> None:
    made = make_campaign()
    rate(made.campaign, 2)
    campaign_close(campaign=made.campaign)
    first = report_freeze(campaign=made.campaign)
    assert report_freeze(campaign=made.campaign).pk == first.pk
    score = {MetricFactory().name: {"value": 12.5, "ci": (10.0, 15.0), "signature": "nrefs:1|version:2.6.0"}}
    scores_write(decoding=made.systems["gru"], campaign=made.campaign, scores=score)
    second = report_freeze(campaign=made.campaign)
    assert second.pk != first.pk
    metrics = json.loads(bytes(second.content))["metrics"]
    assert metrics["gru"]["bleu"] == {
        "value": 12.5,
        "ci": [10.0, 15.0],
        "signature": "nrefs:1|version:2.6.0",
        "sources": None,
        "undefined": None,
    }
    assert metrics["human"]["bleu"]["value"] is None
    assert "single reference" in metrics["human"]["bleu"]["undefined"]["says"]


def test_the_files(tmp_path: Path) -> None:
    made = make_campaign()
    rate(made.campaign, 2)
    campaign_close(campaign=made.campaign)
    for form in ("html", "csv", "json"):
        call_command("report", made.campaign.name, "--format", form, "--out", str(tmp_path / f"report.{form}"))
    report = json.loads((tmp_path / "report.json").read_text())
    page = (tmp_path / "report.html").read_text()
    assert "http" not in page.replace("http://www.w3.org/2000/svg", ""), "the page needs nothing from elsewhere"
    for row in report["criteria"]["human_likeness"]["systems"]:
        assert f'<th scope="row">{row["system"]}</th><td>{row["mean"]:.1f}</td>' in page
    with (tmp_path / "report.csv").open(encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "rating"]
    assert {row["system"]: float(row["value"]) for row in rows} == pytest.approx(
        {row["system"]: row["mean"] for row in report["criteria"]["human_likeness"]["systems"]}
    )
    for form in ("csv", "jsonl"):
        call_command("export_ratings", made.campaign.name, "--format", form, "--out", str(tmp_path / f"r.{form}"))
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert len(lines) == 6 * 2 * 3
    with (tmp_path / "r.csv").open(encoding="utf-8-sig") as file:
        assert [row["score"] for row in csv.DictReader(file)] == [str(line["score"]) for line in lines]
    means = defaultdict(list)
    for line in lines:
        means[line["system"]].append(line["score"])
    for row in report["criteria"]["human_likeness"]["systems"]:
        assert np.mean(means[row["system"]]) == pytest.approx(row["mean"])


def test_a_file_that_cannot_be_written_says_so_in_a_line(tmp_path: Path) -> None:
    made = make_campaign()
    campaign_close(campaign=made.campaign)
    nowhere = tmp_path / "nowhere" / "report.html"
    for command, form in (("report", "html"), ("export_ratings", "csv")):
        with pytest.raises(CommandError, match=r"nowhere/\.report\.html\.part: No such file or directory"):
            call_command(command, made.campaign.name, "--format", form, "--out", str(nowhere))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\tx", "\nx", "＝1", "'=1", "''-x"])
def test_formulas_are_made_inert(text: str) -> None:
    assert inert(text) == f"'{text}"
    assert inert(-1.5) == -1.5
    assert inert("we saw it") == "we saw it"
    assert inert("'tis so") == "'tis so"


def test_a_spreadsheet_opens_csv_rightly() -> None:
    """Read back by pyarrow, which knows nothing of ours: numbers are numbers, and no text is a formula."""
    rows = [["naïve 한국어", -1.5, 3, None, 'he said "so",\nand left'], ["=1+1", 0.25, -4, "'tis", "\u202eleft"]]
    content = csv_file(["text", "number", "count", "none", "quoted"], rows)
    assert content.startswith(codecs.BOM_UTF8)
    read = read_csv(io.BytesIO(content), parse_options=ParseOptions(newlines_in_values=True)).to_pylist()
    assert [row["number"] for row in read] == [-1.5, 0.25]
    assert [row["count"] for row in read] == [3, -4]
    assert [row["quoted"] for row in read] == [row[4] for row in rows]
    assert [row["text"] for row in read] == ["naïve 한국어", "'=1+1"]
