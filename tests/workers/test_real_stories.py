"""Real stories end to end: VIST's test stories, a submission to its challenge, and a system that wrote sentences."""

import json
import re
from pathlib import Path

import pytest
from django.core.management import call_command

from annotations import models
from annotations.campaigns.normalisation import normalise
from annotations.campaigns.services.campaigns import campaign_named
from annotations.reports.formats import NAMES
from tests.annotations.raters import Rater

SYSTEMS = ["human", "submission", "tapm"]


@pytest.fixture
def stories(db: None, shared_data: Path) -> Path:
    """The dataset `vist`, with a challenge submission as `submission` and the photos' sentences of six systems."""
    sis = shared_data / "vist_sis" / "test.story-in-sequence.json"
    call_command("import_vist", sis=[sis], dii=[], split="test", dataset="vist")
    file = shared_data / "vist_challenge" / "arel.challenge.json"
    call_command("import_outputs", file, dataset="vist", system="submission")
    fields = {"album_field": "album", "photo_field": "photo", "reference_field": "human", "system": ["*=machine"]}
    for split in ("train", "valid", "test"):
        call_command(
            "import_pairs", shared_data / "machine_human" / f"{split}.jsonl", dataset="vist", split="test", **fields
        )
    return shared_data


def create(folder: Path, name: str, **values: object) -> models.Campaign:
    spec = {
        "name": name, "purpose": "evaluation", "dataset": "vist", "split": "test", "unit": "story", "show": "none",
        "systems": SYSTEMS, "criteria": ["coherence", "repetition"], "items": 40, "overlap": 3,
    }  # fmt: skip
    file = folder / f"{name}.toml"
    file.write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in (spec | values).items()))
    call_command("create_campaign", file)
    return campaign_named(name)


@pytest.mark.once
def test_real_stories_from_the_files_to_the_report(stories: Path, tmp_path: Path) -> None:
    campaign = create(tmp_path, "whole", items=300)
    challenge = json.loads((stories / "vist_challenge" / "arel.challenge.json").read_text())["output_stories"]
    submitted = {(one["album_id"], "-".join(one["photo_sequence"])): one["story_text_normalized"] for one in challenge}
    written: dict[tuple[str, str], list[str]] = {}
    for split in ("train", "valid", "test"):
        for line in (stories / "machine_human" / f"{split}.jsonl").open():
            row = json.loads(line)
            written[row["album"], row["photo"]] = row["machine"].get("tapm", [])
    for item in campaign.items.select_related("source__album"):
        album, key = item.source.album.external_id, item.source.key
        shown = {
            output.decoding.system.name: candidate.text
            for candidate in item.candidates.all()
            for output in candidate.outputs.select_related("decoding__system")
        }
        assert shown["submission"] == normalise(submitted[album, key])
        assert shown["tapm"] == " ".join(normalise(written[album, photo][0]) for photo in key.split("-"))
        people = item.source.stories.prefetch_related("sentences")
        told = {" ".join(normalise(each.text) for each in story.sentences.all()) for story in people}
        assert shown["human"] in told

    rater = Rater(create(tmp_path, "rated", items=3, overlap=1))
    while screen := rater.next():
        assert len(screen["item"]["candidates"]) == 3
        assert rater.submit(screen).status_code == 201
    call_command("simulate_raters", "whole", "--raters", "honest=5", "--screens", "60", "--json")
    call_command("score", campaign="whole", metrics=["bleu", "distinct_1", "repetition"], wait=True)
    for name in ("rated", "whole"):
        call_command("close_campaign", name)
        for form in NAMES:
            out = tmp_path / f"{name}.{form}"
            call_command("report", name, format=form, out=out)
            assert out.stat().st_size > 1000
        for form in ("csv", "jsonl", "parquet", "dictionary"):
            call_command("export_ratings", name, format=form, out=tmp_path / f"{name}.ratings.{form}")
        call_command("preregister", name, out=tmp_path / f"{name}.md")
    report = json.loads((tmp_path / "whole.json").read_text())
    assert report["campaign"]["ratings"] == 300
    assert {system: "value" in cells["bleu"] for system, cells in report["metrics"].items()} == dict.fromkeys(
        SYSTEMS, True
    )
    assert report["examples"]["coherence"]["best"][0]["source"] == "a sequence of 5 photos"
    rows = [json.loads(line) for line in (tmp_path / "rated.ratings.jsonl").open()]
    assert len(rows) == 3 * 3 * 2
    assert {row["source"] for row in rows} <= {key for _, key in submitted}


@pytest.mark.once
def test_the_same_story_is_shown_alike_from_either_file(stories: Path, tmp_path: Path) -> None:
    """The challenge has people's stories as one lower-case text, and the dataset as sentences with capitals: where the
    letters are the same, so is what raters see, but for a few words that its tokens were taken apart at."""
    file = stories / "vist_challenge" / "human.challenge.json"
    call_command("import_outputs", file, dataset="vist", system="submitted")
    campaign = create(tmp_path, "people", systems=["human", "submitted"], items=1152, overlap=1)
    same, apart = 0, []
    for item in campaign.items.all():
        texts = [candidate.text for candidate in item.candidates.all()]
        same += len(texts) == 1
        if len({re.sub(r"[^a-z]", "", text.lower()) for text in texts}) < len(texts):
            apart.append(texts)
    assert same > 300
    assert len(apart) < same / 20, f"{len(apart)} beside {same}: {apart}"
