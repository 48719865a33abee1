"""The start page says what goes on, what comes next and how human the systems of the last campaign read."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotations.campaigns.services.campaigns import campaign_close
from annotations.models import Campaign
from annotations.reports.keeping import report_freeze
from annotations.reports.people import last_reading
from storyblender_site.accounts import account_make
from storyblender_site.site.start import marks_of, steps
from tests.factories import DatasetFactory, make_campaign
from tests.workers.generation_rows import opened, rated
from workers.models import Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(account_make(name="ada", role="researcher"))
    return client


def next_titles() -> list[str]:
    return [step.title for step in steps()]


def test_what_comes_next_follows_from_what_is_there() -> None:
    assert next_titles() == ["Import a dataset"]
    DatasetFactory()
    assert next_titles() == ["Train a first model", "Ask people"]
    campaign = make_campaign(name="first-look").campaign
    assert next_titles() == ["first-look waits for raters", "Train a first model"]
    Campaign.objects.update(state="draft")
    assert next_titles() == ["first-look is a draft", "Train a first model"]
    Campaign.objects.update(state="open")
    campaign.refresh_from_db()
    campaign_close(campaign=campaign)
    assert next_titles() == ["first-look is closed", "Train a first model"]


def test_a_closed_feedback_campaign_can_train_the_next_generation() -> None:
    campaign = make_campaign(name="liked", purpose="feedback").campaign
    campaign_close(campaign=campaign)
    [step] = [step for step in steps() if step.title == "liked is closed"]
    assert [link.address for link in step.links] == [
        f"/reports/{campaign.pk}/",
        "/runs/launch/generation/?campaigns=liked",
    ]


def test_what_goes_on_is_shown_with_how_far_it_is(client: Client) -> None:
    campaign = opened()
    Run.objects.create(kind="score", state="queued", fraction=0.25)
    page = " ".join(client.get("/").content.decode().split())
    assert f'<a href="/campaigns/{campaign.pk}/" aria-label="Watch second">' in page
    assert "0 of 32 screens" in page
    assert "25 %" in page


def test_how_human_they_read_is_told_of_closed_campaigns_alone(client: Client) -> None:
    campaign = opened()
    assert last_reading() is None
    assert "How human do they read?" not in client.get("/").content.decode()
    rated(campaign, first=30, second=50, human=80)
    assert last_reading() is None, "no report is made for who only looks"
    campaign.refresh_from_db()
    report_freeze(campaign=campaign)
    reading = last_reading()
    assert reading
    marks = marks_of(reading)
    assert [mark.system for mark in marks] == ["human", "second", "first"]
    assert all(mark.low is not None and mark.low <= mark.at <= mark.high for mark in marks)  # type: ignore[operator]
    means = [float(mark.mean) for mark in marks]
    assert means == pytest.approx([mark.at for mark in marks], abs=0.06), "of a scale from 0 to 100"
    page = client.get("/").content.decode()
    assert re.findall(r"<b>(human|first|second)</b>", page) == ["human", "second", "first"]
    nobody = Client()
    nobody.force_login(User.objects.create_user("visitor"))
    said = nobody.get("/").content.decode()
    assert "How human do they read?" not in said
    assert "second" not in said


def test_the_queries_do_not_grow_with_what_is_there(client: Client) -> None:
    counts = []
    for _ in range(2):
        for number in range(3):
            make_campaign(captions=1, texts={f"s{len(counts)}{number}": str})
            Run.objects.create(kind="score", state="queued")
        with CaptureQueriesContext(connection) as asked:
            client.get("/")
        counts.append(len(asked))
    assert counts[0] == counts[1]
