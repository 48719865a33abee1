"""Whom to pay how much, and whose code it is that somebody typed."""

import csv
import io
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotations import models
from annotations.campaigns.payments import near, payments_of
from annotations.campaigns.services.raters import rater_stop
from annotations.campaigns.services.submissions import Submission, submission_note
from annotations.storage.clock import database_now
from tests.annotations.test_recruiting import Participant, recruited

pytestmark = pytest.mark.django_db


def page(campaign: models.Campaign, staff: Client, **asked: str) -> str:
    return staff.get(f"/campaigns/{campaign.pk}/", asked).content.decode()


def test_everybody_is_there_once_with_what_they_are_paid(staff: Client, tmp_path: Path) -> None:
    campaign = recruited(captions=20, screened_out_code=None, participants=9)  # nobody waits for another's screen
    everybody = {
        name: Participant(campaign, pid=name, visit=f"v-{name.strip('=')}")
        for name in ("done", "=slow", "out", "gone", "back")
    }
    for each in everybody.values():
        each.presses()
    Participant(campaign, pid="never", visit="v-never").presses("decline")
    for name, screens in (("done", 2), ("=slow", 1), ("out", 1), ("gone", 2), ("back", 2)):
        everybody[name].rates(screens)
    rater_stop(rater=everybody["out"].row, rule="too_fast", reason="answered too fast")
    everybody["gone"].withdraws()
    submission_note(campaign=campaign, said=Submission("v-back", "back", "RETURNED"), at=database_now())
    answer = staff.get(f"/campaigns/{campaign.pk}/pay.csv")
    assert "personal" in answer.headers["Content-Disposition"]
    rows = {row["outside_id"]: row for row in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))}
    paid = {name: (row["ending"], row["code"], row["screens"], row["pay"]) for name, row in rows.items()}
    assert paid == {
        "done": ("completed", "C0MPLETE", "2", "3.5"),
        "'=slow": ("going on", "", "1", ""),
        "out": ("screened_out", everybody["out"].row.completion_code, "1", "0.5"),
        "gone": ("withdrawn", "C0MPLETE", "2", "3.5"),
        "back": ("returned", "", "2", "0.0"),
        "never": ("no_consent", "N0C0NSENT", "0", "0.0"),
    }
    assert (rows["back"]["study"], rows["back"]["submission"], rows["back"]["status"]) == (
        "60aca280709ee40ec37d4885", "v-back", "RETURNED",
    )  # fmt: skip
    assert {row["currency"] for row in rows.values()} == {"GBP"}
    call_command("export_pay", campaign.name, "--out", tmp_path / "pay.csv")
    assert (tmp_path / "pay.csv").read_bytes() == answer.content
    exports = models.AuditEntry.objects.filter(kind="export", detail="codes and pay, csv")
    assert exports.count() == 2
    assert Client().get(f"/campaigns/{campaign.pk}/pay.csv").status_code == 302, "researchers only"
    shown = page(campaign, staff)
    assert "PROLIFIC_PID={{%PROLIFIC_PID%}}&amp;STUDY_ID={{%STUDY_ID%}}" in shown
    assert "Raters who complete the study are paid 3.50 GBP" in shown


def test_rejected_work_is_not_paid(staff: Client) -> None:
    campaign = recruited()
    ann = Participant(campaign)
    ann.presses()
    ann.rates(2)
    ann.opens()
    assert [row.pay for row in payments_of(campaign)] == [3.5]
    submission_note(campaign=campaign, said=Submission("visit1", ann.pid, "REJECTED"), at=database_now())
    assert [(row.ending, row.pay) for row in payments_of(campaign)] == [("completed", 0.0)]


def test_as_many_queries_for_many_as_for_few() -> None:
    campaign = recruited()
    counts = []
    for first in (0, 5):
        for number in range(first, first + 5):
            Participant(campaign, pid=f"p{number}").presses()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            list(payments_of(campaign))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 3


@pytest.mark.parametrize(
    ("typed", "code", "is_near"),
    [
        ("AB2C", "AB2D", True), ("AB2", "AB2D", True), ("AB22D", "AB2D", True), ("A2BD", "AB2D", True),
        ("AB2D", "AB2D", False), ("XB2C", "AB2D", False), ("A", "AB2D", False), ("2BAD", "AB2D", False),
    ],
)  # fmt: skip
def test_one_slip(typed: str, code: str, is_near: bool) -> None:
    assert near(typed, code) is is_near


def test_a_code_that_was_typed_wrong_or_is_the_studys(staff: Client) -> None:
    campaign = recruited(no_consent_code=None)
    ann = Participant(campaign)
    ann.presses()
    ann.rates(2)
    ann.opens()
    code = ann.row.completion_code
    slip = ("2" if code[3] != "2" else "3").join((code[:3], code[4:]))
    shown = page(campaign, staff, code=slip)
    assert "is not a code that this site has given" in shown
    assert f'href="?code={code}#code"' in shown
    assert "With one slip" not in page(campaign, staff, code="ZZZZZZZZZZ")
    assert "for “completed”, the same" in page(campaign, staff, code="c0mplete")
    Participant(campaign, pid="bea").presses("decline")
    [declined] = models.Participation.objects.filter(rater=None)
    assert "is the code of bea, who does not take part" in page(campaign, staff, code=declined.no_consent_code)
