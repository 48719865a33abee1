"""A link for co-authors opens a closed report, and nothing else."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from annotations.campaigns.services.campaigns import campaign_close
from annotations.models import AuditEntry, Campaign, ReportLink
from tests.annotations.raters import Rater
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("admin"))
    return client


@pytest.fixture
def campaign() -> Campaign:
    made = make_campaign(captions=2, overlap=1).campaign
    rater = Rater(made)
    rater.submit(rater.next())
    return made


def link_of(page: str) -> str:
    [link] = re.findall(r'value="https?://[^/]+(/shared/[^"]+)"', page)
    return str(link)


def test_a_stranger_with_the_link_reads_the_closed_report_and_nothing_else(staff: Client, campaign: Campaign) -> None:
    share = f"/reports/{campaign.pk}/share/"
    assert "once it is closed" in staff.post(share, {"action": "share"}, follow=True).content.decode()
    assert not ReportLink.objects.exists()
    campaign_close(campaign=campaign)
    link = link_of(staff.post(share, {"action": "share"}, follow=True).content.decode())
    assert link_of(staff.post(share, {"action": "share"}, follow=True).content.decode()) == link
    stranger = Client()
    page = stranger.get(link)
    text = page.content.decode()
    assert "human_likeness" in text
    assert "no-store" in page.headers["Cache-Control"]
    inside = set(re.findall(r'(?:href|action)="(/[^"#]*)', text)) - set(re.findall(r'"(/static/[^"]*)"', text))
    assert all(stranger.get(address).status_code == 302 for address in inside), "what it leads to asks for a login"
    assert stranger.get(f"{link[:-2]}/").status_code == 404
    for address in (f"/reports/{campaign.pk}/", f"/reports/{campaign.pk}/ratings.csv"):
        assert stranger.get(address).status_code == 302
    assert stranger.post(share, {"action": "withdraw"}).status_code == 302
    assert stranger.get(link).status_code == 200


def test_a_withdrawn_link_opens_nothing_and_the_next_one_is_another(staff: Client, campaign: Campaign) -> None:
    campaign_close(campaign=campaign)
    share = f"/reports/{campaign.pk}/share/"
    link = link_of(staff.post(share, {"action": "share"}, follow=True).content.decode())
    for _ in range(2):
        staff.post(share, {"action": "withdraw"})
    assert Client().get(link).status_code == 404
    assert link_of(staff.post(share, {"action": "share"}, follow=True).content.decode()) != link
    assert staff.post(share, {"action": "else"}).status_code == 404
    said = AuditEntry.objects.filter(kind="link").order_by("pk").values_list("person", "detail")
    assert list(said) == [
        ("admin", "a link for co-authors to its report"),
        ("admin", "the link for co-authors was withdrawn"),
        ("admin", "a link for co-authors to its report"),
    ]


def test_who_may_only_read_reports_shares_none(campaign: Campaign) -> None:
    campaign_close(campaign=campaign)
    reader = Client()
    reader.force_login(User.objects.create_user("reader"))
    assert reader.post(f"/reports/{campaign.pk}/share/", {"action": "share"}).status_code == 403
