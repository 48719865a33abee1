"""What a researcher takes away: ratings, tables for a paper, the datasheet, the preregistration."""

import csv
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pyarrow import parquet

from annotations import models
from annotations.reports import export, rows
from annotations.services.campaigns import campaign_close
from tests.annotations.raters import Rater
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def rated() -> tuple[models.Campaign, list[dict[str, Any]]]:
    """A closed campaign of five items, one of them quality control, rated by two, of whom the second is left out; and
    every score that counts as it was sent. The first rater took back their third answer and gave another."""
    campaign = make_campaign(captions=4, overlap=2, criteria=["human_likeness", "fluency"]).campaign
    first = models.Item.objects.filter(campaign=campaign).order_by("position")[0]
    control = models.Item.objects.create(campaign=campaign, source=first.source, kind="control", position=4)
    models.Candidate.objects.create(item=control, text="=was the us by seen lake")
    sent: list[dict[str, Any]] = []
    for number in range(2):
        rater, order = Rater(campaign), 0
        screen = rater.next()
        while screen:
            order += 1
            if number == 0 and order == 3:
                undone = rater.submit(screen).json()["rating"]
                rater.undo(undone)
                screen = rater.next()
            answers = {
                criterion: {
                    each["id"]: 10 * place + 3 * number + order
                    for place, each in enumerate(screen["item"]["candidates"])
                }
                for criterion in screen["criteria"]
            }
            for criterion, given in answers.items():
                for place, (public_id, score) in enumerate(given.items(), start=1):
                    about = {"criterion": criterion, "score": score, "place": place, "order": order, "text": public_id}
                    sent.append(about | {"rater": number, "revision": 3 if number == 0 and order == 3 else 1})
            screen = rater.submit(screen, answers=answers).json()["next"]
    campaign_close(campaign=campaign)
    models.Rater.objects.filter(pk=models.Rater.objects.latest("pk").pk).update(
        excluded_at=timezone.now(), exclusion="rates degraded texts like their originals"
    )
    return campaign, sent


def exported(campaign: models.Campaign, form: str, folder: Path) -> Path:
    out = folder / f"ratings.{form}"
    call_command("export_ratings", campaign.name, "--format", form, "--out", str(out))
    return out


def test_every_score_is_exported_with_its_design(rated: tuple[models.Campaign, list], tmp_path: Path) -> None:
    campaign, sent = rated
    lines = [json.loads(line) for line in exported(campaign, "jsonl", tmp_path).read_text().splitlines()]
    texts = {str(each.public_id): each for each in models.Candidate.objects.filter(item__campaign=campaign)}
    raters = [str(each.public_id) for each in models.Rater.objects.order_by("pk")]
    expected = []
    for score in sent:
        candidate = texts[score["text"]]
        systems = sorted(output.decoding.system.name for output in candidate.outputs.all()) or [""]
        for system in systems:
            about = {
                "campaign": campaign.name,
                "item": candidate.item.position,
                "album": candidate.item.source.album.external_id,
                "source": candidate.item.source.key,
                "candidate": candidate.pk,
                "kind": candidate.item.kind,
                "system": system,
                "seconds": 3.5,
                "excluded": ["", "rates degraded texts like their originals"][score["rater"]],
            }
            expected.append(score | about | {"text": candidate.text, "rater": raters[score["rater"]]})
    assert len(expected) == 2 * 2 * (4 * 3 + 1)
    assert [{key: line[key] for key in line if key != "submitted"} for line in lines] == [
        {key: row[key] for key in lines[0] if key != "submitted"} for row in expected
    ]
    assert [line["submitted"] for line in lines] == sorted(line["submitted"] for line in lines)
    assert {line["system"] for line in lines if line["kind"] == "control"} == {""}


def test_the_forms_hold_the_same_rows(
    rated: tuple[models.Campaign, list], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read by three and written by seven rows, so that the ends of the parts are tried."""
    campaign, _ = rated
    whole = exported(campaign, "jsonl", tmp_path).read_bytes()
    monkeypatch.setattr(rows, "ANSWERS_A_READ", 3)
    monkeypatch.setattr(export, "ROWS_A_BLOCK", 7)
    monkeypatch.setattr(export, "ROWS_A_GROUP", 7)
    assert exported(campaign, "jsonl", tmp_path).read_bytes() == whole
    lines = [json.loads(line) for line in whole.splitlines()]

    with exported(campaign, "csv", tmp_path).open(newline="") as file:
        table = list(csv.DictReader(file))
    inert = [line | {"text": f"'{line['text']}"} if line["kind"] == "control" else line for line in lines]
    assert table == [{key: str(value) for key, value in line.items()} for line in inert], "a formula is made inert"

    file = parquet.ParquetFile(exported(campaign, "parquet", tmp_path))
    assert file.num_row_groups == -(-len(lines) // 7)
    read = file.read().to_pylist()
    assert [row | {"submitted": row["submitted"].isoformat()} for row in read] == [
        line | {"submitted": datetime.fromisoformat(line["submitted"]).isoformat()} for line in lines
    ]

    with exported(campaign, "dictionary", tmp_path).open(newline="") as described:
        meanings = {row["column"]: row for row in csv.DictReader(described)}
    assert list(meanings) == list(lines[0]) == file.schema_arrow.names
    for name, row in meanings.items():
        about = file.schema_arrow.field(name).metadata
        assert about == {b"unit": row["unit"].encode(), b"meaning": row["meaning"].encode()}
        assert row["meaning"]


def test_the_site_streams_what_the_command_writes(
    rated: tuple[models.Campaign, list], tmp_path: Path, admin_client: Client
) -> None:
    campaign, _ = rated
    for form in ("csv", "jsonl", "parquet", "dictionary"):
        answer = admin_client.get(f"/admin/annotations/campaign/{campaign.pk}/ratings.{form}")
        assert answer.streaming == (form != "dictionary")
        got, wrote = answer.getvalue(), exported(campaign, form, tmp_path).read_bytes()
        if form == "parquet":
            assert parquet.read_table(io.BytesIO(got)).equals(parquet.read_table(io.BytesIO(wrote)))
        else:
            assert got == wrote
