"""What raters are told before they begin, and in which language."""

import re
from html import unescape

import pytest
from django.conf import settings
from django.test import Client

from annotations import models
from annotations.protocols import PROTOCOLS
from tests.annotations.visitor import Visitor
from tests.factories import make_campaign
from tests.pages import in_one_line

pytestmark = pytest.mark.django_db
HEADINGS = {
    "slider": ("Rate short texts", "짧은 글에 점수 매기기"),
    "likert": ("Rate short texts", "짧은 글에 점수 매기기"),
    "pairwise": ("Compare two texts at a time", "한 번에 두 글씩 비교하기"),
    "best_worst": ("Choose the best and the worst text", "가장 좋은 글과 가장 나쁜 글 고르기"),
    "ranking": ("Put short texts in order", "짧은 글의 순위 매기기"),
    "human_or_machine": ("Did a person or a machine write this?", "사람이 썼을까요, 기계가 썼을까요?"),
    "which_is_human": ("Which of these two texts did a person write?", "두 글 가운데 사람이 쓴 글은 어느 것일까요?"),
}


def welcome(campaign: models.Campaign, language: str = "en") -> str:
    answer = Client().get(f"/rate/{campaign.token}/", headers={"Accept-Language": language})
    return unescape(in_one_line(answer))


@pytest.mark.parametrize("name", HEADINGS)
def test_the_heading_fits_the_protocol(name: str) -> None:
    campaign = make_campaign(protocol=name).campaign
    for language, heading in zip(("en", "ko"), HEADINGS[name], strict=True):
        assert f"<h1>{heading}</h1>" in welcome(campaign, language)
    assert name in PROTOCOLS


def test_who_asks_how_many_screens_how_long_and_whom_to_write_to() -> None:
    campaign = make_campaign(
        captions=5, minimum_answers=2, organizer="The <b> group", contact="ask+us@example.org", minutes=1
    ).campaign
    page = welcome(campaign)
    assert "<dt>Who asks</dt><dd>The <b> group</dd>" in page
    assert "At most 5. After 2 answered screens you get a completion code." in page
    assert "About 1 minute." in page
    link = '<a href="mailto:ask%2Bus@example.org">ask+us@example.org</a>'
    assert link in page
    korean = welcome(campaign, "ko")
    for words in ("<dt>연구하는 곳</dt>", "최대 5개.", "약 1분.", link):
        assert words in korean
    visitor = Visitor(campaign, htmx=False)
    visitor.join()
    assert link in visitor.page.partition('id="help"')[2]
    for _ in range(5):
        visitor.answer()
    assert link in visitor.page.partition("Thank you!")[2].partition("</main>")[0]


def test_a_contact_in_words_is_no_link_and_what_is_not_known_is_not_said() -> None:
    campaign = make_campaign(texts={"lstm": lambda n: f"we saw {n}"}, contact="Room 12, on Mondays").campaign
    page = welcome(campaign)
    assert "<dt>Questions</dt><dd>Room 12, on Mondays" in page
    assert "mailto:" not in page
    assert "Who asks" not in page
    assert "About" not in page
    silent = welcome(make_campaign(texts={"gru": lambda n: f"we saw {n}"}).campaign)
    assert "<dt>Questions</dt>" not in silent


def choose(visitor: Visitor, language: str) -> None:
    """Send the page's form for a language, as it is."""
    form = visitor.page.partition("/rate/language/")[2].partition("</form>")[0]
    assert f'name="language" value="{language}"' in form
    address = re.search(r'name="next" value="([^"]*)"', form)
    assert address
    answer = visitor.client.post(
        "/rate/language/", {"next": unescape(address[1]), "language": language}, follow=True, headers=visitor.headers
    )
    assert answer.status_code == 200
    visitor.page, visitor.shown = answer.content.decode(), answer.redirect_chain[-1][0]


@pytest.mark.parametrize("query", ["", "?rater=worker+7"])
def test_the_language_is_chosen_on_a_screen_and_before_and_stays(query: str) -> None:
    visitor = Visitor(make_campaign().campaign, htmx=False, query=query)
    choose(visitor, "ko")
    assert '<html lang="ko">' in visitor.page
    assert visitor.shown.endswith(query), "still at one's own address"
    cookie = visitor.client.cookies[settings.LANGUAGE_COOKIE_NAME]
    assert cookie["max-age"] == settings.LANGUAGE_COOKIE_AGE > 24 * 3600
    visitor.join()
    assert '<html lang="ko">' in visitor.page
    assignment = visitor.assignment
    assert visitor.draft(33).status_code == 204
    choose(visitor, "en")
    assert '<html lang="en">' in visitor.page
    assert visitor.assignment == assignment
    assert f'name="{visitor.fields()[0]}" value="33"' in visitor.page
    visitor.reload()
    assert '<html lang="en">' in visitor.page, "whatever the browser asks for"


def test_the_language_is_chosen_where_a_form_was_refused() -> None:
    campaign = make_campaign().campaign
    first = Visitor(campaign)
    first.join(rater="worker 7")
    stranger = Visitor(campaign, htmx=False)
    assert stranger.join(rater="worker 7").status_code == 403
    choose(stranger, "ko")
    assert '<html lang="ko">' in stranger.page
    assert stranger.shown == f"/rate/{campaign.token}/?rater=worker+7"


def test_choosing_a_language_leads_nowhere_else() -> None:
    for address in ("https://example.org/", "//example.org/", "javascript:alert(1)"):
        answer = Client().post("/rate/language/", {"next": address, "language": "ko"})
        assert answer.headers["Location"] == "/"
    forged = Client(enforce_csrf_checks=True).post("/rate/language/", {"next": "/", "language": "ko"})
    assert forged.status_code == 403
