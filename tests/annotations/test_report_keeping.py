"""When a report is made anew, when the kept one is given, what is shown before the close, and who is left out."""

import json
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.raters import rater_exclude, rater_readmit, trial_join
from annotations.campaigns.services.scores import scores_write
from annotations.errors import ConflictError, InputError
from annotations.feedback.services import FeedbackSettings, feedback_set_build
from annotations.reports.keeping import differences, report_freeze, report_keep
from annotations.reports.schema.report import VERSION
from tests.annotations.raters import Rater
from tests.annotations.reports import report_build, report_html
from tests.annotations.test_reports import rate
from tests.factories import MetricFactory, make_campaign
from tests.triggers import triggers_drop

pytestmark = pytest.mark.django_db
DECLARED: dict[str, Any] = {"primary": ["gru", "lstm", "human_likeness"], "looks": 2}


@pytest.fixture
def staff(admin_client: Client) -> Client:
    return admin_client


def content(report: models.Report) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bytes(report.content))
    return found


def answer(rater: Rater, count: int) -> None:
    for _ in range(count):
        rater.submit(rater.next())


def test_a_report_is_made_once_for_what_it_is_made_from(django_assert_max_num_queries: Any) -> None:
    made = make_campaign()
    rate(made.campaign, 2)
    campaign_close(campaign=made.campaign)
    first = report_freeze(campaign=made.campaign)
    with django_assert_max_num_queries(6):
        assert report_freeze(campaign=made.campaign).pk == first.pk

    score = {MetricFactory().name: {"value": 12.5, "ci": None, "signature": "s"}}
    scores_write(decoding=made.systems["gru"], campaign=made.campaign, scores=score)
    second = report_freeze(campaign=made.campaign)
    assert content(second)["metrics"]["gru"]["bleu"]["value"] == 12.5
    scores_write(
        decoding=made.systems["gru"], campaign=made.campaign, scores={"bleu": {**score["bleu"], "value": 13.0}}
    )
    third = report_freeze(campaign=made.campaign)
    assert content(third)["metrics"]["gru"]["bleu"]["value"] == 13.0
    rater = models.Rater.objects.order_by("pk")[0]
    rater_exclude(rater=rater, reason="took part twice")
    assert content(report_freeze(campaign=made.campaign))["campaign"]["raters"] == 1
    rater_readmit(rater=rater)
    assert len({first.sha256, second.sha256, third.sha256}) == 3
    assert bytes(models.Report.objects.get(pk=first.pk).content) == bytes(first.content), "kept for ever"


def test_one_more_rating_is_one_more_report() -> None:
    campaign = make_campaign(captions=2, overlap=1).campaign
    rater = Rater(campaign)
    answer(rater, 1)
    before = report_freeze(campaign=campaign, unblind=True)
    assert report_freeze(campaign=campaign, unblind=True).pk == before.pk
    answer(rater, 1)
    assert content(report_freeze(campaign=campaign, unblind=True))["campaign"]["ratings"] == 2


def test_a_kept_report_is_recomputed_from_its_ratings(capsys: pytest.CaptureFixture[str]) -> None:
    made = make_campaign(captions=5, overlap=3)
    with pytest.raises(CommandError, match="has no kept report"):
        call_command("report", made.campaign.name, "--recompute")
    rate(made.campaign, 3)
    campaign_close(campaign=made.campaign)
    kept = report_freeze(campaign=made.campaign)
    call_command("report", made.campaign.name, "--recompute", "--json")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["agrees"] is True

    changed = content(kept)
    changed["criteria"]["human_likeness"]["systems"][1]["mean"] += 1e-6
    triggers_drop()  # as if another version of the code had made it
    models.Report.objects.filter(pk=kept.pk).update(content=json.dumps(changed).encode())
    with pytest.raises(CommandError, match=r"criteria\.human_likeness\.systems\[1\]\.mean: kept .*, now"):
        call_command("report", made.campaign.name, "--recompute")
    models.Report.objects.filter(pk=kept.pk).update(content=kept.content)
    rater = models.Rater.objects.order_by("pk")[0]
    rater_exclude(rater=rater, reason="asked to")
    with pytest.raises(CommandError, match="has changed since the report"):
        call_command("report", made.campaign.name, "--recompute")
    report_freeze(campaign=made.campaign)
    rater_readmit(rater=rater)
    call_command("report", made.campaign.name, "--recompute", "--json")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["sha256"] == kept.sha256, "as it stands again"


def test_a_report_kept_in_an_earlier_layout_is_made_anew(staff: Client, tmp_path: Path) -> None:
    campaign = make_campaign(captions=2, overlap=1).campaign
    rate(campaign, 1)
    before_the_close = earlier(report_freeze(campaign=campaign, unblind=True))
    address = reverse("report", args=[campaign.pk])
    export = reverse("report_export", args=[campaign.pk, "html"])
    for response in (staff.get(address), staff.get(export, follow=True)):
        assert response.status_code == 200
        assert f"report of campaign '{campaign.name}' was kept in version 2 of the layout" in text_of(response)
    with pytest.raises(CommandError, match="was kept in version 2 of the layout"):
        call_command("report", campaign.name, "--recompute")
    campaign_close(campaign=campaign)
    earlier(report_freeze(campaign=campaign))
    assert "Inter-rater agreement" in text_of(staff.get(address))
    call_command("report", campaign.name, format="json", out=tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["version"] == VERSION
    assert content(before_the_close)["version"] == 2, "kept for ever"


def earlier(report: models.Report) -> models.Report:
    """The same as an earlier version of the code kept it, at a revision of its own."""
    old = content(report) | {"version": 2}
    del old["campaign"]["systems"]
    triggers_drop()
    changed = {"content": json.dumps(old).encode(), "sha256": "0" * 63 + report.campaign.state[:1], "revision": "old"}
    models.Report.objects.filter(pk=report.pk).update(**changed)
    report.refresh_from_db()
    return report


def text_of(response: HttpResponse) -> str:
    return unescape(response.content.decode())


@pytest.mark.parametrize(
    ("kept", "now", "count"),
    [
        ({"a": 1.0}, {"a": 1.0 + 5e-10}, 0),
        ({"a": 1.0}, {"a": 1.0 + 5e-9}, 1),
        ({"a": 1e6}, {"a": 1e6 + 5e-4}, 0),
        ({"a": None}, {"a": 0.0}, 1),
        ({"a": [1, 2]}, {"a": [1]}, 1),
        ({"a": True}, {"a": 1}, 0),
        ({"a": "x"}, {"b": "x"}, 2),
    ],
)
def test_what_counts_as_a_difference(kept: Any, now: Any, count: int) -> None:
    assert len(list(differences(kept, now))) == count


def test_a_declared_look_is_taken_when_it_is_due_and_the_next_one_not_before() -> None:
    """Of two looks by O'Brien and Fleming's spending the boundaries are 2.963 and 1.969 (Lan and DeMets 1983)."""
    campaign = make_campaign(captions=4, overlap=2, **DECLARED).campaign
    one, other = Rater(campaign), Rater(campaign)
    answer(one, 3)
    with pytest.raises(ConflictError, match="close it first"):
        report_freeze(campaign=campaign)
    answer(one, 1)
    first = report_freeze(campaign=campaign)
    assert first.look == 1
    look = content(first)["look"]
    assert (look["number"], look["of"], look["share"]) == (1, 2, 0.5)
    assert look["z"] == pytest.approx(2.963, abs=5e-4)
    assert content(first)["primary"]["boundary"] == look["p"] == pytest.approx(0.00305, abs=5e-6)
    answer(other, 3)
    assert report_freeze(campaign=campaign).pk == first.pk, "raters go on, and the look does not move"
    early = report_freeze(campaign=campaign, unblind=True)
    assert (early.look, content(early)["look"], content(early)["campaign"]["ratings"]) == (None, None, 7)
    answer(other, 1)
    campaign_close(campaign=campaign)
    last = content(report_freeze(campaign=campaign))
    assert (last["look"]["number"], last["look"]["share"]) == (2, 1.0)
    assert last["look"]["z"] == pytest.approx(1.969, abs=5e-4)
    assert [(each["number"], each["p"]) for each in last["looks_taken"]] == [(1, look["p"]), (None, None)]


def test_at_a_look_a_difference_counts_by_its_boundary_alone() -> None:
    """One rater of eight items: gru above lstm with p = 0.017, human far above both. At the first of two looks p has to
    be below 0.0031, and only the primary comparison is tested."""
    campaign = make_campaign(captions=8, overlap=2, **DECLARED).campaign
    above = iter([9, 6, 7, -3, 2, 8, -1, 5])
    rater = Rater(campaign)
    screen = rater.next()
    while screen:
        by_system = {"human": 90, "gru": 50 + next(above), "lstm": 50}
        given = {
            str(candidate): by_system[system]
            for candidate, system in models.CandidateOutput.objects.filter(
                candidate__public_id__in=[each["id"] for each in screen["item"]["candidates"]]
            ).values_list("candidate__public_id", "output__decoding__system__name")
        }
        screen = rater.submit(screen, answers={"human_likeness": given}).json()["next"]
    first = content(report_freeze(campaign=campaign))
    assert first["look"]["number"] == 1
    assert first["look"]["p"] < first["primary"]["p"] < 0.05
    assert first["primary"]["shown"] is False
    assert not any(pair["shown"] for pair in first["pairs"])
    rows = first["criteria"]["human_likeness"]["systems"]
    assert {(tuple(row["rank_range"]), row["cluster"]) for row in rows} == {((1, 3), 1)}
    page = report_html(first)
    assert "only the primary comparison is tested" in page
    assert "ranks first" not in page
    same = report_freeze(campaign=campaign, unblind=True)
    assert same.look == 1, "nothing has come since, so that it is the declared look again"
    skipping = Rater(campaign)
    skipping.skip(skipping.next())
    early = content(report_freeze(campaign=campaign, unblind=True))
    assert not any(pair["shown"] for pair in early["pairs"])
    page = report_html(early)
    assert "This analysis was not planned in advance: no difference counts at it." in page
    assert "which does not count at this analysis." in page
    assert "has the highest mean" in page
    assert "no difference counts at this analysis." in page
    assert "No difference was shown between" not in page, "none was tested, and p may be small"

    campaign_close(campaign=campaign)
    last = content(report_freeze(campaign=campaign))
    assert last["primary"]["p"] < last["look"]["p"]
    assert (last["primary"]["shown"], all(pair["shown"] for pair in last["pairs"])) == (True, True)
    assert [row["cluster"] for row in last["criteria"]["human_likeness"]["systems"]] == [1, 2, 3]
    today = last["looks_taken"][1]["at"][:10]
    assert f"Unplanned analyses before the close: 1 ({today})." in report_html(last)


def test_who_takes_a_look_second_is_given_the_first() -> None:
    """Two processes begin to take a look, an answer comes in between, and each has made another report of it."""
    campaign = make_campaign(captions=4, overlap=2, **DECLARED).campaign
    one, other = Rater(campaign), Rater(campaign)
    answer(one, 4)
    first = report_keep(campaign, look=1)
    answer(other, 1)
    assert report_keep(campaign, look=1).pk == first.pk


def test_without_declared_looks_no_boundary_stands_in_the_report() -> None:
    campaign = make_campaign(captions=3, overlap=2, primary=DECLARED["primary"]).campaign
    rate(campaign, 2)
    campaign_close(campaign=campaign)
    report = report_build(campaign)
    assert (report["look"], report["looks_taken"], report["primary"]["boundary"]) == (None, [], None)


def test_a_look_is_kept_once() -> None:
    campaign = make_campaign(captions=4, overlap=2, **DECLARED).campaign
    answer(Rater(campaign), 4)
    report_freeze(campaign=campaign)
    with pytest.raises(IntegrityError), transaction.atomic():
        models.Report.objects.create(campaign=campaign, look=1, content=b"{}", sha256="x", revision="x")


def closed_up(page: HttpResponse) -> str:
    """A page without the line breaks of its template."""
    return " ".join(page.content.decode().split()).replace("> <", "><")


def test_the_page_before_the_close_shows_how_the_raters_work_and_nothing_else(staff: Client) -> None:
    campaign = make_campaign(captions=4, overlap=2, **DECLARED).campaign
    address = f"/reports/{campaign.pk}/"
    answer(Rater(campaign, "first"), 2)
    page = closed_up(staff.get(address))
    assert "<b>2</b> of <b>8</b> screens answered (25 %)" in page
    assert "when 50 % are answered (the primary comparison counts if p &lt; 0.0031)" in page
    assert '1 first</td><td class="number">2</td><td class="number">0</td><td class="number">3.5</td>' in page
    assert not models.Report.objects.exists()
    assert "95 % interval" not in page


def test_pace_without_the_answers_is_that_of_the_report(staff: Client) -> None:
    campaign = make_campaign(captions=6, overlap=2).campaign
    answer(Rater(campaign), 6)
    answer(Rater(campaign), 2)
    page = closed_up(staff.get(f"/reports/{campaign.pk}/"))
    campaign_close(campaign=campaign)
    for row in report_build(campaign)["raters"]:
        cells = f'<td class="number">{row["seconds"]:.1f}</td><td class="number">{100 * row["under_floor"]:.0f} %</td>'
        assert f'<td class="number">{row["screens"]}</td><td class="number">0</td>{cells}' in page


def test_who_is_left_out_is_in_no_mean_and_the_report_says_what_it_was_with_them() -> None:
    campaign = make_campaign(captions=5, overlap=3).campaign
    sent = rate(campaign, 3, severity=8)
    campaign_close(campaign=campaign)
    whole = report_build(campaign)
    assert whole["exclusions"] == {"raters": [], "withdrew": 0, "criteria_with_all": {}, "pairs_with_all": []}
    rater = models.Rater.objects.order_by("pk")[1]
    rater_exclude(rater=rater, reason="  answered for  somebody else ")
    report = report_build(campaign)
    human = next(row for row in report["criteria"]["human_likeness"]["systems"] if row["system"] == "human")
    by_human = {
        str(pk)
        for pk in models.Candidate.objects.filter(outputs__decoding__system__name="human").values_list(
            "public_id", flat=True
        )
    }
    kept = [
        score for row in sent if row["rater"] != 1 for candidate, score in row["given"].items() if candidate in by_human
    ]
    assert human["mean"] == pytest.approx(np.mean(kept))
    assert (human["n"], human["raters"], report["campaign"]["raters"]) == (10, 2, 2)
    (excluded,) = report["exclusions"]["raters"]
    assert (excluded["rater"], excluded["reason"], excluded["after_results"]) == (
        2,
        "answered for somebody else",
        False,
    )
    before = [
        {key: row[key] for key in ("system", "n", "mean", "ci")}
        for row in whole["criteria"]["human_likeness"]["systems"]
    ]
    with_all = report["exclusions"]["criteria_with_all"]["human_likeness"]
    assert [{key: row[key] for key in ("system", "n", "mean", "ci")} for row in with_all] == before
    assert [row["difference"] for row in report["exclusions"]["pairs_with_all"]] == [
        row["difference"] for row in whole["pairs"]
    ]
    assert [(row["number"], row["excluded"]) for row in report["raters"]] == [
        (1, None),
        (2, "answered for somebody else"),
        (3, None),
    ]


def test_leaving_out_after_a_look_is_told_apart() -> None:
    campaign = make_campaign(captions=3, overlap=2).campaign
    rate(campaign, 2)
    campaign_close(campaign=campaign)
    report_freeze(campaign=campaign)
    rater_exclude(rater=models.Rater.objects.all()[0], reason="clicked at random")
    assert report_build(campaign)["exclusions"]["raters"][0]["after_results"] is True


def test_feedback_is_without_who_is_left_out() -> None:
    campaign = make_campaign(captions=3, overlap=2, purpose="feedback").campaign
    rate(campaign, 2)
    out = models.Rater.objects.order_by("pk")[0]
    rater_exclude(rater=out, reason="clicked at random")
    made = feedback_set_build(name="kept", campaigns=[campaign], settings=FeedbackSettings())
    assert made.counts["raters"] == 1
    assert not models.Rating.objects.filter(examples__feedback_set=made, assignment__rater=out).exists()


def test_a_reason_is_needed_and_once_is_enough() -> None:
    campaign = make_campaign(captions=1).campaign
    rater, _ = trial_join(campaign=campaign)
    for reason in ("", "   ", "x" * 301):
        with pytest.raises(InputError, match="give a reason of 1 to 300 characters"):
            rater_exclude(rater=rater, reason=reason)
    rater_exclude(rater=rater, reason="a test")
    with pytest.raises(ConflictError, match="already left out"):
        rater_exclude(rater=rater, reason="a test")


def test_raters_are_left_out_on_the_campaigns_page(staff: Client) -> None:
    campaign = make_campaign(captions=2).campaign
    answer(Rater(campaign, "p-1"), 1)
    answer(Rater(campaign, "p-2"), 1)
    address = f"/campaigns/{campaign.pk}/exclude/"
    page = staff.post(address, {"rater": 2, "reason": "was drunk", "action": "exclude"}, follow=True).content.decode()
    assert "Rater 2 is left out: was drunk." in page
    assert models.Rater.objects.get(outside_id="p-2").exclusion == "was drunk"
    assert "is already left out" not in page
    for values, says in (
        ({"rater": 1, "action": "exclude"}, "give a reason of 1 to 300 characters"),
        ({"rater": 2, "action": "readmit"}, "Rater 2 is included again."),
    ):
        assert says in staff.post(address, values, follow=True).content.decode()
    assert not models.Rater.objects.filter(excluded_at__isnull=False).exists()
    wrong = staff.post(address, {"rater": 3, "action": "readmit"}, follow=True)
    assert "there is no rater 3; raters are numbered 1 to 2" in wrong.content.decode()


def test_report_needs_to_know_what_to_write(tmp_path: Path) -> None:
    campaign = make_campaign(captions=1).campaign
    with pytest.raises(CommandError, match=r"--format \(json, html, .*\) and --out, or --recompute"):
        call_command("report", campaign.name, "--out", str(tmp_path / "x"))
