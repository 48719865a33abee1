"""Several people at one browser: the address says who comes, and nobody's answers are stored as another's."""

import re
from urllib.parse import unquote

import pytest

from annotations import models
from annotations.campaigns.links import rater_link
from annotations.campaigns.services.raters import trial_join
from tests.annotations.raters import new_key
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db

ELSEWHERE = "Somebody else is rating in this browser now"


def signed(campaign: models.Campaign, outside_id: str) -> str:
    return f"?{rater_link(campaign, outside_id).partition('?')[2]}"


def scores(campaign: models.Campaign) -> dict[str | None, list[float]]:
    """The scores that are stored of each rater, by outside id."""
    stored: dict[str | None, list[float]] = {}
    for rating in models.Rating.objects.counting(campaign).order_by("pk").select_related("assignment__rater"):
        [given] = rating.answers.values()
        stored.setdefault(rating.assignment.rater.outside_id, []).extend(set(given.values()))
    return {rater: sorted(given) for rater, given in stored.items()}


@pytest.mark.parametrize("htmx", [True, False])
@pytest.mark.parametrize("first", ["", "?rater=ann"])
@pytest.mark.parametrize(
    "second",
    [
        "signed",
        "?rater=betty",
        "?PROLIFIC_PID=betty&STUDY_ID=s1&SESSION_ID=x1",
        "?assignmentId=3&hitId=4&workerId=betty",
    ],
)
def test_who_opens_their_own_link_rates_as_themselves(first: str, second: str, htmx: bool) -> None:
    campaign = make_campaign().campaign
    ann = Visitor(campaign, htmx, query=first)
    ann.join()
    ann.answer(10)
    betty = Visitor(campaign, htmx, browser=ann, query=signed(campaign, "betty") if second == "signed" else second)
    assert "Somebody else has rated in this browser" in betty.page
    assert "ann" not in re.sub(r"<[^>]+>", " ", betty.page).split()
    assert not re.search(r"/answer/|\d of \d done", betty.page), "nothing of the other's"
    betty.join()
    assert "0 of 6 done" in betty.page
    betty.answer(90)
    assert scores(campaign) == {"ann" if first else None: [10], "betty": [90]}


@pytest.mark.parametrize("act", ["answer", "skip", "draft", "undo", "reload"])
def test_a_window_that_was_left_open_acts_for_nobody(act: str) -> None:
    campaign = make_campaign().campaign
    ann = Visitor(campaign)
    ann.join()
    ann.answer(10)
    betty = Visitor(campaign, browser=ann, query=signed(campaign, "betty"))
    betty.join()
    betty.answer(90)
    kept = "state", "draft", "seconds_spent", "leased_until", "revision"
    before = list(models.Assignment.objects.order_by("pk").values(*kept))
    answered = getattr(ann, act)()
    assert answered.status_code == 409
    assert ELSEWHERE in answered.content.decode()
    assert "betty" not in answered.content.decode()
    assert list(models.Assignment.objects.order_by("pk").values(*kept)) == before
    assert models.Rating.objects.count() == 2
    assert (act == "reload") == ("<html" in answered.content.decode()), "htmx gets the part alone"


def test_the_waiting_page_asks_for_its_own_rater() -> None:
    campaign = make_campaign(captions=1, overlap=1).campaign
    Visitor(campaign).join()
    ann = Visitor(campaign)
    ann.join()
    [asks] = re.findall(r'hx-get="([^"]+)"', ann.page)
    assert ann.client.get(asks, headers=ann.headers).status_code == 200
    Visitor(campaign, browser=ann, query="?rater=betty").join()
    assert ELSEWHERE in ann.client.get(asks, headers=ann.headers).content.decode()
    ann.client.cookies.clear()
    gone = ann.client.get(asks, headers=ann.headers)
    assert (gone.status_code, gone.headers["HX-Redirect"]) == (204, ann.address), "no whole page inside the page"


@pytest.mark.parametrize("first", ["", "?rater=ann"])
def test_each_comes_back_to_their_own(first: str) -> None:
    campaign = make_campaign().campaign
    ann = Visitor(campaign, query=first)
    ann.join()
    ann.answer(10)
    betty = Visitor(campaign, browser=ann, query=signed(campaign, "betty"))
    betty.join()
    assert "You rate as betty" in betty.reload().content.decode()
    assert "0 of 6 done" in Visitor(campaign, browser=betty).page, "the plain link names nobody: who came last goes on"
    ann.reload()
    assert ("Go on as ann" if first else "I am the one who rated here before") in ann.page
    ann.join()
    assert "1 of 6 done" in ann.page
    assert ELSEWHERE in betty.answer(90).content.decode(), "now the other window is the one left open"
    betty.reload()
    assert "Go on as betty" in betty.page
    betty.join()
    betty.answer(90)
    assert scores(campaign) == {"ann" if first else None: [10], "betty": [90]}
    assert campaign.raters.count() == 2


def test_on_another_device_a_signed_link_goes_on_and_a_bare_id_does_not() -> None:
    campaign = make_campaign().campaign
    betty = Visitor(campaign, query=signed(campaign, "betty"))
    betty.join()
    betty.answer()
    there = Visitor(campaign, query="?rater=betty")
    assert there.join().status_code == 403
    assert "go on in the browser where you began" in there.page
    there = Visitor(campaign, query=signed(campaign, "betty").replace("signature=", "signature=x"))
    assert there.join().status_code == 403
    assert "not complete or was changed" in there.page
    there = Visitor(campaign, query=signed(campaign, "betty"))
    there.join()
    assert "1 of 6 done" in there.page
    betty_before = Visitor(campaign, browser=betty)
    assert "I agree, begin" in betty_before.page, "the session before has ended"
    assert campaign.raters.count() == 1


def test_nobody_steps_in_for_a_rater_whose_session_has_ended() -> None:
    campaign = make_campaign().campaign
    ann = Visitor(campaign)
    ann.join()
    betty = Visitor(campaign, browser=ann, query=signed(campaign, "betty"))
    betty.join()
    Visitor(campaign, query=signed(campaign, "betty")).join()
    assert betty.answer(90).headers.get("HX-Redirect") == betty.address
    assert "I agree, begin" in Visitor(campaign, browser=betty).page
    assert not models.Rating.objects.exists()


@pytest.mark.parametrize("named", ["x" * 201, "a%00b"])
@pytest.mark.parametrize(
    ("language", "says"), [("en", "too long or holds characters that cannot be stored"), ("ko", "저장할 수 없는 문자")]
)
def test_an_id_that_cannot_be_used_is_told(named: str, language: str, says: str) -> None:
    visitor = Visitor(make_campaign().campaign)
    visitor.client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    refused = visitor.join(rater=unquote(named))
    assert (refused.status_code, says in visitor.page) == (403, True)


def test_an_address_that_was_copied_from_another_browser_is_a_plain_link() -> None:
    """As of a researcher who joined and then sent round what the address bar held; a recruiting service adds its id."""
    campaign = make_campaign().campaign
    copied = Visitor(campaign)
    copied.join()
    whose = copied.shown.rpartition("=")[2]
    ann, nobody = Visitor(campaign), Visitor(campaign, query=f"?whose={whose}")
    ann.join()
    ann.answer(10)
    plain = ann.client.get(ann.address, {"whose": whose, "token": "t"}, follow=True)
    assert plain.redirect_chain == [(f"{ann.address}?token=t", 302)]
    assert "1 of 6 done" in plain.content.decode()
    named = ann.client.get(ann.address, {"whose": whose, "PROLIFIC_PID": "betty"}, follow=True).content.decode()
    assert "This link is for betty" in named
    assert "I agree, begin" in nobody.page
    asks = ann.client.get(ann.address, {"whose": whose}, headers=ann.headers)
    assert asks.status_code == 409, "a window of somebody else's gets nobody's screen into it"


def test_a_dry_run_and_a_rater_do_not_meet() -> None:
    campaign = make_campaign().campaign
    ann = Visitor(campaign)
    ann.join()
    ann.answer(10)
    trial, session = trial_join(campaign=campaign)
    ann.client.cookies[f"try-{campaign.token[:8]}"] = session
    dry_run = Visitor(campaign, browser=ann, query=f"?whose={trial.public_id}")
    assert "Dry run" in dry_run.page
    dry_run.answer(99)
    dry_run.undo()
    dry_run.answer(99)
    plain = Visitor(campaign, browser=ann)
    assert "Dry run" not in plain.page
    assert "1 of 6 done" in plain.page
    plain.answer(20)
    Visitor(campaign, browser=ann, query="?rater=betty").join()
    dry_run.answer(99)
    assert "Dry run" in dry_run.reload().content.decode()
    assert "2 of 6 done" in dry_run.page
    assert scores(campaign) == {None: [10, 20]}


def test_a_form_that_does_not_say_whose_it_is_is_nobodys() -> None:
    campaign = make_campaign().campaign
    ann = Visitor(campaign)
    ann.join()
    sent = dict.fromkeys(ann.fields(), "50") | {"key": new_key()}
    assert ann.client.post(f"{ann.address}answer/{ann.assignment}/", sent).status_code == 409
    assert not models.Rating.objects.exists()
