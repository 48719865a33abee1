"""What raters answered before and after the screens, in reports, exports, sheets and plans."""

import csv
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.foretelling import stops_foretold
from annotations.campaigns.services.raters import trial_join
from annotations.documents.renderers.markdown import document_markdown
from annotations.reports.build import report_build
from annotations.reports.heds import datasheet_of
from annotations.reports.preregistration import preregistration
from annotations.reports.schema.questionnaires import QuestionnairesPart
from annotations.reports.sections import document_of
from tests.annotations.raters import Rater
from tests.annotations.test_questionnaires import RIGHT, WRONG, asking, play, send


@pytest.fixture
def answered(db: None) -> models.Campaign:
    """Two raters through all, a third who failed, and a dry run; closed."""
    campaign = asking()
    for reads, hard in (("often", 1), ("seldom", 4)):
        rater = Rater(campaign)
        send(rater, "entry", {"reads": reads, "from": "=Seoul"})
        send(rater, "comprehension", RIGHT)
        play(rater, rater.next())
        send(rater, "exit", {"hard": hard})
    failing = Rater(campaign)
    send(failing, "entry", {"reads": "often"})
    send(failing, "comprehension", WRONG)
    send(failing, "comprehension", WRONG, attempt=2)
    _, session = trial_join(campaign=campaign)
    send(Rater(campaign, session=session), "entry", {"reads": "often"})
    return campaign_close(campaign=campaign)


def test_the_report_counts_choices_and_averages_scales_and_quotes_nothing(answered: models.Campaign) -> None:
    report = report_build(answered)
    part = QuestionnairesPart.of(report)
    assert part
    reads, typed = part.questionnaires["entry"]
    assert (reads.n, reads.counts) == (2, {"often": 1, "seldom": 1})
    assert (typed.n, typed.counts, typed.mean) == (2, {}, None)
    assert part.questionnaires["exit"][0].mean == 2.5
    assert part.comprehension
    assert (part.comprehension.first, part.comprehension.second, part.comprehension.failed) == (2, 0, 1)
    page = document_markdown(document_of(report))
    assert "2 raters passed in the first attempt, 0 in the second, and 1 failed" in page
    assert "33.3 % would pass" in page
    assert "Seoul" not in page
    assert "Seoul" not in report.model_dump_json()


def test_answers_are_exported_by_pseudonym(answered: models.Campaign, tmp_path: Path, admin_client: Client) -> None:
    file = tmp_path / "answers.csv"
    call_command("export_ratings", answered.name, format="questionnaires", out=file)
    rows = list(csv.DictReader(file.read_text("utf-8-sig").splitlines()))
    assert len(rows) == 2 * (2 + 2 + 1) + 1 + 2 + 2
    assert {row["rater"] for row in rows} == {str(each.public_id) for each in answered.raters.filter(trial=False)}
    assert {row["answer"] for row in rows if row["question"] == "from"} == {"'=Seoul"}
    assert {row["right"] for row in rows if row["answer"] == "both"} == {"True"}
    assert {row["right"] for row in rows if row["question"] == "who" and row["answer"] == "people"} == {"False"}
    address = reverse("campaign_questionnaires", args=[answered.pk])
    assert admin_client.get(address).content == file.read_bytes()
    assert address in admin_client.get(reverse("campaign", args=[answered.pk])).content.decode()


def test_the_sheets_list_the_questions(answered: models.Campaign) -> None:
    sheet = preregistration(answered, at=timezone.now())
    assert "How hard was it? (from 0, easy, to 4, hard)" in sheet
    assert "Where are you from? (text, optional)" in sheet
    assert "They were asked these questions." in document_markdown(datasheet_of(report_build(answered)))


@pytest.mark.django_db
def test_a_plan_foretells_whom_the_check_stops() -> None:
    campaign = asking(captions=2)
    found = {each.kind: each for each in stops_foretold(campaign=campaign, raters=3)}
    assert found["random"].by_rule == {"comprehension": pytest.approx(2 / 3)}
    assert found["random"].screens == pytest.approx(2 / 3)
    assert found["honest"].stopped == 0
