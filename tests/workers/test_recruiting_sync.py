"""What Prolific says of participants, asked of a local double that answers as its API reference says."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotations import models
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.endings import ending_of, rater_withdraw
from annotations.campaigns.services.raters import completion_reach, rater_exclude, rater_join, rater_readmit, rater_stop
from annotations.campaigns.services.submissions import Submission, submission_note, submissions_note
from annotations.storage.clock import database_now
from tests.annotations.raters import Rater
from tests.factories import make_campaign
from workers.prolific import TIMEOUT_SECONDS, ProlificError, submissions_of
from workers.recruiting import Asking, recruiting_round, recruiting_sync

pytestmark = pytest.mark.django_db

STUDY, TOKEN = "60aca280709ee40ec37d4885", "a-secret-token"
DECLARED = {"service": "prolific", "study": STUDY, "completed_code": "C0MPLETE", "pay": 3.0, "currency": "GBP"}


OTHERS = {"other": lambda n: f"another text {n}"}


class Prolific:
    """Lists submissions, a few a page; `faults` are what it does instead the next times."""

    def __init__(self) -> None:
        self.submissions: dict[str, dict[str, Any]] = {}
        self.faults: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.page_size = 2
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.asked.append((self.path, self.headers["Authorization"]))
                service.answer(self)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path, _, query = request.path.partition("?")
        fault = self.faults.pop(0) if self.faults else ""
        rows = list(self.submissions.values())
        if fault == "hang up":
            request.connection.close()
            return
        status = {"busy": 429, "down": 503, "moved": 302}.get(fault, 200)
        if request.headers["Authorization"] != f"Token {TOKEN}":
            status = 401
        elif path != f"/api/v1/studies/{STUDY}/submissions/":
            status = 404
        page_size = self.page_size
        page = int(query.removeprefix("page=") or 1) - 1
        body: Any = {"results": rows[page * page_size : (page + 1) * page_size]}
        if (page + 1) * page_size < len(rows):
            body["_links"] = {"next": {"href": f"{self.url}{path}?page={page + 2}"}}
        if fault == "elsewhere":
            body["_links"] = {"next": {"href": "http://elsewhere.example/api/v1/studies/"}}
        sent = {"cut": b'{"results": [', "odd": b'{"results": [{"id": 5}]}', "list": b"[]"}.get(fault)
        sent = json.dumps(body).encode() if sent is None else sent
        request.send_response(status)
        if fault == "moved":
            request.send_header("Location", "http://127.0.0.1:9/stolen")
        request.send_header("Content-Length", str(len(sent)))
        request.end_headers()
        request.wfile.write(sent)

    def says(self, participant: str, status: str) -> None:
        self.submissions[participant] = {
            "id": f"visit-{participant}", "participant_id": participant, "status": status, "has_siblings": False,
            "started_at": "2026-01-05T12:00:00.000000Z", "completed_at": None, "study_code": None,
        }  # fmt: skip


@pytest.fixture
def prolific(settings: Any) -> Iterator[Prolific]:
    service = Prolific()
    settings.PROLIFIC_URL, settings.PROLIFIC_TOKEN = service.url, TOKEN
    yield service
    service.server.shutdown()
    service.server.server_close()


def recruited(**spec: Any) -> models.Campaign:
    values: dict[str, Any] = {"captions": 4, "overlap": 1, "recruiting": DECLARED}
    return make_campaign(**values | spec).campaign


def participant(campaign: models.Campaign, name: str, screens: int = 0, visit: str | None = None) -> models.Rater:
    submission = f"visit-{name}" if visit is None else visit
    _, session = rater_join(token=campaign.token, outside_id=name, study=STUDY, submission=submission)
    api = Rater(campaign, session=session)
    for _ in range(screens):
        api.submit(api.next())
    return fresh(campaign, name)


def fresh(campaign: models.Campaign, name: str) -> models.Rater:
    return models.Rater.objects.select_related("campaign", "participation").get(campaign=campaign, outside_id=name)


def taken(campaign: models.Campaign) -> int:
    return sum(campaign.items.values_list("taken", flat=True))


def how(campaign: models.Campaign, name: str) -> str:
    rater = fresh(campaign, name)
    return ending_of(rater, completion_reach(rater=rater)).how


def note(campaign: models.Campaign, name: str, status: str, at: Any = None, visit: str | None = None) -> bool:
    said = Submission(f"visit-{name}" if visit is None else visit, name, status)
    return submission_note(campaign=campaign, said=said, at=at or database_now())


@pytest.mark.parametrize(("status", "ending"), [("RETURNED", "returned"), ("TIMED-OUT", "timed_out")])
def test_who_left_gives_their_places_back(prolific: Prolific, status: str, ending: str) -> None:
    campaign = recruited()
    participant(campaign, "ann", screens=2)
    participant(campaign, "bea", screens=1)
    prolific.says("ann", status)
    prolific.says("bea", "ACTIVE")
    prolific.says("stranger", "RETURNED")
    assert taken(campaign) == 4, "ann's two and the one that is open, bea's one, which leaves none to open"
    assert recruiting_sync(campaign=campaign) == (3, 1)
    assert how(campaign, "ann") == ending
    assert taken(campaign) == 1
    assert how(campaign, "bea") == "completed"
    assert recruiting_sync(campaign=campaign) == (3, 0), "said again it does nothing"
    assert taken(campaign) == 1
    assert {auth for _, auth in prolific.asked} == {f"Token {TOKEN}"}
    assert prolific.asked[1][0].endswith("?page=2"), "a page has two of them"


def test_who_is_done_loses_nothing_and_comes_in_again_after_a_time_out(prolific: Prolific) -> None:
    campaign = recruited(minimum_answers=2)
    participant(campaign, "ann", screens=3)
    for status in ("RESERVED", "ACTIVE", "AWAITING REVIEW", "APPROVED", "PROCESSING", "SCREENED OUT"):
        prolific.says("ann", status)
        assert recruiting_sync(campaign=campaign).changed == 0
        assert how(campaign, "ann") == "completed"
    prolific.says("ann", "TIMED-OUT")
    recruiting_sync(campaign=campaign)
    assert (how(campaign, "ann"), taken(campaign)) == ("timed_out", 0)
    prolific.says("ann", "APPROVED")
    assert recruiting_sync(campaign=campaign).changed == 1
    assert (how(campaign, "ann"), taken(campaign)) == ("completed", 3)
    assert fresh(campaign, "ann").excluded_at is None
    assert models.Rating.objects.counting(campaign).count() == 3


def test_what_is_late_or_of_another_visit_or_person_changes_nothing() -> None:
    campaign = recruited()
    participant(campaign, "ann", screens=1)
    before, now = database_now() - timedelta(minutes=1), database_now()
    assert not note(campaign, "ann", "AWAITING REVIEW", at=now)
    assert not note(campaign, "ann", "RETURNED", at=before), "said before something newer that is known"
    assert not note(campaign, "ann", "RETURNED", visit="an-earlier-visit")
    assert not note(campaign, "bea", "RETURNED", visit="visit-ann"), "of somebody else"
    assert taken(campaign) == 2, "one answered, one open"
    assert note(campaign, "ann", "RETURNED")
    assert taken(campaign) == 0


def writes(asked: CaptureQueriesContext) -> list[str]:
    verbs = ("UPDATE", "INSERT", "DELETE")
    return [query["sql"] for query in asked.captured_queries if query["sql"].startswith(verbs)]


def test_a_poll_writes_what_changed_alone(prolific: Prolific) -> None:
    campaign = recruited()
    names = [f"p{number}" for number in range(500)]
    raters = [models.Rater(campaign=campaign, outside_id=name, session_hash=name) for name in names]
    models.Participation.objects.bulk_create(
        models.Participation(campaign=campaign, rater=rater, participant=name, submission=f"visit-{name}")
        for name, rater in zip(names, models.Rater.objects.bulk_create(raters), strict=True)
    )
    prolific.page_size = 100
    for name in names:
        prolific.says(name, "ACTIVE")
    recruiting_sync(campaign=campaign)
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            assert recruiting_sync(campaign=campaign) == (500, 0)
        assert len(writes(asked)) == 1, "that they were asked for"
        assert len(asked) < 10
    prolific.says("p7", "AWAITING REVIEW")
    with CaptureQueriesContext(connection) as asked:
        recruiting_sync(campaign=campaign)
    assert len(writes(asked)) == 2
    assert fresh(campaign, "p7").participation.status == "AWAITING REVIEW"


@pytest.mark.parametrize("status", ["ACTIVE", "APPROVED"])
def test_a_poll_that_wrote_nothing_of_a_submission_is_newer_than_what_was_said_before_it(status: str) -> None:
    campaign = recruited()
    participant(campaign, "ann", screens=1)
    moment = database_now()
    for seconds in (0, 20):
        said = [Submission("visit-ann", "ann", status)]
        assert submissions_note(campaign=campaign, said=said, at=moment + timedelta(seconds=seconds)) == 0
    assert not note(campaign, "ann", "TIMED-OUT", at=moment + timedelta(seconds=10))
    assert how(campaign, "ann") == "completed"
    assert fresh(campaign, "ann").participation.status == status
    assert note(campaign, "ann", "TIMED-OUT", at=moment + timedelta(seconds=21))


@pytest.mark.parametrize(
    ("event", "kept"),
    [("AWAITING_REVIEW", "AWAITING REVIEW"), ("TIMED_OUT", "TIMED-OUT"), ("timed-out", "TIMED-OUT")],
)
def test_a_status_is_the_same_however_it_is_spelt(event: str, kept: str) -> None:
    campaign = recruited()
    participant(campaign, "ann", screens=1)
    assert note(campaign, "ann", event) == (kept == "TIMED-OUT")
    assert fresh(campaign, "ann").participation.status == kept


def test_what_was_said_again_is_newer_than_what_was_said_before_that() -> None:
    campaign = recruited()
    participant(campaign, "ann", screens=1)
    moment = database_now()
    for later in (0, 20):
        note(campaign, "ann", "APPROVED", at=moment + timedelta(seconds=later))
    assert not note(campaign, "ann", "TIMED-OUT", at=moment + timedelta(seconds=10))


def test_without_a_submission_in_the_link_the_participant_is_known_by_their_id() -> None:
    campaign = recruited()
    participant(campaign, "ann", screens=1, visit="")
    assert note(campaign, "ann", "RETURNED", visit="any")
    assert how(campaign, "ann") == "returned"


def test_after_the_close_only_the_status_is_kept(prolific: Prolific) -> None:
    campaign = recruited()
    participant(campaign, "ann", screens=2)
    campaign_close(campaign=campaign)
    prolific.says("ann", "RETURNED")
    assert recruiting_sync(campaign=campaign) == (1, 0)
    rater = fresh(campaign, "ann")
    assert rater.participation.status == "RETURNED"
    assert (rater.replaced, models.Rating.objects.counting(campaign).count()) == (False, 2)


def test_what_the_researcher_or_the_rater_did_stays() -> None:
    campaign = recruited(captions=12)
    for name in ("excluded", "stopped", "withdrew", "readmitted"):
        participant(campaign, name, screens=2)
    rater_exclude(rater=fresh(campaign, "excluded"), reason="read nothing")
    rater_stop(rater=fresh(campaign, "stopped"), rule="too_fast", reason="answered too fast")
    rater_withdraw(rater=fresh(campaign, "withdrew"))
    assert taken(campaign) == 6
    for name in ("excluded", "stopped", "withdrew", "readmitted"):
        note(campaign, name, "TIMED-OUT")
    assert [how(campaign, name) for name in ("excluded", "stopped", "withdrew")] == [
        "timed_out", "timed_out", "withdrawn",
    ]  # fmt: skip
    assert fresh(campaign, "excluded").exclusion == "read nothing"
    assert taken(campaign) == 0
    rater_readmit(rater=fresh(campaign, "readmitted"))
    note(campaign, "readmitted", "TIMED-OUT")
    assert how(campaign, "readmitted") == "completed", "what was known then does not end it again"
    for name in ("excluded", "stopped", "withdrew"):
        note(campaign, name, "APPROVED")
    assert how(campaign, "stopped") == "screened_out"
    assert how(campaign, "withdrew") == "withdrawn"
    assert fresh(campaign, "excluded").exclusion == "read nothing"
    assert taken(campaign) == 4, "who was excluded holds their screens as before their time ran out"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("down", "answered with status 503"), ("busy", "answered with status 429"), ("moved", "with status 302"),
        ("hang up", "cannot be reached"), ("cut", "what is no JSON"), ("list", "other than a list of submissions"),
        ("odd", "without id, participant_id or status"), ("elsewhere", "goes on at another site"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_changes_nothing_and_is_said_in_a_line(prolific: Prolific, fault: str, said: str) -> None:
    campaign = recruited()
    participant(campaign, "ann", screens=1)
    prolific.says("ann", "RETURNED")
    prolific.faults = [fault]
    with pytest.raises(CommandError, match=said) as caught:
        call_command("recruiting_sync", campaign.name)
    assert TOKEN not in str(caught.value)
    assert taken(campaign) == 2
    call_command("recruiting_sync", campaign.name)
    assert taken(campaign) == 0, "asked again it is heard"


def test_a_wrong_token_a_wrong_study_and_a_campaign_without_one_are_said(prolific: Prolific, settings: Any) -> None:
    campaign = recruited()
    settings.PROLIFIC_TOKEN = "another"
    with pytest.raises(CommandError, match="refused the token"):
        call_command("recruiting_sync", campaign.name)
    settings.PROLIFIC_TOKEN = ""
    with pytest.raises(CommandError, match="set PROLIFIC_TOKEN"):
        call_command("recruiting_sync", campaign.name)
    settings.PROLIFIC_TOKEN = TOKEN
    other = recruited(recruiting=DECLARED | {"study": "unknown"}, texts=OTHERS)
    with pytest.raises(CommandError, match="knows no such study"):
        call_command("recruiting_sync", other.name)
    with pytest.raises(CommandError, match="declares no study on Prolific"):
        call_command("recruiting_sync", make_campaign(texts={"third": lambda n: f"text {n}"}).campaign.name)


def test_one_service_that_is_down_keeps_no_other_campaign_waiting(prolific: Prolific) -> None:
    first, second = recruited(), recruited(texts=OTHERS)
    participant(second, "ann", screens=1)
    prolific.says("ann", "RETURNED")
    prolific.faults = ["down"]
    assert not recruiting_round()
    assert (taken(first), taken(second)) == (0, 0)


def test_the_token_is_in_no_row_and_no_log(prolific: Prolific, caplog: pytest.LogCaptureFixture) -> None:
    campaign = recruited()
    participant(campaign, "ann")
    prolific.says("ann", "ACTIVE")
    prolific.faults = ["down"]
    recruiting_round()
    recruiting_round()
    assert TOKEN not in caplog.text
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            assert TOKEN not in str(cursor.fetchall())


@pytest.mark.django_db(transaction=True)
def test_beside_the_sweeper_a_place_is_free_within_a_minute(prolific: Prolific, settings: Any) -> None:
    """At the default interval, though the first time the service does not answer."""
    asking = Asking(threading.Event())
    waited = asking.interval + TIMEOUT_SECONDS
    asking.failures = 1
    assert waited + asking.interval <= 60
    settings.RECRUITING_POLL_SECONDS = 0.05
    campaign = recruited()
    participant(campaign, "ann", screens=2)
    prolific.says("ann", "RETURNED")
    prolific.faults = ["down"]
    stop = threading.Event()
    asking = Asking(stop)
    asking.start()
    for _ in range(400):
        if taken(campaign) == 0:
            break
        stop.wait(0.05)
    stop.set()
    asking.join(timeout=10)
    assert taken(campaign) == 0
    assert how(campaign, "ann") == "returned"
    assert submissions_of(STUDY) == [Submission("visit-ann", "ann", "RETURNED")]


def test_of_two_submissions_of_one_person_the_one_that_goes_on_is_theirs(prolific: Prolific) -> None:
    campaign = recruited()
    participant(campaign, "ann", screens=1, visit="")
    prolific.submissions["old"] = {"id": "old", "participant_id": "ann", "status": "RETURNED"}
    prolific.submissions["new"] = {"id": "new", "participant_id": "ann", "status": "ACTIVE"}
    for _ in range(3):
        recruiting_sync(campaign=campaign)
        assert how(campaign, "ann") == "completed"  # by their one answer
    prolific.submissions["new"]["status"] = "RETURNED"
    recruiting_sync(campaign=campaign)
    assert how(campaign, "ann") == "returned"


def test_a_token_that_cannot_be_one_is_refused_and_not_repeated(settings: Any) -> None:
    settings.PROLIFIC_TOKEN = "a secret\n"
    with pytest.raises(ProlificError, match="characters that no token has") as error:
        submissions_of(STUDY)
    assert "secret" not in str(error.value)
