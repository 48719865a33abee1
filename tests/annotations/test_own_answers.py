"""What a rater sent, read again by that rater alone: by page and by program, with any protocol."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotations import models
from annotations.campaigns import answers
from annotations.campaigns.services.campaigns import campaign_close
from annotations.campaigns.services.leases import leases_release_expired
from annotations.campaigns.services.raters import trial_join
from annotations.campaigns.views.joining import TRIALS, cookie_of
from annotations.protocols import shown_here
from annotations.removal.erasing import identities, person_erase
from tests.annotations.raters import Rater, new_key
from tests.annotations.stories import story_campaign
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db
TEXTS: dict[str, Callable[[int], str]] = {
    "gru": lambda n: f"we saw thing {n}",
    "lstm": lambda n: f"thing {n} was what we had",
    "seed": lambda n: f"a good {n} to have",
}
Answered = Callable[[list[str], list[str]], tuple[Any, str]]  # of ids and texts: what is sent, and what the page says


def each_text(texts: list[str], *said: str) -> str:
    lettered = zip("ABCD", texts, [*said, *[""] * (len(texts) - len(said))], strict=False)
    return " ".join(f"{letter} Text {letter}: {text} {words}".strip() for letter, text, words in lettered)


def scored(words: str, *scores: int) -> Answered:
    return lambda ids, texts: (
        dict(zip(ids, scores, strict=True)),
        each_text(texts, *(f"Fluency: {score} {words}" for score in scores)),
    )


def marks(ids: list[str], texts: list[str]) -> tuple[Any, str]:
    mark = {"start": 0, "end": 2, "category": "grammar", "severity": "major"}
    said = each_text(texts, f"“{texts[0][:2]}” : Grammar, Major", "I find nothing wrong in this text")
    return {ids[0]: [mark], ids[1]: []}, said


SAID: dict[str, Answered] = {
    "slider": scored("(0 · hard to read, 100 · reads perfectly)", 0, 73, 20, 100),
    "likert": scored("(1 · hard to read, 5 · reads perfectly)", 4, 1, 2, 5),
    "ranking": lambda ids, texts: (
        [ids[1], [ids[0], ids[3]], ids[2]],
        each_text(texts, *(f"Fluency: {rank} (1 · best, 4 · worst)" for rank in (2, 1, 4, 2))),
    ),
    "pairwise": lambda ids, texts: (
        ids[1], f"{each_text(texts)} Fluency Which is better, more natural language? B",
    ),
    "best_worst": lambda ids, texts: (
        {"best": ids[2], "worst": ids[0]}, f"{each_text(texts)} Fluency: Best C , Worst A",
    ),
    "human_or_machine": lambda ids, texts: (
        {"human": True, "confidence": 2},
        f"Text: {texts[0]} Did a person or a machine write this? probably a person",
    ),
    "which_is_human": lambda ids, texts: (
        {"human": ids[1], "confidence": 3},
        f"{each_text(texts)} Which of these two texts did a person write? definitely B",
    ),
    "edit": lambda ids, texts: (
        {ids[0]: "We went home."}, each_text(texts, "You would have written: We went home."),
    ),
    "error_spans": marks,
}  # fmt: skip


def get(rater: Rater, query: str = "") -> Any:
    headers = {"Authorization": f"Rater {rater.session}"}
    return rater.client.get(f"/api/v1/rate/answers{query}", headers=headers)


def pseudonym(rater: Rater) -> str:
    return str(models.Rater.objects.latest("pk").public_id) if rater.session else ""


class Reader:
    """The page of a rater who joined by a program, in a browser that has their session."""

    def __init__(self, campaign: models.Campaign, session: str, whose: Any, kind: str = "rater") -> None:
        self.client, self.address = Client(), f"/rate/{campaign.token}/answers/?whose={whose}"
        self.client.cookies[cookie_of(kind, campaign.token)] = session

    def page(self, address: str = "") -> Any:
        return self.client.get(address or self.address)

    def words(self) -> str:
        answer = self.page()
        assert answer.status_code == 200, answer.headers
        return words_of(answer.content.decode())


def words_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.partition("<main")[2].partition(">")[2])).split())


@pytest.mark.parametrize("protocol", shown_here())
def test_it_says_what_was_answered_in_the_words_and_the_order_of_the_page(protocol: str) -> None:
    campaign = make_campaign(
        captions=4, texts=TEXTS, protocol=protocol, criteria=["fluency"], cannot_say=["fluency"], comments=True
    ).campaign
    rater = Rater(campaign, "worker 7")
    reader = Reader(campaign, rater.session, pseudonym(rater))
    assert "You have not sent anything yet." in reader.words()
    sent, said = [], []
    for number in range(2):
        screen = rater.next()
        ids, texts = ([each[part] for each in screen["item"]["candidates"]] for part in ("id", "text"))
        given, words = SAID[protocol](ids, texts)
        if number:
            given, words = None, " ".join(texts) if len(texts) == 1 else each_text(texts)
        body = {"key": new_key(), "answers": {"fluency": given}, "comment": f"odd {number}"}
        assert rater.post(f"assignments/{screen['assignment']}", body).status_code == 201
        sent.append(body | {"item": screen["item"]})
        said.append(words)
    skipped = rater.next()
    skip = new_key()
    assert rater.post(f"assignments/{skipped['assignment']}/skip", {"key": skip}).status_code == 201

    page = reader.words()
    for number, words in enumerate(said):
        declined = "I cannot say: Fluency " if number else ""
        assert f"{words} {declined}Your comment: odd {number}" in page
        assert sent[number]["item"]["source"] in page
    assert page.index("skipped") < page.index("odd 1") < page.index("odd 0")
    listed = get(rater).json()["answers"]
    assert [each["rating"] for each in listed] == [skip, sent[1]["key"], sent[0]["key"]]
    assert [each["item"] for each in listed] == [skipped["item"], sent[1]["item"], sent[0]["item"]]
    assert (listed[0]["kind"], listed[0]["answers"], listed[1]["answers"]) == ("skip", None, {"fluency": None})
    rater.undo(sent[0]["key"])
    again = {"key": new_key(), "answers": listed[2]["answers"]}
    assert rater.post(f"assignments/{listed[2]['assignment']}", again).status_code == 201
    resent = get(rater).json()["answers"]
    assert resent[0]["answers"] == listed[2]["answers"] == resent[3]["answers"]
    assert [each["withdrawn"] for each in resent] == [False, False, False, True]


def test_what_was_taken_back_says_so_and_the_newest_can_be() -> None:
    campaign = make_campaign(captions=3).campaign
    visitor = Visitor(campaign, htmx=False)
    visitor.join()
    address = f"{visitor.address}answers/?{'&'.join(f'{k}={v}' for k, v in visitor.whose().items())}"
    assert re.search(r'href="([^"]*/answers/[^"]*)"', visitor.page)[1] == address  # type: ignore[index]
    visitor.answer(10)
    visitor.answer(20)
    page = visitor.client.get(address).content.decode()
    assert page.count("Undo last") == 1
    assert page.index("Undo last") < page.rindex("<article")
    visitor.page = page
    visitor.undo()
    assert "Taken back. Here is that screen again." in visitor.page
    visitor.answer(30)
    page = visitor.client.get(address).content.decode()
    assert [re.findall(r"<strong>(\d+|taken back)<", part) for part in page.split("<article")[1:]] == [
        ["30"] * 3, ["taken back", *["20"] * 3], ["10"] * 3,
    ]  # fmt: skip
    visitor.answer(40)
    assert "Thank you!" in visitor.page
    assert f'href="{address}"' in visitor.page
    for state in ("paused", "closed"):
        models.Campaign.objects.update(state=state)
        page = visitor.client.get(address).content.decode()
        assert (page.count("<article"), "Undo last" in page) == (4, False)


def test_pages_follow_on_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "PAGE_SIZE", 3)
    campaign = make_campaign(captions=7).campaign
    rater, keys = Rater(campaign), []
    reader = Reader(campaign, rater.session, pseudonym(rater))
    while screen := rater.next():
        keys.append(rater.submit(screen).json()["rating"])
    found, before = [], None
    while not found or before:
        page = get(rater, f"?before={before}" if before else "").json()
        found += [each["rating"] for each in page["answers"]]
        before = page["before"]
    assert found == keys[::-1]
    shown, address = [], reader.address
    while address:
        page = reader.page(address).content.decode()
        shown.append(page.count("<article"))
        older = re.search(r'href="([^"]+)">Older answers', page)
        assert ("Newest answers" in page) == (len(shown) > 1)
        address = unescape(older[1]) if older else ""
    assert shown == [3, 3, 1]
    assert get(rater, "?before=x").status_code == 422
    assert reader.page(f"{reader.address}&before=x").status_code == 404


def test_it_takes_as_many_queries_however_many_there_are() -> None:
    """Of stories too, whose photos are other rows."""
    campaign = story_campaign(show="caption")
    rater, counts = Rater(campaign), []
    reader = Reader(campaign, rater.session, pseudonym(rater))
    for _ in range(2):
        screen = rater.next()
        rater.submit(screen)
        with CaptureQueriesContext(connection) as page:
            assert "words" in reader.words()
        with CaptureQueriesContext(connection) as program:
            assert get(rater).json()["answers"][0]["item"] == screen["item"]
        counts.append((len(page), len(program)))
        rater.submit(rater.next())
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 8, [query["sql"] for query in page]


def test_nobody_else_reads_it() -> None:
    campaign = make_campaign(captions=2).campaign
    one = Rater(campaign, "one")
    whose = pseudonym(one)
    key = one.submit(one.next()).json()["rating"]
    other = Rater(campaign, "other")
    for session, named in (("", whose), ("made-up", whose), (other.session, whose), (other.session, pseudonym(other))):
        answer = Reader(campaign, session, named).page()
        assert answer.status_code in (200, 302)
        assert "<article" not in answer.content.decode()
    both = Reader(campaign, f"{other.session}.{one.session}", whose).page()
    assert both.status_code == 409
    assert "Somebody else is rating in this browser now" in both.content.decode()
    assert (get(other).json()["answers"], get(other, f"?before={key}").status_code) == ([], 404)
    other.session = ""
    assert get(other).status_code == 401

    reader = Reader(campaign, one.session, whose)
    assert "<article" in reader.page().content.decode()
    picture = f"/rate/photo/{models.Assignment.objects.get(state='done').public_id}/1/"
    person_erase(identities("one"))
    assert reader.page().status_code == 302
    assert get(one).status_code == 401
    assert reader.client.get(picture).status_code == 404


def test_a_control_looks_like_any_other() -> None:
    campaign = make_campaign(captions=1).campaign
    rater = Rater(campaign)
    reader = Reader(campaign, rater.session, pseudonym(rater))
    rater.submit(rater.next())
    campaign_close(campaign=campaign)

    def seen() -> tuple[str, Any]:
        page = reader.page().content.decode()
        return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page), get(rater).json()

    before = seen()
    assert "<article" in before[0]
    for kind in ("control", "repeat"):
        models.Item.objects.update(kind=kind)
        assert seen() == before
    for text in (before[0], str(before[1])):
        assert not re.search(r"control|repeat|regular|system|decoding", text)


def test_a_dry_run_reads_its_own() -> None:
    campaign = make_campaign(captions=2).campaign
    trial, session = trial_join(campaign=campaign)
    rater = Rater.__new__(Rater)
    rater.client, rater.session = Client(), session
    rater.submit(rater.next())
    reader = Reader(campaign, session, trial.public_id, TRIALS)
    assert "<article" in reader.page().content.decode()


def test_the_order_of_a_screen_that_was_answered_stays_when_it_is_claimed_anew() -> None:
    """Taken back and left, its place taken by somebody else and free again."""
    campaign = make_campaign(captions=2, texts=TEXTS, protocol="pairwise", overlap=1).campaign
    rater = Rater(campaign)
    first = rater.next()
    rater.undo(rater.submit(first, answers={"human_likeness": "tie"}).json()["rating"])
    item = campaign.items.get(assignments__public_id=first["assignment"])
    models.Assignment.objects.update(leased_until=timezone.now() - timedelta(days=1))
    leases_release_expired()
    campaign.items.filter(pk=item.pk).update(taken=1)
    second = rater.next()
    assert second["assignment"] != first["assignment"]
    campaign.items.filter(pk=item.pk).update(taken=0)
    again = rater.submit(second, answers={"human_likeness": "tie"}).json()["next"]
    assert (again["assignment"], again["item"]) == (first["assignment"], first["item"])
    assert get(rater).json()["answers"][-1]["item"] == first["item"]
