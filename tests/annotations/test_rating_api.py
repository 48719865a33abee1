"""The rater API: what is written once stays written once, and every refusal says why."""

import json
import re
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotations import models
from annotations.campaigns.links import rater_link
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.leases import leases_release_expired
from tests.annotations.many_items import grow
from tests.annotations.raters import Rater, new_key
from tests.annotations.reports import report_build
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db


def problem(answer: Any, status: int) -> str:
    """The detail of a problem, which begins with its field where it has one."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert set(body) - {"field"} == {"type", "title", "status", "detail"}
    assert body["status"] == status
    detail, field = str(body["detail"]), body.get("field")
    assert field is None or detail.startswith(f"{field}: ")
    return detail


def field_of(answer: Any) -> str | None:
    field: str | None = answer.json().get("field")
    return field


def test_points_of_a_scale_are_whole_and_within_it() -> None:
    campaign = make_campaign(protocol="likert", points=7, captions=3).campaign
    rater = Rater(campaign)
    assert rater.post(f"{campaign.token}/join", {}).json()["campaign"]["scale"] == [1, 7]
    screen = rater.next()
    for point, problem_with in ((8, "8 must be a whole number from 1 to 7"), (2.5, "2.5 must"), (True, "true must")):
        answers = {"human_likeness": {each["id"]: point for each in screen["item"]["candidates"]}}
        assert problem_with.lower() in problem(rater.submit(screen, answers=answers), 422).lower()
    assert not models.Rating.objects.exists()
    answers = {"human_likeness": {each["id"]: 7 for each in screen["item"]["candidates"]}}
    assert rater.submit(screen, answers=answers).status_code == 201
    campaign_close(campaign=campaign)
    report = report_build(campaign)
    assert (report["campaign"]["scale"], report["criteria"]["human_likeness"]["agreement"]["level"]) == (
        [1, 7],
        "ordinal",
    )


def test_a_rater_rates_everything_once() -> None:
    campaign = make_campaign(criteria=["human_likeness", "fluency"]).campaign
    rater, screen, seen = Rater(campaign), None, []
    screen = rater.next()
    while screen:
        assert rater.next()["assignment"] == screen["assignment"], "reloading changes nothing"
        assert screen["progress"] == {"done": len(seen), "total": 6}
        assert screen["item"]["source"].startswith("a picture of thing")
        assert len(screen["item"]["candidates"]) == 3
        seen.append(screen["item"]["source"])
        answer = rater.submit(screen)
        assert answer.status_code == 201
        screen = answer.json()["next"]
    assert len(set(seen)) == 6
    assert rater.next() is None
    assert models.Rating.objects.counting(campaign).count() == 6
    stored = models.Rating.objects.first()
    assert stored is not None
    assert set(stored.answers) == {"human_likeness", "fluency"}
    assert stored.seconds == 3.5


def test_no_item_is_taken_more_often_than_the_overlap() -> None:
    campaign = make_campaign(captions=3, overlap=2).campaign
    raters = [Rater(campaign) for _ in range(3)]
    for rater in raters[:2]:
        screen = rater.next()
        while screen:
            screen = rater.submit(screen).json()["next"]
    assert raters[2].next() is None
    assert set(campaign.items.values_list("taken", flat=True)) == {2}


def test_while_only_others_leases_are_open_there_is_a_wait() -> None:
    campaign = make_campaign(captions=1, overlap=1).campaign
    first, second = Rater(campaign), Rater(campaign)
    screen = first.next()
    assert 1 <= second.next()["wait"] <= 30
    models.Assignment.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    taken_over = second.next()
    assert taken_over["item"]["source"] == screen["item"]["source"]
    assert "has expired, and others have taken its place" in problem(first.submit(screen), 410)
    assert second.submit(taken_over).json()["next"] is None
    assert first.next() is None


def test_the_same_key_gives_the_same_rating() -> None:
    campaign = make_campaign().campaign
    rater = Rater(campaign)
    screen, key = rater.next(), new_key()
    first, second = rater.submit(screen, key), rater.submit(screen, key)
    assert first.json()["rating"] == second.json()["rating"] == key
    assert first.json()["next"]["assignment"] == second.json()["next"]["assignment"]
    assert models.Rating.objects.count() == 1
    assert "was already used with another body" in problem(rater.submit(screen, key, rater.answers(screen, 10)), 422)
    assert "already done, under another key" in problem(rater.submit(screen), 409)
    following = rater.next()
    assert "was already used with another body" in problem(rater.submit(following, key), 422)
    assert models.Rating.objects.count() == 1


def test_a_skipped_item_goes_to_somebody_else_and_not_back() -> None:
    campaign = make_campaign(captions=2, overlap=1).campaign
    rater = Rater(campaign)
    skipped, key = rater.next(), new_key()
    other = rater.skip(skipped, key).json()["next"]
    assert rater.skip(skipped, key).status_code == 201
    assert other["item"]["source"] != skipped["item"]["source"]
    assert other["progress"]["done"] == 0
    assert rater.submit(other).json()["next"] is None
    assert Rater(campaign).next()["item"]["source"] == skipped["item"]["source"]
    assert models.Rating.objects.counting(campaign).count() == 1


def test_undo_brings_the_screen_back_and_keeps_every_revision() -> None:
    campaign = make_campaign().campaign
    rater = Rater(campaign)
    screen = rater.next()
    rating = rater.submit(screen).json()["rating"]
    key = new_key()
    back = rater.undo(rating, key).json()
    assert back["next"]["assignment"] == screen["assignment"]
    assert back["next"]["item"] == screen["item"], "the same order"
    assert back["next"]["progress"]["done"] == 0
    assert rater.undo(rating, key).json()["rating"] == key
    assert models.Rating.objects.counting(campaign).count() == 0
    assert "already been withdrawn or replaced" in problem(rater.undo(rating), 409)
    again = rater.submit(screen, answers=rater.answers(screen, 80))
    assert again.status_code == 201
    assert list(models.Rating.objects.values_list("revision", "kind")) == [
        (1, "answer"),
        (2, "withdrawn"),
        (3, "answer"),
    ]
    counting = models.Rating.objects.counting(campaign).get()
    assert min(counting.answers["human_likeness"].values()) == 80
    assert "already been withdrawn or replaced" in problem(rater.undo(rating), 409)
    assert set(campaign.items.values_list("taken", flat=True)) == {0, 1}


def test_a_skip_can_be_undone_while_its_place_is_free() -> None:
    campaign = make_campaign(captions=1, overlap=1).campaign
    rater = Rater(campaign)
    screen = rater.next()
    skip = rater.skip(screen).json()["rating"]
    assert rater.undo(skip).json()["next"]["assignment"] == screen["assignment"]
    skip = rater.skip(screen).json()["rating"]
    other = Rater(campaign)
    other.submit(other.next())
    assert "needs no more ratings" in problem(rater.undo(skip), 409)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda given: given["human_likeness"].popitem(),
            r"answers\.human_likeness\..*: not answered; the candid",
        ),
        (lambda given: given.clear(), r"answers\.human_likeness: not answered; the criteria are"),
        (lambda given: given.update(charm={}), r"answers\.charm: is not one of the criteria, which are human_likeness"),
        (lambda given: given.update(human_likeness=[50]), r"answers\.human_likeness: must be an object"),
        (lambda given: spoil_value(given, 100.5), "100.5 must be a number from 0 to 100"),
        (lambda given: spoil_value(given, True), "True must be a number from 0 to 100"),
        (lambda given: spoil_value(given, "50"), "'50' must be a number from 0 to 100"),
    ],
)
def test_a_wrong_answer_is_refused_and_nothing_is_lost(spoil: Any, message: str) -> None:
    campaign = make_campaign().campaign
    rater = Rater(campaign)
    screen = rater.next()
    answers = rater.answers(screen)
    spoil(answers)
    body = {"key": new_key(), "answers": answers}
    refused = rater.post(f"assignments/{screen['assignment']}", body)
    assert re.search(message, problem(refused, 422))
    assert str(field_of(refused)).startswith("answers.")
    assert rater.next()["assignment"] == screen["assignment"]
    assert rater.submit(screen, body["key"]).status_code == 201


def spoil_value(given: dict[str, Any], value: Any) -> None:
    given["human_likeness"][next(iter(given["human_likeness"]))] = value


def test_requests_that_make_no_sense_are_refused() -> None:
    campaign = make_campaign().campaign
    rater, stranger = Rater(campaign), Rater(campaign)
    screen = rater.next()
    assert "no such assignment" in problem(stranger.submit(screen), 404)
    assert "key: " in problem(rater.post(f"assignments/{screen['assignment']}", {"answers": {}}), 422)
    assert "Must be a valid UUID" in problem(rater.post(f"assignments/{screen['assignment']}/skip", {"key": "x"}), 422)
    seconds = {"key": new_key(), "answers": rater.answers(screen), "seconds": -1}
    assert "seconds: " in problem(rater.post(f"assignments/{screen['assignment']}", seconds), 422)
    rating = rater.submit(screen).json()["rating"]
    assert "no such rating" in problem(stranger.undo(rating), 404)
    problem(rater.client.post("/api/v1/rate/next", "{", content_type="application/json"), 401)
    rater.session = "made-up"
    assert "join again" in problem(rater.post("next"), 401)
    problem(rater.client.get("/api/v1/rate/next"), 401)
    assert "no campaign has this link" in problem(rater.post("nothing/join"), 404)


def test_a_problem_names_the_part_of_the_request_that_is_wrong() -> None:
    campaign = make_campaign().campaign
    rater = Rater(campaign, "worker 7")
    screen, join, action = rater.next(), f"{campaign.token}/join", f"assignments/{rater.next()['assignment']}"
    answers = rater.answers(screen)
    wrong = {
        "key": rater.post(action, {"answers": answers}),
        "seconds": rater.post(action, {"key": new_key(), "answers": answers, "seconds": -1}),
        "answers.fluency": rater.post(action, {"key": new_key(), "answers": {**answers, "fluency": 3}}),
        "signature": rater.post(join, {"rater": "worker 8", "signature": "x"}),
    }
    rater.session = ""
    wrong["rater"] = rater.post(join, {"rater": "worker 7"})
    assert {field: field_of(answer) for field, answer in wrong.items()} == {field: field for field in wrong}
    assert field_of(rater.post("nothing/join")) is None
    assert field_of(rater.client.post(f"/api/v1/rate/{join}", "[]", content_type="application/json")) is None


def test_a_closed_campaign_takes_nothing_more() -> None:
    campaign = make_campaign().campaign
    rater = Rater(campaign)
    done, key = rater.next(), new_key()
    left = rater.submit(done, key).json()["next"]
    campaign_close(campaign=campaign)
    for answer in (rater.post("next"), rater.submit(left), rater.skip(left), rater.undo(key)):
        assert "the campaign is closed" in problem(answer, 409)
    assert "the campaign is closed" in problem(rater.post(f"{campaign.token}/join"), 409)
    assert models.Rating.objects.counting(campaign).count() == 1


@pytest.mark.parametrize("state", ["closed", "paused"])
def test_a_reply_that_was_lost_before_a_close_is_given_again(state: str) -> None:
    campaign = make_campaign().campaign
    rater = Rater(campaign)
    screen, key, skip_key = rater.next(), new_key(), new_key()
    skipped = rater.submit(screen, key).json()["next"]
    assert rater.skip(skipped, skip_key).json()["next"]
    models.Campaign.objects.update(state=state)
    for again, same in ((rater.submit(screen, key), key), (rater.skip(skipped, skip_key), skip_key)):
        assert (again.status_code, again.json()) == (201, {"rating": same, "next": None})
    assert f"the campaign is {state}" in problem(rater.submit(screen), 409)


def test_an_outside_id_is_its_raters_own() -> None:
    campaign = make_campaign().campaign
    rater = Rater(campaign, "worker 7")
    screen = rater.next()
    join = f"{campaign.token}/join"
    own = rater.session
    rater.session = ""
    assert "has already joined" in problem(rater.post(join, {"rater": "worker 7"}), 403)
    assert "does not belong" in problem(rater.post(join, {"rater": "worker 7", "signature": "x"}), 403)
    signature = rater_link(campaign, "worker 7").rpartition("signature=")[2]
    back = rater.post(join, {"rater": "worker 7", "signature": signature})
    assert back.status_code == 201
    assert "does not belong" in problem(rater.post(join, {"rater": "worker 8", "signature": signature}), 403)
    rater.session = own
    problem(rater.post("next"), 401)
    rater.session = back.json()["session"]
    assert rater.next()["assignment"] == screen["assignment"]
    again = rater.post(join, {"rater": "worker 7"})
    assert again.status_code == 201, "with the session no link is needed"
    assert campaign.raters.count() == 1


def test_leases_end_and_the_same_rater_may_come_back() -> None:
    campaign = make_campaign(captions=1, overlap=1).campaign
    rater = Rater(campaign)
    screen = rater.next()
    models.Assignment.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert leases_release_expired() == 1
    assert leases_release_expired() == 0
    assert set(campaign.items.values_list("taken", flat=True)) == {0}
    back = rater.next()
    assert back["assignment"] == screen["assignment"]
    assert rater.submit(back).status_code == 201


def test_nothing_a_rater_gets_tells_who_wrote_what() -> None:
    """Systems under names that occur nowhere else; everything that is sent is searched for them and for row ids."""
    canaries = {"qqlstm": lambda n: "we had fun .", "wwgru": lambda n: f"we saw thing {n}"}
    campaign = make_campaign(texts=canaries, name="zzcampaign").campaign
    rater, sent = Rater(campaign), []
    screen = rater.next()
    while screen:
        sent.append(json.dumps(screen))
        answer = rater.submit(screen)
        sent += [answer.content.decode(), json.dumps(dict(answer.headers))]
        screen = answer.json()["next"]
    everything = " ".join(sent)
    for word in ("qqlstm", "wwgru", "zzcampaign", 'human"', "evaluation", "system", "decoding"):
        assert word not in everything
    assert not re.search(r'"id": ?\d', everything), "a running number"
    assert set(json.loads(sent[0])["item"]["candidates"][0]) == {"id", "text"}


def test_every_system_stands_equally_often_at_every_place() -> None:
    campaign = make_campaign(captions=6, overlap=3).campaign
    rows = models.CandidateOutput.objects.values_list("candidate__public_id", "output__decoding__system__name")
    wrote = {str(public_id): system for public_id, system in rows}
    for rater in [Rater(campaign) for _ in range(3)]:
        screen, stood = rater.next(), Counter[tuple[str, int]]()
        while screen:
            stood.update((wrote[each["id"]], place) for place, each in enumerate(screen["item"]["candidates"]))
            screen = rater.submit(screen).json()["next"]
        assert stood == {(system, place): 2 for system in ("human", "lstm", "gru") for place in range(3)}


@pytest.mark.once
def test_a_round_costs_the_same_few_queries_however_many_items() -> None:
    campaign = make_campaign(captions=5).campaign
    rater, counts = Rater(campaign), []
    for items in (5, 1_000, 20_000):
        grow(campaign, items)
        screen = rater.next()
        with CaptureQueriesContext(connection) as queries:
            assert rater.submit(screen).json()["next"]
        aside = r'SAVEPOINT|RELEASE|BEGIN|COMMIT|UPDATE "annotations_assignment" SET "created_at"'
        asked = [row["sql"] for row in queries if not re.match(aside, row["sql"])]
        assert len(asked) <= 8, "\n".join(asked)
        counts.append(len(asked))
    assert len(set(counts)) == 1, counts


BODIES = {
    "nested": (b"[" * 100_000, 400),
    "nested in an answer": (b'{"key": 1, "answers": ' + b"[" * 500 + b"]" * 500 + b"}", 400),
    "a long number": (b'{"rater": ' + b"9" * 5_000 + b"}", 400),
    "too large": (b'{"rater": "' + b"a" * (1 << 20) + b'"}', 413),
    "not UTF-8": (b'{"rater": "\xff"}', 400),
    "NaN": (b'{"rater": NaN}', 400),
    "no JSON": (b"{", 400),
    "half a character": (b'{"rater": "\\ud83d"}', 422),
    "NUL": (b'{"rater": "\\u0000"}', 422),
    "a signature": ('{"rater": "a", "signature": "서명"}'.encode(), 403),
    "a list": (b"[]", 422),
}


@pytest.mark.parametrize("name", BODIES)
def test_whatever_is_sent_is_answered_by_a_problem(name: str) -> None:
    campaign = make_campaign().campaign
    rater, (body, status) = Rater(campaign), BODIES[name]
    paths = [f"{campaign.token}/join"] + ([f"assignments/{new_key()}"] if status in (400, 413) else [])
    for path in paths:
        for charset in ("", "; charset=utf-16", "; charset=rot13"):
            answer = rater.client.generic(
                "POST",
                f"/api/v1/rate/{path}",
                body,
                content_type=f"application/json{charset}",
                headers={"Authorization": f"Rater {rater.session}"},
            )
            problem(answer, status)
