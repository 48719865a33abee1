"""Erasing a person: nothing that says who they are or what they typed is left anywhere, and no number changes."""

import json
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from annotations import models
from annotations.campaigns.links import rater_link
from annotations.campaigns.outside_ids import erased_digest
from annotations.campaigns.services import raters
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.invitations import raters_invite
from annotations.campaigns.services.raters import rater_exclude, rater_join
from annotations.campaigns.services.ratings import draft_save, rating_skip
from annotations.errors import ConflictError, InputError, NotFoundError
from annotations.feedback.services import FeedbackSettings, feedback_set_build
from annotations.removal import erasing
from annotations.removal.erasing import erasure_of, identities, person_erase
from annotations.reports.comparison import comparison_build
from annotations.reports.keeping import report_freeze, report_recompute
from storyblender_site.accounts import account_make
from tests.annotations.erasable import DRAFT, ID, WORDS, Study, another, of, places_of, rate_all
from tests.annotations.feedback import beside, built, feedback_campaign, rate
from tests.annotations.raters import Rater
from tests.factories import SystemFactory, make_campaign
from tests.pages import in_one_line
from workers.jobs import training
from workers.lineage import lineage
from workers.lookup import check_valid
from workers.models import Checkpoint, Run

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_nothing_is_left_of_a_person_but_their_numbers() -> None:
    study = Study()
    campaign = campaign_close(campaign=study.campaign)
    report = report_freeze(campaign=campaign)
    ratings = list(models.Rating.objects.order_by("pk").values())
    before = places_of(study.traces)
    assert {"Rater.outside_id", "Rater.completion_code", "Remark.comment", "Invitation.outside_id"} <= before
    assert "Assignment.draft" in before
    if connection.vendor == "sqlite":
        assert any(place.startswith("test") for place in before), "the grep reads the database's file as well"
    erase_while_somebody_reads(study.campaign)
    assert places_of(study.traces) == set()
    assert list(models.Rating.objects.order_by("pk").values()) == ratings
    assert report_recompute(report=report) == []
    assert report_freeze(campaign=campaign) == report
    row = models.Rater.objects.get(pk=study.row.pk)
    assert row.public_id == study.row.public_id
    assert row.erased_at is not None
    assert models.Remark.objects.get().reason == "wrong"
    assert "somebody-else" in dict.fromkeys(models.Rater.objects.values_list("outside_id", flat=True))


def erase_while_somebody_reads(campaign: models.Campaign) -> None:
    """On SQLite a reader keeps the log of writes, which the next attempt empties."""
    if connection.vendor != "sqlite":
        call_command("erase_rater", ID, "--yes")
        return
    client, said = staff_client(), "write-ahead log still contains what was removed"
    again = {"path": f"/campaigns/{campaign.pk}/erase/", "data": {"outside_id": ID}, "follow": True}
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM annotations_rater").fetchone()
        with patch.multiple(erasing, PATIENCE_MS=1, TRIES=1):
            with patch("sys.stdout") as out:
                call_command("erase_rater", ID, "--yes")
            assert said in "".join(str(call) for call in out.mock_calls)
            assert said in client.post(**again).content.decode()
    assert said not in client.post(**again).content.decode()
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA busy_timeout").fetchone()[0] >= 1000


def staff_client() -> Client:
    client = Client()
    account_make(name="ada", role="researcher")
    client.force_login(User.objects.get(username="ada"))
    return client


def test_who_joins_between_the_question_and_the_answer_is_erased() -> None:
    campaign = make_campaign(captions=2).campaign
    (link,) = raters_invite(campaign=campaign, outside_ids=[ID])
    asked = identities(ID)
    rater, _ = rater_join(token=campaign.token, outside_id=ID, signature=link.rpartition("signature=")[2])
    done, _ = person_erase(asked)
    assert [str(each) for each in done] == [f"rater {rater.public_id} of campaign '{campaign.name}'"]
    rater.refresh_from_db()
    assert (rater.outside_id, bool(rater.erased_at)) == (None, True)


def test_who_joins_while_the_id_is_erased_does_not_bring_it_back() -> None:
    """On PostgreSQL the erasure commits after the first look; here it comes between."""
    campaign = make_campaign(captions=2).campaign

    def erased_meanwhile(*args: Any) -> None:
        models.ErasedId.objects.create(campaign=campaign, digest=erased_digest(campaign, ID))

    with patch.object(raters, "count_join", erased_meanwhile), pytest.raises(NotFoundError):
        rater_join(token=campaign.token, outside_id=ID)
    assert not models.Rater.objects.exists()


def test_to_invite_an_erased_id_is_refused_on_the_page() -> None:
    study, client = Study(), staff_client()
    person_erase(identities(ID))
    answer = client.post(f"/campaigns/{study.campaign.pk}/links/", {"raters": f"new\n{ID}"})
    assert answer.status_code == 200
    assert "was erased from this campaign" in answer.content.decode()
    assert not models.Invitation.objects.filter(outside_id__in=["new", ID]).exists()


def test_what_an_erased_rater_had_opens_nothing() -> None:
    study = Study()
    client = Client()
    address = study.link.partition("/rate/")[2]
    unknown = client.get(f"/rate/{'x' * 24}/")
    waiting = models.Item.objects.filter(campaign=study.campaign, assignments__state="open").get()
    opened = models.Assignment.objects.get(rater=study.row, state="open")
    person_erase(identities(ID))
    for method, path in ((client.get, f"/rate/{address}"), (client.post, f"/rate/{address.replace('/?', '/join/?')}")):
        answer = method(path, {"rater": ID}) if method == client.post else method(path)
        assert (answer.status_code, answer.content) == (unknown.status_code, unknown.content)
    assert client.get(f"/rate/{study.campaign.token}/?PROLIFIC_PID={ID}").status_code == 404
    assert Client().get(f"/rate/{study.campaign.token}/").status_code == 200
    for body in ({"rater": ID}, {"rater": ID, "signature": study.link.rpartition("signature=")[2]}):
        joined = Client().post(f"/api/v1/rate/{study.campaign.token}/join", body, content_type="application/json")
        assert joined.status_code == 404
    assert study.jin.post("next").status_code == 401
    assert models.Item.objects.get(pk=waiting.pk).taken == waiting.taken - 1, "others may rate what they had open"
    late = {"rater": study.row, "assignment_id": opened.public_id}  # by a request that was under way
    with pytest.raises(ConflictError):
        draft_save(draft={"a:b": DRAFT}, **late)
    with pytest.raises(ConflictError):
        rating_skip(key=uuid.uuid4(), reason="wrong", comment=WORDS, **late)
    assert not places_of([ID, WORDS, DRAFT]) - {"test.sqlite3", "test.sqlite3-wal"}
    with pytest.raises(InputError, match="was erased from this campaign"):
        raters_invite(campaign=study.campaign, outside_ids=["new", ID])
    assert Rater(study.campaign, "new").next()


def test_it_is_done_once_and_everywhere_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    first = make_campaign(captions=2).campaign
    campaigns = [first, another(first, "second"), another(first, "third")]
    for campaign in campaigns[:2]:
        rate_all(campaign, ID)
    raters_invite(campaign=campaigns[2], outside_ids=[ID])
    other = rate_all(campaigns[0], "other")
    with pytest.raises(CommandError, match="give --yes"):
        call_command("erase_rater", ID)
    call_command("erase_rater", ID, "--campaign", campaigns[1].name, "--yes", "--json")
    assert [each["campaign"] for each in said(capsys)["erased"]] == [campaigns[1].name]
    call_command("erase_rater", ID, "--yes", "--json")
    answer = said(capsys)
    assert [each["campaign"] for each in answer["erased"]] == [campaigns[0].name, campaigns[2].name]
    assert answer["answers_kept"] == 2
    pseudonym = str(models.Rater.objects.get(campaign=campaigns[0], erased_at__isnull=False).public_id)
    for again in (ID, pseudonym):
        call_command("erase_rater", again, "--yes", "--json")
        assert said(capsys)["message"] == "already erased: nothing was left to erase"
    with pytest.raises(CommandError, match="nobody with that id or pseudonym was found in any campaign"):
        call_command("erase_rater", "jin", "--yes")
    assert of(other).outside_id == "other"
    entries = models.AuditEntry.objects.filter(kind="erase").order_by("pk")
    assert entries[1].about == f"rater {pseudonym} of campaign '{campaigns[0].name}'"
    assert [entry.shell for entry in entries] == [True] * 3
    assert not any(ID in f"{entry.about} {entry.detail}" for entry in models.AuditEntry.objects.all())


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return answer


def test_halfway_nobody_is_erased() -> None:
    first = make_campaign(captions=2).campaign
    campaigns = [first, another(first, "second")]
    for campaign in campaigns:
        rate_all(campaign, ID)
    whole = erasing.words_of

    def killed(rater: models.Rater) -> Any:
        if rater.campaign_id == campaigns[1].pk:
            raise KeyboardInterrupt
        return whole(rater)

    with patch.object(erasing, "words_of", killed), pytest.raises(KeyboardInterrupt):
        person_erase(identities(ID))
    assert list(models.Rater.objects.values_list("outside_id", "erased_at")) == [(ID, None)] * 2
    assert [identity.campaign for identity in person_erase(identities(ID)).identities] == campaigns
    assert len(set(models.Rater.objects.values_list("erased_as", flat=True))) == 1, "one person in comparisons"
    assert identities(ID) == []


def test_the_database_lets_words_be_blanked_for_who_was_erased_alone() -> None:
    study = Study()
    remarks = models.Remark.objects.all()

    def tried(**change: str) -> int:
        with transaction.atomic():
            return remarks.update(**change)

    for change in ({"comment": ""}, {"comment": "other words"}, {"reason": "cannot_judge"}):
        with pytest.raises(IntegrityError, match="what raters remarked is never changed"):
            tried(**change)
    with pytest.raises(IntegrityError, match="never deleted"), transaction.atomic():
        remarks._raw_delete("default")
    person_erase(identities(str(study.row.public_id)))
    assert remarks.get().comment == ""
    assert tried(comment="") == 1
    with pytest.raises(IntegrityError, match="never changed"):
        tried(comment="other words")
    with pytest.raises(IntegrityError), transaction.atomic():
        models.Rater.objects.filter(pk=study.row.pk).update(outside_id="known again")


def test_a_feedback_set_with_their_words_trains_nothing_any_more(
    staff: Client, settings: Any, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    study = Study()
    kept, spoilt = (
        feedback_set_build(name=name, campaigns=[study.campaign], settings=FeedbackSettings())
        for name in ("kept", "spoilt")
    )
    theirs = models.FeedbackExample.objects.filter(
        feedback_set=spoilt, kind="score", ratings__assignment__rater=study.row
    ).first()
    assert theirs
    models.FeedbackExample.objects.filter(pk=theirs.pk).update(text=WORDS)  # as a protocol of edits makes it
    check_valid(spoilt)
    system = SystemFactory(kind="model")
    ended = {"state": "done", "finished_at": timezone.now(), "feedback_set": spoilt}
    config = {"preset": "tiny", "dataset": "d", "training": {"architecture": "lstm"}}
    run = Run.objects.create(kind="train", config=config, system=system, **ended)
    Checkpoint.objects.create(run=run, system=system, directory="x", sha256="0" * 64, size_bytes=1)
    kept_run = {**ended, "feedback_set": kept}
    others = Run.objects.create(kind="train", config=config, system=SystemFactory(kind="model"), **kept_run)
    settings.RUNS_DIR = tmp_path
    for each in (run, others):
        folder = settings.RUNS_DIR / str(each.public_id)
        folder.mkdir(parents=True)
        for name in ("feedback.jsonl", "train.jsonl", "valid.jsonl"):
            (folder / name).write_text(WORDS)
    with django_capture_on_commit_callbacks(execute=True):
        person_erase(identities(ID))
    left = {path.relative_to(settings.RUNS_DIR) for path in settings.RUNS_DIR.glob("*/*.jsonl")}
    assert {each.name for each in left if each.parts[0] == str(run.public_id)} == {"valid.jsonl"}
    assert len(left) == 1 + 3
    kept.refresh_from_db()
    spoilt.refresh_from_db()
    assert (kept.valid, spoilt.valid) == (True, False)
    assert models.FeedbackExample.objects.get(pk=theirs.pk).text == ""
    page = staff.get(f"/data/feedback/{spoilt.pk}/").content.decode()
    assert "words in it were erased" in page
    assert lineage(system)["feedback_set"]["valid"] is False
    assert "It is invalid:" in staff.get(f"/models/{system.pk}/").content.decode()
    asked = lambda: training.launch(dataset=spoilt.dataset.name, preset="tiny", feedback="spoilt", name="later")  # noqa: E731
    for refused in (asked, lambda: check_valid(spoilt)):  # when it is launched, and when it begins
        with pytest.raises(InputError, match="feedback set 'spoilt' is invalid: some of its texts were erased"):
            refused()


def test_a_set_with_their_rewrites_loses_them_and_is_invalid_and_one_without_is_not() -> None:
    campaign = feedback_campaign(protocol="edit", captions=4, overlap=4, texts={"gru": lambda n: f"we saw thing {n}"})
    texts = models.Candidate.objects
    theirs = lambda by, caption: dict.fromkeys(by.values(), f"{WORDS} {caption}")  # noqa: E731
    pasted = lambda by, caption: {each: {"text": WORDS, "pasted": 9} for each in by.values()}  # noqa: E731
    keeping = lambda by, caption: {each: texts.get(public_id=each).text for each in by.values()}  # noqa: E731
    rate(campaign, theirs, keeping, outside_ids=[ID, "b"])
    spoilt = built(campaign, name="spoilt")
    assert WORDS in str(list(spoilt.examples.values_list("text", flat=True)))
    other = beside(campaign, name="pasting", protocol="edit", overlap=4)
    rate(other, pasted, keeping, outside_ids=[ID, "b"])
    kept = built(other, name="kept")
    assert erasure_of(identities(ID, [campaign])[0]).feedback_sets == ["spoilt"]
    person_erase(identities(ID))
    for row, valid in ((spoilt, False), (kept, True)):
        row.refresh_from_db()
        assert row.valid == valid
    assert not places_of([WORDS])
    assert set(spoilt.examples.filter(kind="preference").values_list("text", flat=True)) == {""}
    assert all(spoilt.examples.exclude(kind="preference").values_list("text", flat=True))


def test_a_comparison_stays_the_same() -> None:
    first = make_campaign(captions=4, name="earlier", overlap=3).campaign
    campaigns = [first, another(first, "later")]
    for campaign in campaigns:
        for number, outside_id in enumerate((ID, "b", "a")):
            rate_all(campaign, outside_id, offset=3 * number)
        campaign_close(campaign=campaign)
    before = comparison_build(["earlier", "later"])
    person_erase(identities(ID))
    assert comparison_build(["earlier", "later"]) == before


def test_the_page_says_what_goes_and_asks() -> None:
    study = Study()
    elsewhere = another(study.campaign, "elsewhere")
    rate_all(elsewhere, ID)
    client = staff_client()
    home = f"/campaigns/{study.campaign.pk}/"
    assert client.get(f"{home}erase/").status_code == 405
    asked = in_one_line(client.post(f"{home}erase/", {"rater": 1}))
    for words in (
        ID,
        str(study.row.public_id),
        "the personal link",
        "the completion code",
        "1 remark",
        "3</b> answers",
    ):
        assert words in asked, words
    assert f"{elsewhere.name}: 6 answers" in asked
    assert of(study.jin).erased_at is None
    for wrong in ({}, {"rater": 99}, {"rater": 1, "outside_id": ID}, {"outside_id": "nobody"}):
        answer = client.post(f"{home}erase/", wrong, follow=True).content.decode()
        assert 'class="error"' in answer
    client.post(f"{home}erase/", {"outside_id": ID, "confirm": "yes", "everywhere": "on"})
    assert models.Rater.objects.filter(erased_at__isnull=False).count() == 2
    assert models.Rater.objects.filter(erased_at__isnull=False).values("erased_as").distinct().count() == 1
    for again in ({"rater": 1}, {"outside_id": ID}):
        answer = client.post(f"{home}erase/", again | {"confirm": "yes"}, follow=True).content.decode()
        assert "already been erased" in answer
    erased = models.Rater.objects.filter(erased_at__isnull=False, campaign=study.campaign).first()
    assert erased
    assert "<dd>erased</dd>" in client.get(f"{home}raters/{erased.public_id}/").content.decode()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert client.post(f"{home}erase/", {"rater": 2, "confirm": "yes"}).status_code == 403


def test_a_reason_that_the_report_gives_names_nobody() -> None:
    study = Study()
    raters_invite(campaign=study.campaign, outside_ids=["invited-one"])
    for named in (ID.upper(), "somebody-else", "invited-one"):
        with pytest.raises(InputError, match="contains a rater's id"):
            rater_exclude(rater=study.row, reason=f"{named} answered too fast")
    assert rater_exclude(rater=study.row, reason="answered too fast").excluded_at


def test_links_that_were_never_used_go_too() -> None:
    campaign = make_campaign(captions=2).campaign
    raters_invite(campaign=campaign, outside_ids=[ID])
    link = rater_link(campaign, ID)
    assert Client().get(f"/rate/{link.partition('/rate/')[2]}").status_code == 200
    person_erase(identities(ID))
    assert Client().get(f"/rate/{link.partition('/rate/')[2]}").status_code == 404
    assert models.AuditEntry.objects.filter(kind="erase").count() == 0, "nobody is at work in this test"
