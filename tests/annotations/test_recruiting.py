"""Raters who come through a recruiting service: how they join, with what they leave, and who does not take part."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client

from annotations import models
from annotations.campaigns.links import rater_link
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.endings import ending_of, rater_withdraw
from annotations.campaigns.services.raters import completion_reach, rater_exclude, rater_readmit, rater_stop, trial_join
from annotations.errors import ConflictError
from annotations.reports.build import report_build
from annotations.reports.words import in_short
from tests.annotations.raters import Rater, new_key
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db

STUDY = "60aca280709ee40ec37d4885"
PROLIFIC = {
    "service": "prolific", "study": STUDY, "completed_code": "C0MPLETE", "screened_out_code": "SCR33NED",
    "no_consent_code": "N0C0NSENT", "pay": 3.5, "pay_screened_out": 0.5, "currency": "GBP",
}  # fmt: skip
COMPLETE = "https://app.prolific.com/submissions/complete?cc="


def recruited(captions: int = 6, **recruiting: Any) -> models.Campaign:
    spec = {"minimum_answers": 2, "contact": "lab@example.org", "recruiting": PROLIFIC | recruiting}
    return make_campaign(captions=captions, **spec).campaign


class Participant:
    """At a browser of their own, as Prolific sends them."""

    def __init__(
        self, campaign: models.Campaign, pid: str = "5f3a9c", study: str = STUDY, visit: str = "visit1"
    ) -> None:
        self.campaign, self.client = campaign, Client()
        self.sent = {"PROLIFIC_PID": pid, "STUDY_ID": study, "SESSION_ID": visit}
        self.pid = pid

    def opens(self) -> str:
        return self.client.get(f"/rate/{self.campaign.token}/", self.sent).content.decode()

    def fields(self) -> dict[str, str]:
        form = self.opens().partition("/join/")[2]
        return dict(re.findall(r'name="(rater|signature|study|submission)" value="([^"]*)"', form))

    def presses(self, action: str = "join") -> Any:
        return self.client.post(f"/rate/{self.campaign.token}/{action}/", self.fields(), follow=True)

    @property
    def row(self) -> models.Rater:
        return models.Rater.objects.select_related("campaign").get(campaign=self.campaign, outside_id=self.pid)

    def rates(self, screens: int) -> None:
        row = self.row
        session = self.client.cookies[f"rater-{self.campaign.token[:8]}"].value.split(".")[0]
        api = Rater(row.campaign, session=session)
        for _ in range(screens):
            api.submit(api.next())

    def withdraws(self) -> Any:
        where = f"/rate/{self.campaign.token}/withdraw/"
        return self.client.post(where, {"whose": str(self.row.public_id)}, follow=True)


def taken(campaign: models.Campaign) -> int:
    return sum(campaign.items.values_list("taken", flat=True))


def test_a_participant_joins_and_finishes_with_the_studys_code() -> None:
    ann = Participant(recruited())
    assert "screen" in ann.presses().content.decode()
    kept = models.Participation.objects.get(rater=ann.row)
    assert (kept.participant, kept.study, kept.submission) == ("5f3a9c", STUDY, "visit1")
    ann.rates(1)
    assert "C0MPLETE" not in ann.opens(), "two answers are needed"
    ann.rates(1)
    screen = ann.opens()
    assert f'href="{COMPLETE}C0MPLETE"' in screen, "who has answered enough may stop"
    ann.rates(4)
    thanks = ann.opens()
    assert "Thank you!" in thanks
    assert f'href="{COMPLETE}C0MPLETE"' in thanks
    assert "Back to Prolific" in thanks
    assert ann.row.completion_code not in thanks, "the study has one code for all"
    assert ann.opens().count("C0MPLETE") == thanks.count("C0MPLETE"), "who comes back reads the same"


def test_a_participant_who_was_stopped_gets_the_other_code_and_no_places_however_often_they_come_back() -> None:
    campaign = recruited()
    ann = Participant(campaign)
    ann.presses()
    ann.rates(3)
    assert rater_stop(rater=ann.row, rule="too_fast", reason="answered in under a second")
    assert taken(campaign) == 0
    for _ in range(3):
        page = ann.opens()
        assert "came sooner than the texts can be read" in page
        assert f"{COMPLETE}SCR33NED" in page
        assert "C0MPLETE" not in page
        assert taken(campaign) == 0
    assert ending_of(ann.row, completion_reach(rater=ann.row)).pay == 0.5


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"STUDY_ID": "another"}, "This link is of another study than this one"),
        ({"PROLIFIC_PID": ""}, "for participants of a recruiting service"),
        ({"PROLIFIC_PID": "{{%PROLIFIC_PID%}}"}, "has not put its ids into this link"),
        ({"SESSION_ID": "a b\n"}, "has not put its ids into this link"),
        ({"SESSION_ID": "x" * 101}, "has not put its ids into this link"),
        ({"SESSION_ID": "ASSIGNMENT_ID_NOT_AVAILABLE"}, "Accept the HIT on Mechanical Turk first"),
    ],
)
def test_who_does_not_come_from_the_study_is_told_why_and_takes_nothing(sent: dict[str, str], said: str) -> None:
    ann = Participant(recruited())
    ann.sent |= sent
    page = ann.opens()
    assert said in page
    assert "begin</button>" not in page
    form = {"rater": ann.sent["PROLIFIC_PID"], "study": ann.sent["STUDY_ID"], "submission": ann.sent["SESSION_ID"]}
    for action in ("join", "decline"):
        answer = ann.client.post(f"/rate/{ann.campaign.token}/{action}/", form)
        assert answer.status_code == 403
        assert said in answer.content.decode()
    api = ann.client.post(f"/api/v1/rate/{ann.campaign.token}/join", form, content_type="application/json")
    assert api.status_code in (403, 422)
    assert not models.Rater.objects.exists()
    assert not models.Participation.objects.exists()


def test_a_study_id_that_the_service_does_not_send_is_not_held_against_anybody() -> None:
    ann = Participant(recruited(), study="", visit="")
    ann.presses()
    assert models.Participation.objects.get(rater=ann.row).study == ""


def test_two_browsers_of_one_participant_get_one_set_of_places() -> None:
    campaign = recruited()
    desk, phone = Participant(campaign), Participant(campaign)
    fields = phone.fields()
    desk.presses()
    desk.rates(2)
    answer = phone.client.post(f"/rate/{campaign.token}/join/", fields)
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "go on in the browser where you began: all your answers are there" in page
    assert "mailto:lab@example.org" in page
    assert models.Rater.objects.count() == 1
    assert taken(campaign) == 3, "two answered, one open"
    desk.rates(1)
    assert desk.row.assignments.filter(state="done").count() == 3, "nothing is lost where they began"


def test_who_does_not_take_part_is_no_rater_and_comes_back_to_the_same_page() -> None:
    campaign = recruited(no_consent_code=None)
    ann = Participant(campaign)
    page = ann.presses("decline").content.decode()
    kept = models.Participation.objects.get()
    assert (kept.participant, kept.rater) == ("5f3a9c", None)
    assert f"{COMPLETE}{kept.no_consent_code}" in page
    assert kept.no_consent_code in ann.opens()
    form = {"rater": ann.pid, "study": STUDY, "submission": "visit1"}
    assert kept.no_consent_code in ann.client.post(f"/rate/{campaign.token}/decline/", form).content.decode()
    assert kept.no_consent_code in ann.client.post(f"/rate/{campaign.token}/join/", form, follow=True).content.decode()
    assert not models.Rater.objects.exists()
    assert models.Participation.objects.count() == 1


def test_who_has_joined_cannot_be_said_not_to_take_part() -> None:
    campaign = recruited()
    Participant(campaign).presses()
    stranger = Client().post(f"/rate/{campaign.token}/decline/", {"rater": "5f3a9c", "study": STUDY})
    assert stranger.status_code == 403
    assert models.Participation.objects.get().rater


def test_without_recruiting_who_does_not_take_part_leaves_nothing() -> None:
    campaign = make_campaign().campaign
    page = Client().post(f"/rate/{campaign.token}/decline/", {"rater": "ann"}).content.decode()
    assert "Nothing about you was stored" in page
    assert not models.Participation.objects.exists()
    assert not models.Rater.objects.exists()


def test_the_last_participant_who_is_needed_joins_and_the_next_takes_nothing() -> None:
    campaign = recruited(participants=2)
    ann, bea, cem = (Participant(campaign, pid=pid) for pid in ("ann", "bea", "cem"))
    fields = cem.fields()
    ann.presses()
    bea.presses()
    page = cem.opens()
    assert "This study has all the participants it needs" in page
    assert "begin</button>" not in page
    late = cem.client.post(f"/rate/{campaign.token}/join/", fields, follow=True)
    assert "This study has all the participants it needs" in late.content.decode()
    api = cem.client.post(f"/api/v1/rate/{campaign.token}/join", {"rater": "cem", "study": STUDY}, "application/json")
    assert api.status_code == 409
    assert models.Rater.objects.count() == 2
    assert "screen" in ann.opens(), "who takes part goes on"
    rater_exclude(rater=ann.row, reason="asked to stop", release=True)
    assert cem.presses().status_code == 200
    assert cem.row, "a place came free"


def test_a_worker_types_the_code_into_the_hit() -> None:
    campaign = recruited(
        service="mturk", study="3XMPLHIT", completed_code=None, screened_out_code=None, no_consent_code=None
    )
    worker = Participant(campaign, pid="A3WORKER")
    worker.sent = {"workerId": "A3WORKER", "hitId": "3XMPLHIT", "assignmentId": "3ASSIGN"}
    worker.presses()
    worker.rates(6)
    page = worker.opens()
    assert worker.row.completion_code in page
    assert "Type this code into the HIT on Mechanical Turk" in page
    assert "complete?cc" not in page
    assert models.Participation.objects.get().submission == "3ASSIGN"


class TestWithdrawing:
    def test_answers_leave_the_results_places_come_free_and_words_go(self) -> None:
        parts = make_campaign(
            purpose="evaluation", protocol="edit", comments=True, minimum_answers=2, recruiting=PROLIFIC
        )
        campaign, ann = parts.campaign, Participant(parts.campaign)
        ann.presses()
        session = ann.client.cookies[f"rater-{campaign.token[:8]}"].value
        api = Rater(campaign, session=session)
        for _ in range(2):
            screen = api.next()
            [candidate] = screen["item"]["candidates"]
            answers = {"human_likeness": {candidate["id"]: "my own words here"}}
            body = {"key": new_key(), "answers": answers, "seconds": 3, "comment": "what I said of it"}
            assert api.post(f"assignments/{screen['assignment']}", body).status_code == 201
        assert models.Rating.objects.counting(campaign).count() == 2
        question = ann.client.get(f"/rate/{campaign.token}/withdraw/", {"whose": str(ann.row.public_id)})
        assert "Your completion code stays yours" in question.content.decode()
        assert models.Rating.objects.counting(campaign).count() == 2, "a question withdraws nothing"
        page = ann.withdraws().content.decode()
        assert "You have withdrawn your answers" in page
        assert f"{COMPLETE}C0MPLETE" in page, "what they had earned is theirs"
        assert not models.Rating.objects.answered(campaign).exists(), "with excluded raters neither"
        assert taken(campaign) == 0
        assert set(models.Remark.objects.values_list("comment", flat=True)) == {""}
        assert set(models.Rewrite.objects.values_list("text", flat=True)) == {""}
        assert models.Rating.objects.count() == 2, "rows are never deleted"
        entry = models.AuditEntry.objects.get(kind="withdraw")
        assert (entry.person, entry.address) == ("", None)
        assert str(ann.row.public_id) in entry.about
        assert ann.pid not in entry.about + entry.detail
        again = ann.withdraws().content.decode()
        assert "You have withdrawn your answers" in again
        assert models.AuditEntry.objects.filter(kind="withdraw").count() == 1
        mine = ann.client.get(f"/rate/{campaign.token}/answers/", {"whose": str(ann.row.public_id)}).content.decode()
        assert "my own words" not in mine
        assert "You have withdrawn your answers" in mine
        assert api.post("next").status_code == 409

    def test_they_are_in_no_export_and_cannot_be_taken_in_again(self, tmp_path: Any) -> None:
        campaign = recruited()
        ann, bea = (Participant(campaign, pid=pid) for pid in ("ann", "bea"))
        for each in (ann, bea):
            each.presses()
            each.rates(2)
        ann.withdraws()
        campaign_close(campaign=campaign)
        call_command("export_ratings", campaign.name, "--format", "jsonl", "--out", tmp_path / "out")
        exported = (tmp_path / "out").read_text()
        assert str(bea.row.public_id) in exported
        assert str(ann.row.public_id) not in exported
        with pytest.raises(ConflictError, match="has withdrawn their answers"):
            rater_readmit(rater=ann.row)

    @pytest.mark.parametrize(
        ("screens", "declared", "code", "pay"),
        [
            (0, {}, None, 0.0),
            (1, {}, None, 0.0),
            (2, {}, "C0MPLETE", 3.5),
            (0, {"pay_withdrawn": 0.25}, "C0MPLETE", 0.25),
            (2, {"pay_withdrawn": 0.0}, None, 0.0),
        ],
    )
    def test_the_pay_is_what_was_declared(self, screens: int, declared: Any, code: str | None, pay: float) -> None:
        ann = Participant(recruited(**declared))
        ann.presses()
        ann.rates(screens)
        ann.withdraws()
        ending = ending_of(ann.row, completion_reach(rater=ann.row))
        assert (ending.how, ending.code, ending.pay) == ("withdrawn", code, pay)

    def test_after_the_close_the_results_are_fixed(self) -> None:
        campaign = recruited()
        ann = Participant(campaign)
        ann.presses()
        ann.rates(2)
        campaign_close(campaign=campaign)
        assert "Withdraw your answers" not in ann.opens()
        answer = ann.withdraws()
        assert answer.status_code == 409
        assert "its results are fixed" in answer.content.decode()
        assert models.Rating.objects.counting(campaign).count() == 2

    def test_by_the_api(self) -> None:
        campaign = recruited()
        ann = Rater.__new__(Rater)
        ann.client, ann.session = Client(), ""
        joined = ann.post(f"{campaign.token}/join", {"rater": "ann", "study": STUDY, "submission": "v1"})
        ann.session = joined.json()["session"]
        headers = {"Authorization": f"Rater {ann.session}"}
        going = ann.client.get("/api/v1/rate/ending", headers=headers).json()
        assert going == {"ending": None, "code": None, "link": None}
        for _ in range(2):
            ann.submit(ann.next())
        done = ann.client.get("/api/v1/rate/ending", headers=headers).json()
        assert done == {"ending": "completed", "code": "C0MPLETE", "link": f"{COMPLETE}C0MPLETE"}
        assert ann.post("withdraw").json()["ending"] == "withdrawn"
        assert ann.post("withdraw").json()["ending"] == "withdrawn"
        assert ann.client.get("/api/v1/rate/answers", headers=headers).json() == {"answers": [], "before": None}
        where = f"/api/v1/rate/{campaign.token}/decline"
        declined = Client().post(where, {"rater": "bea", "study": STUDY}, content_type="application/json").json()
        assert declined == {"ending": "no_consent", "code": "N0C0NSENT", "link": f"{COMPLETE}N0C0NSENT"}


def test_who_is_erased_leaves_nothing_of_how_they_came() -> None:
    campaign = recruited()
    ann, bea = (Participant(campaign, pid=pid, visit=f"visit-of-{pid}") for pid in ("ann-4711", "bea-4711"))
    ann.presses()
    bea.presses("decline")
    for name in ("ann-4711", "bea-4711"):
        call_command("erase_rater", name, "--yes")
        assert Client().get(f"/rate/{campaign.token}/", {"PROLIFIC_PID": name}).status_code == 404
    assert not models.Participation.objects.exists()
    assert bea.client.post(f"/rate/{campaign.token}/decline/", {"rater": "bea-4711", "study": STUDY}).status_code == 404


def test_the_database_refuses_what_contradicts_itself() -> None:
    campaign = recruited()
    ann = Participant(campaign)
    ann.presses()
    for broken in (
        lambda: models.Rater.objects.update(ended_by="withdrawn"),
        lambda: models.Rater.objects.update(
            replaced=True, excluded_at="2026-01-01T00:00Z", exclusion="x", ended_by="bored"
        ),
        lambda: models.Participation.objects.update(rater=None),
        lambda: models.Participation.objects.create(campaign=campaign, participant=ann.pid, rater=None),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            broken()


def test_a_dry_run_has_nothing_to_withdraw() -> None:
    trial, _ = trial_join(campaign=recruited())
    with pytest.raises(ConflictError, match="dry run"):
        rater_withdraw(rater=trial)


def test_the_sheets_and_the_report_say_how_raters_came_and_what_they_were_paid(tmp_path: Any) -> None:
    campaign = recruited(participants=40)
    for name in ("ann", "bea"):
        each = Participant(campaign, pid=name)
        each.presses()
        each.rates(2)
    call_command("preregister", campaign.name, "--out", tmp_path / "sheet.md")
    sheet = (tmp_path / "sheet.md").read_text()
    came = f"Raters are recruited through Prolific (study {STUDY}), at most 40 of them."
    paid = "Raters who complete the study are paid 3.50 GBP, raters stopped by quality control 0.50 GBP"
    assert came in sheet
    assert paid in sheet
    assert "how they are recruited and paid" not in sheet
    assert "when the campaign is closed if screens remain" in sheet, "what only the researcher knows"
    campaign_close(campaign=campaign)
    for form in ("heds", "json"):
        call_command("report", campaign.name, "--format", form, "--out", tmp_path / form)
        assert came in (tmp_path / form).read_text()
        assert paid in (tmp_path / form).read_text()


def test_the_report_counts_who_withdrew_apart_from_who_was_excluded(tmp_path: Any) -> None:
    campaign = recruited()
    for name in ("ann", "bea", "cem", "dan"):
        each = Participant(campaign, pid=name, visit=f"visit-{name}")
        each.presses()
        each.rates(1 if name == "dan" else 2)
    for name in ("ann", "dan"):
        rater_withdraw(rater=Participant(campaign, pid=name).row)
    rater_exclude(rater=Participant(campaign, pid="bea").row, reason="read nothing")
    campaign_close(campaign=campaign)
    report = report_build(campaign)
    assert [each.reason for each in report.exclusions.raters] == ["read nothing"]
    assert (report.exclusions.withdrew, report.campaign.raters) == (2, 1)
    said = "2 raters withdrew their answers, which are in no result and in no analysis."
    assert said in in_short(report)
    assert "1 rater was excluded; the results with them" in " ".join(in_short(report))
    for form in ("heds", "latex"):
        call_command("report", campaign.name, "--format", form, "--out", tmp_path / form)
        text = (tmp_path / form).read_text()
        assert said in " ".join(text.split())


def test_who_has_joined_comes_back_by_their_link_however_full_the_study_is() -> None:
    campaign = recruited(participants=1)
    ann = Participant(campaign)
    ann.presses()
    link = rater_link(campaign, ann.pid)
    page = (
        Client().get(urlsplit(link).path, {"STUDY_ID": STUDY} | dict(parse_qsl(urlsplit(link).query))).content.decode()
    )
    assert "all the participants it needs" not in page
    assert "/join/" in page
    assert "all the participants it needs" in Participant(campaign, pid="bea", visit="visit2").opens()


def test_withdrawing_pays_nobody_whose_part_had_ended_unpaid() -> None:
    campaign = recruited(pay_withdrawn=1.0)
    ann, bea = Participant(campaign), Participant(campaign, pid="bea", visit="visit2")
    for each in (ann, bea):
        each.presses()
        each.rates(1)
    rater_exclude(rater=ann.row, reason="answered for somebody else", release=True)
    for each, pay, code in ((ann, 0.0, None), (bea, 1.0, "C0MPLETE")):
        rater_withdraw(rater=each.row)
        ending = ending_of(each.row, completion_reach(rater=each.row))
        assert (ending.how, ending.pay, ending.code) == ("withdrawn", pay, code)
