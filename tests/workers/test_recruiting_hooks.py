"""What Prolific sends of its own accord: signed, twice, late, in any order, of others; and polls beside it."""

import base64
import hashlib
import hmac
import json
import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from annotations import models
from annotations.campaigns.payments import payments_of
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.endings import ending_of
from annotations.campaigns.services.raters import completion_reach
from annotations.campaigns.services.submissions import ENDS, Submission, submissions_note
from annotations.storage.clock import database_now
from tests.workers.test_recruiting_sync import DECLARED, OTHERS, fresh, how, note, participant, recruited, taken
from workers.hooks import MAX_AGE, MAX_AHEAD, MAX_EVENT_BYTES, signature_of

pytestmark = pytest.mark.django_db

HOOK, SECRET = "/api/v1/recruiting/prolific/hook", "a-hook-secret"


@pytest.fixture(autouse=True)
def _secret(settings: Any) -> None:
    settings.PROLIFIC_HOOK_SECRET = SECRET


def event(name: str, status: str, **other: Any) -> bytes:
    said = {"resource_id": f"visit-{name}", "event_type": "submission.status.change", "participant_id": name}
    return json.dumps(said | {"status": status} | other).encode()


def sent(body: bytes, at: datetime | None = None, happened: datetime | None = None, **headers: str) -> Any:
    """Signed as Prolific's reference says."""
    timestamp = str(int((at or database_now()).timestamp()))
    digest = hmac.new(SECRET.encode(), timestamp.encode() + body, hashlib.sha256).digest()
    signed = {
        "X-Prolific-Request-Timestamp": timestamp,
        "X-Prolific-Request-Signature": base64.b64encode(digest).decode(),
        "X-Event-ID": "event-1",
    }
    if happened:
        signed["X-Timestamp"] = str(int(happened.timestamp()))
    client = Client(enforce_csrf_checks=True)
    return client.post(HOOK, body, content_type="application/json", headers=signed | headers)


@pytest.mark.pure
def test_the_signature_is_the_one_that_openssl_makes() -> None:
    """printf TIMESTAMP_AND_BODY | openssl dgst -sha256 -hmac SECRET -binary | base64"""
    body = b'{"resource_id":"v1","event_type":"submission.status.change","participant_id":"p1","status":"RETURNED"}'
    assert signature_of(SECRET, "1767614400", body) == b"VoszCybmAh+G2H02dQv5U2bW6zoHIFidjZILQ9zmkaQ="


def test_who_returned_the_study_gives_their_places_back_at_once_and_once() -> None:
    campaign = recruited()
    participant(campaign, "ann", screens=2)
    assert taken(campaign) == 3
    for _ in range(2):
        answer = sent(event("ann", "RETURNED"))
        assert (answer.status_code, answer.content) == (204, b"")
        assert (how(campaign, "ann"), taken(campaign)) == ("returned", 0)
    assert not note(campaign, "ann", "RETURNED"), "a poll that says the same changes nothing"


def test_what_is_late_or_out_of_order_undoes_nothing_newer() -> None:
    campaign = recruited(minimum_answers=1)
    participant(campaign, "ann", screens=1)
    now = database_now()
    moments = [now - timedelta(seconds=seconds) for seconds in (300, 200, 100)]
    assert sent(event("ann", "AWAITING_REVIEW"), at=moments[1]).status_code == 204
    assert fresh(campaign, "ann").participation.status == "AWAITING REVIEW"
    assert sent(event("ann", "TIMED-OUT"), at=moments[0]).status_code == 204
    assert how(campaign, "ann") == "completed"
    again = sent(event("ann", "TIMED-OUT"), at=now, happened=moments[0])
    assert again.status_code == 204, "sent again, signed anew"
    assert how(campaign, "ann") == "completed"
    submissions_note(campaign=campaign, said=[Submission("visit-ann", "ann", "AWAITING REVIEW")], at=moments[2])
    assert sent(event("ann", "RETURNED"), at=moments[2] - timedelta(seconds=50)).status_code == 204
    assert how(campaign, "ann") == "completed", "a poll was newer"
    assert sent(event("ann", "RETURNED"), at=now).status_code == 204
    assert how(campaign, "ann") == "returned"


def test_a_clock_that_goes_fast_keeps_no_poll_from_being_heard() -> None:
    campaign = recruited()
    participant(campaign, "ann", screens=1)
    sent(event("ann", "ACTIVE"), at=database_now() + MAX_AHEAD / 2, happened=database_now() + timedelta(days=1))
    assert note(campaign, "ann", "RETURNED", at=database_now() + timedelta(milliseconds=5))


@pytest.mark.parametrize(
    "body",
    [
        event("stranger", "RETURNED"),
        event("ann", "RETURNED", resource_id="of-another-study"),
        event("ann", "RETURNED", participant_id="bea"),
        event("cem", "RETURNED"),
        event("ann", "RETURNED", event_type="study.status.change"),
        event("ann", "A STATUS OF NEXT YEAR " * 20),
        event("ann\0\ud800", "RETURNED\0"),
        event("ann", "ACTIVE", metadata={"new": [1, 2]}),
    ],
)
def test_what_is_not_about_a_rater_of_ours_is_taken_and_changes_nothing(body: bytes) -> None:
    campaign = recruited()
    participant(campaign, "ann", screens=1)
    participant(campaign, "cem", visit="")  # whose submission is not known: the event may be of another study
    link = recruited(recruiting=DECLARED | {"service": "mturk", "study": "HIT"}, texts=OTHERS)
    models.Participation.objects.create(
        campaign=link, participant="ann", submission="visit-ann", declined_at=database_now(), no_consent_code="X"
    )
    before = taken(campaign)
    for _ in range(2):
        assert sent(body).status_code == 204
    assert taken(campaign) == before
    assert not models.Rater.objects.exclude(ended_by="").exists()
    assert models.Participation.objects.get(campaign=link).status == ""


def test_after_the_close_only_the_status_is_kept() -> None:
    campaign = recruited()
    participant(campaign, "ann", screens=1)
    campaign_close(campaign=campaign)
    assert sent(event("ann", "RETURNED")).status_code == 204
    rater = fresh(campaign, "ann")
    assert (rater.participation.status, rater.replaced) == ("RETURNED", False)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Prolific-Request-Signature": ""}, 403),
        ({"X-Prolific-Request-Signature": "Zm9yZ2Vk"}, 403),
        ({"X-Prolific-Request-Signature": "\u00fc"}, 403),
        ({"X-Prolific-Request-Timestamp": ""}, 403),
        ({"X-Prolific-Request-Timestamp": "1767614400"}, 403),  # another than was signed
        ({"X-Prolific-Request-Timestamp": "now"}, 403),
    ],
)
def test_what_is_forged_is_refused(headers: dict[str, str], status: int) -> None:
    campaign = recruited()
    participant(campaign, "ann", screens=1)
    answer = sent(event("ann", "RETURNED"), **headers)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert SECRET not in answer.content.decode()
    assert taken(campaign) == 2


@pytest.mark.parametrize("off", [-MAX_AGE - timedelta(minutes=1), MAX_AHEAD + timedelta(minutes=1)])
def test_what_was_signed_long_ago_or_is_still_to_come_is_refused(off: timedelta) -> None:
    campaign = recruited()
    participant(campaign, "ann", screens=1)
    assert sent(event("ann", "RETURNED"), at=database_now() + off).status_code == 403
    assert taken(campaign) == 2
    inwards = timedelta(minutes=2) if off < timedelta(0) else -timedelta(minutes=2)
    assert sent(event("ann", "RETURNED"), at=database_now() + off + inwards).status_code == 204
    assert taken(campaign) == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"[]", 400), (b"{}", 400), (b"\xff\xfe", 400), (b"null", 400),
        (b'{"event_type": 5}', 400), (b"[" * 10_000, 400), (event("ann", ""), 400),
        (event("ann", "RETURNED", participant_id=None), 400), (event("ann", "RETURNED", resource_id=["v"]), 400),
        (event("ann", "R" * (1 << 20)), 413), (b" " * (MAX_EVENT_BYTES + 1), 413),
    ],
)  # fmt: skip
def test_what_is_malformed_is_refused(body: bytes, status: int) -> None:
    assert sent(body).status_code == status


def test_without_a_secret_there_is_no_such_address(settings: Any) -> None:
    settings.PROLIFIC_HOOK_SECRET = ""
    assert sent(event("ann", "RETURNED")).status_code == 404
    assert Client().get(HOOK).status_code == 404
    settings.PROLIFIC_HOOK_SECRET = SECRET
    assert Client().get(HOOK).status_code == 405


WAYS = [
    ["ACTIVE", "AWAITING REVIEW", "APPROVED"], ["ACTIVE", "RETURNED"], ["ACTIVE", "TIMED-OUT"],
    ["ACTIVE", "TIMED-OUT", "AWAITING REVIEW", "APPROVED"], ["ACTIVE", "AWAITING REVIEW", "RETURNED"],
]  # fmt: skip


@pytest.mark.parametrize("seed", range(25))
def test_replayed_with_losses_doubles_and_delays_no_place_is_lost_and_nobody_is_paid_twice(seed: int) -> None:
    """Each participant goes through Prolific's states. Its events arrive late, twice, in any order or never, and are
    signed anew or not where they are sent again; polls in between are answered late or not at all, but for the last."""
    draw = random.Random(seed)
    campaign = recruited(captions=12, overlap=2, screens_per_rater=4, minimum_answers=4)
    went = {f"p{number}": draw.choice(WAYS) for number in range(5)}
    for name in went:
        participant(campaign, name, screens=draw.randint(0, 4))
    begins = database_now().replace(microsecond=0) - timedelta(hours=1)

    def after(steps: float) -> datetime:
        return begins + timedelta(seconds=10 * steps)

    def status_at(name: str, steps: float) -> str:
        return went[name][min(int(steps), len(went[name]) - 1)]

    said: list[tuple[float, str, float]] = []  # when it arrives, of whom, and when it was so
    for name, way in went.items():
        for step in range(len(way)):
            said += [(step + draw.uniform(0, 6), name, step) for _ in range(draw.choice([0, 1, 1, 2, 3]))]
    said += [(step + draw.uniform(0, 3), "", step) for step in (0.5, 1.5, 2.5, 3.5) if draw.random() < 0.6]
    known: dict[str, tuple[float, str]] = {}
    for arrives, name, step in [*sorted(said), (99.0, "", 50.0)]:
        if name:
            signed = after(draw.choice([step, min(arrives, 49)]))
            assert sent(event(name, status_at(name, step)), at=signed, happened=after(step)).status_code == 204
        else:
            listed = [Submission(f"visit-{each}", each, status_at(each, step)) for each in went]
            submissions_note(campaign=campaign, said=sorted(listed, key=lambda row: row.status in ENDS), at=after(step))
        for each in [name] if name else went:
            known[each] = max(known.get(each, (-1.0, "")), (step, status_at(each, step)))
            assert fresh(campaign, each).participation.status == known[each][1], "the newest that was heard"
        holding = models.Assignment.objects.filter(state__in=["open", "done"], place_given_back=False)
        for item in campaign.items.all():
            assert item.taken == holding.filter(item=item).count(), "as many places are taken as are held"
    for name, way in went.items():
        rater = fresh(campaign, name)
        left = way[-1] in ("RETURNED", "TIMED-OUT")
        assert (rater.ended_by != "") == left == rater.replaced
        assert not (left and rater.assignments.filter(place_given_back=False, state__in=["open", "done"]).exists())
        ending = ending_of(rater, completion_reach(rater=rater))
        assert ending.code in ((None,) if left else (None, "C0MPLETE"))
    rows = {row.outside_id: row for row in payments_of(campaign)}
    assert sorted(rows) == sorted(went), "each is there once"
    for name, way in went.items():
        if way[-1] != "APPROVED":
            assert rows[name].pay == 0.0
        elif fresh(campaign, name).assignments.filter(state="done").count() == 4:
            assert rows[name].pay == 3.0
