"""One client cannot take a campaign's places, nor another's id; a laboratory behind one address can rate."""

import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.cache import caches
from django.core.management import call_command
from django.test import Client

from annotations.campaigns.services.campaigns import spec_of
from annotations.campaigns.services.invitations import raters_invite
from annotations.campaigns.services.making import campaign_create, draft_replace
from annotations.errors import TooOftenError
from annotations.models import Campaign
from annotations.models import Rater as RaterRow
from annotations.web.frequency import count
from storyblender_site.caching import ForgivingRedisCache
from tests.annotations.raters import Rater
from tests.factories import make_campaign
from tests.pages import in_one_line

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def limits(settings: Any) -> None:
    settings.JOINS_PER_ADDRESS = 40
    caches["limits"].clear()


def another(campaign: Campaign) -> Campaign:
    return campaign_create(spec=spec_of(campaign).model_copy(update={"name": "another"}))


def join(token: str, address: str = "203.0.113.9", **body: str) -> Any:
    path = f"/api/v1/rate/{token}/join"
    return Client(REMOTE_ADDR=address).post(path, body, content_type="application/json")


def test_a_laboratory_joins_and_one_client_does_not_take_every_place() -> None:
    campaign = make_campaign().campaign
    other = another(campaign)
    assert {join(campaign.token).status_code for _ in range(40)} == {201}
    refused = join(campaign.token)
    assert (refused.status_code, refused["Retry-After"]) == (429, "3600")
    assert refused["Content-Type"] == "application/problem+json"
    page = Client(REMOTE_ADDR="203.0.113.9")
    answer = page.post(f"/rate/{campaign.token}/join/", {})
    assert (answer.status_code, set(page.cookies)) == (429, {"csrftoken"})
    assert "too many requests from here" in answer.content.decode()
    assert RaterRow.objects.filter(campaign=campaign).count() == 40
    assert join(campaign.token, "203.0.113.10").status_code == 201, "another address"
    assert join(other.token).status_code == 201, "another campaign"
    link = raters_invite(campaign=campaign, outside_ids=["worker 7"])[0]
    signed = join(campaign.token, rater="worker 7", signature=link.rpartition("signature=")[2])
    assert signed.status_code == 201, "who was invited is not counted"


def test_screens_are_asked_for_at_a_persons_pace(settings: Any) -> None:
    settings.SCREENS_PER_RATER = 3
    campaign = make_campaign().campaign
    rater = Rater(campaign)
    assert [rater.post("next").status_code for _ in range(4)] == [200, 200, 200, 429]
    page = Client()
    address = page.post(f"/rate/{campaign.token}/join/", {}).headers["Location"]
    assert [page.get(address).status_code for _ in range(4)] == [200, 200, 200, 429]


@pytest.mark.parametrize("how", ["command", "page"])
def test_an_invited_id_cannot_be_taken(how: str, staff: Client, capsys: pytest.CaptureFixture[str]) -> None:
    campaign = make_campaign().campaign
    if how == "command":
        call_command("campaign_link", campaign.name, "--rater", "worker 7")
        [query] = re.findall(r"\?(rater=\S+)", capsys.readouterr().out)
    else:
        answer = staff.post(f"/campaigns/{campaign.pk}/links/", {"raters": "worker 7\nworker 8"})
        [query] = re.findall(r"(rater=worker\+7&amp;signature=[^\"&<\s]+)", answer.content.decode())
        query = query.replace("&amp;", "&")
    thief = Client()
    taken = join(campaign.token, rater="worker 7")
    assert (taken.status_code, "signed link" in taken.json()["detail"]) == (403, True)
    form = thief.post(f"/rate/{campaign.token}/join/", {"rater": " worker 7"})
    assert (form.status_code, "a link of its own" in form.content.decode()) == (403, True)
    assert not RaterRow.objects.filter(campaign=campaign).exists()
    mine = Client().post(f"/rate/{campaign.token}/join/", {"rater": "worker 7", "signature": query.rpartition("=")[2]})
    assert mine.status_code == 302
    assert join(campaign.token, rater="worker 9").status_code == 201, "nobody was invited under it"
    assert join(another(campaign).token, rater="worker 7").status_code == 201, "invited to another campaign"


def test_an_invited_id_cannot_be_taken_where_the_draft_was_made_anew() -> None:
    draft = make_campaign().campaign
    Campaign.objects.update(state="draft")
    draft.refresh_from_db()
    [link] = raters_invite(campaign=draft, outside_ids=["worker 7"])
    again = draft_replace(draft=draft, spec=spec_of(draft))
    Campaign.objects.update(state="open")
    assert join(again.token, rater="worker 7").status_code == 403
    signature = link.rpartition("signature=")[2]
    assert join(again.token, rater="worker 7", signature=unquote(signature)).status_code == 201


def test_a_campaign_of_many_raters_has_a_page_of_a_few(staff: Client) -> None:
    campaign = make_campaign().campaign
    last = Rater(campaign)
    rows = [RaterRow(campaign=campaign, session_hash=f"{n}", outside_id=f"p{n}") for n in range(3000)]
    RaterRow.objects.bulk_create(rows)
    RaterRow.objects.filter(outside_id="p2999").update(completion_code="ABCDEFGH23")
    last.submit(last.next())
    page = f"/campaigns/{campaign.pk}"
    polled, shown = staff.get(f"{page}/progress/"), staff.get(f"{page}/")
    listed = staff.get(f"{page}/raters/?page=2")
    assert len(polled.content) < 10_000
    assert "p49" not in polled.content.decode(), "the table stays as it is while it is read"
    assert len(shown.content) < 60_000
    assert "<b>3001</b> raters joined, <b>1</b> of them has answered" in in_one_line(shown)
    assert "51 p49" in in_one_line(listed)
    assert "51 to 100 of 3001" in in_one_line(listed)
    assert "is the code of rater 3001 (p2999)" in in_one_line(staff.get(f"{page}/", {"code": "abcde-fgh23"}))
    excluded = {"rater": "3001", "reason": "a bot", "action": "exclude"}
    assert "Rater 3001 is left out" in staff.post(f"{page}/exclude/", excluded, follow=True).content.decode()
    assert RaterRow.objects.get(outside_id="p2999").exclusion == "a bot"
    wrong = staff.post(f"{page}/exclude/", excluded | {"rater": "3002"}, follow=True).content.decode()
    assert "there is no rater 3002; raters are numbered 1 to 3001" in wrong


def test_a_count_that_cannot_be_had_stops_nobody(settings: Any) -> None:
    nowhere = {"BACKEND": f"{ForgivingRedisCache.__module__}.ForgivingRedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = settings.CACHES | {"limits": nowhere}
    for _ in range(3):
        count("key", 1, 60)
    settings.CACHES = settings.CACHES | {"limits": settings.MEMORY_CACHE}
    count("key", 1, 60)
    with pytest.raises(TooOftenError):
        count("key", 1, 60)
