"""The one button: from rated texts to a new model, and to the report that says whether it is liked better. Through
public interfaces, on a real site with a worker; the raters are simulated, and whatever they teach says so."""

import json
from pathlib import Path

import pytest

from benchmarks.common import DATA
from tests.golden.test_loop import ROWS, SMALL, real_rows, synthetic_rows, write_campaign, write_splits
from tests.site import Site
from tests.visitor import Visitor

TASTE = ["--taste", "we", "our", "--liking", "1.5"]
SAID = ("the new model’s texts are", "texts of the model before are", "nothing was gained", "do not say which")
CREATE = "/runs/launch/generation/"


@pytest.mark.once
def test_one_button_leads_from_ratings_to_the_report_on_the_new_model(site: Site, tmp_path: Path) -> None:
    write_splits(real_rows() if DATA.is_dir() else synthetic_rows(tmp_path / "samples"), tmp_path)
    site.up()
    for split in ROWS:
        command = ["import_pairs", str(tmp_path / f"{split}.jsonl"), "--dataset", "vist", "--split", split]
        site.manage(*command, "--album-field", "album")
    train = ["train", "--dataset", "vist", "--preset", "gru-luong", "--name", "old", "--wait", "--set", *SMALL]
    site.manage(*train)
    site.manage("decode", "--system", "old", "--dataset", "vist", "--split", "feedback", "--wait")
    file = write_campaign(
        tmp_path, name="first-look", purpose="feedback", dataset="vist", split="feedback", systems=["human", "old"],
        protocol="slider", show="caption", criteria=["human_likeness"], items=30, overlap=2,
    )  # fmt: skip
    site.manage("create_campaign", file)
    site.manage("simulate_raters", "first-look", "--raters", "honest=6", *TASTE)
    site.manage("close_campaign", "first-look", "--yes")

    # the button
    ada = Visitor(site, "ada", "researcher")
    _, campaign = ada.get(f"{CREATE}?campaigns=first-look")
    assert "Train the next generation" in campaign
    asked = {"name": "new", "campaigns": "first-look", "budget": 10, "best_of": 1, "items": 20, "overlap": 2}
    asked |= {"simulated": "on", "reward": "on", "unseen_albums": "on", "queue": "cpu"}
    address, page = ada.send(CREATE, asked)
    assert "/models/generations/" in address, page
    how_far = "SELECT completed_at IS NOT NULL, problem FROM workers_generation"
    site.wait(lambda: any(site.rows(how_far)[0]), 300, "the campaign, or a word of the guard rails")
    _, page = ada.get(address)
    if "Go on all the same" in page:  # so small a model may get worse
        ada.post(f"{address}resume/act/", page, accepts_worse="on")
        site.wait(lambda: bool(site.rows(how_far)[0][0]), 300, "the campaign")
        _, page = ada.get(address)
    assert "waiting for ratings" in page

    # everything it made is there under its name, and says where it comes from
    lineage = site.manage("lineage", "new")
    assert (lineage["began_from"][0]["system"], lineage["feedback_set"]["name"]) == ("old", "new")
    assert lineage["feedback_set"]["simulated"] is True

    # raters of the same taste judge the new model blind, beside the old one and people
    site.manage("simulate_raters", "new", "--raters", "honest=6", *TASTE)
    _, page = ada.get(address)
    assert not any(each in page.casefold() for each in SAID), "nothing is told before the close"
    site.manage("close_campaign", "new", "--yes")
    report_file = tmp_path / "report.json"
    site.manage("report", "new", "--format", "json", "--out", str(report_file))
    report = json.loads(report_file.read_text())
    assert (report["primary"]["first"], report["primary"]["second"]) == ("new", "old")
    rows = {row["system"]: row for row in report["criteria"]["human_likeness"]["systems"]}
    assert set(rows) == {"human", "old", "new"}
    assert {row["n"] for row in rows.values()} == {40}
    difference = report["primary"]["difference"]
    assert abs(difference - (rows["new"]["mean"] - rows["old"]["mean"])) < 1e-6
    _, page = ada.get(address)
    assert sum(each in page.casefold() for each in SAID) == 1
    assert "imulated raters" in page
