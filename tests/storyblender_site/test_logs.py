"""No log holds what opens a rater's screens or an account: tokens, signatures, outside ids."""

import io
import logging
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.contrib.auth.models import User
from django.test import Client, override_settings

from annotations.campaigns.links import rater_link
from storyblender_site.accounts import password_link
from storyblender_site.logs import Formatter
from tests.annotations.raters import new_key
from tests.factories import make_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines() -> Any:
    """What the handler of the settings would write."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Formatter("{levelname} {name}: {message}", style="{"))
    root = logging.getLogger()
    root.addHandler(handler)
    access = logging.getLogger("storyblender.access")
    before, access.level = access.level, logging.INFO
    yield written
    root.removeHandler(handler)
    access.level = before


@override_settings(MIDDLEWARE=["storyblender_site.logs.access_log", *site_settings.MIDDLEWARE])
def test_what_is_asked_for_is_logged_without_what_it_opens(lines: io.StringIO) -> None:
    campaign = make_campaign().campaign
    signed = rater_link(campaign, "PID-4711").partition("//")[2].partition("/")[2]
    signature = signed.rpartition("=")[2]
    account = password_link(User.objects.create_user("ada")).partition("//")[2].partition("/")[2]
    client = Client()
    for path in (
        signed,
        f"rate/{campaign.token}/?PROLIFIC_PID=PID-4711",
        account,
        "healthz",
        "nowhere/?rater=PID-4711",
    ):
        client.get(f"/{path}")
    client.post(f"/rate/{campaign.token}/join/", {"rater": "PID-4711", "signature": "forged"})
    client.post(f"/api/v1/rate/{campaign.token}/join", {"rater": "PID-4711"}, content_type="application/json")
    client.post(f"/rate/{campaign.token}/answer/{new_key()}/", {})
    client.get(f"/rate/{campaign.token}x/")  # of these Django itself writes a warning with the path
    Client(enforce_csrf_checks=True).post(f"/rate/{campaign.token}/join/", {"rater": "PID-4711"})
    log = lines.getvalue()
    assert "storyblender.access: 127.0.0.1 GET /rate/<str:token>/ 200" in log
    assert "127.0.0.1 POST /api/v1/rate/<str:token>/join 201" in log
    assert "Not Found: /rate/…" in log
    for secret in (campaign.token, signature, "PID-4711", account.split("/")[2]):
        assert secret not in log


def test_a_traceback_is_without_it_too(lines: io.StringIO) -> None:
    try:
        raise ValueError("no such page: https://stories.example.org/rate/abc/?rater=PID-1&signature=s3")
    except ValueError:
        logging.getLogger("anything").exception("%s, %s", "/account/MQ/set-password/", "/shared/T0k/")
    log = lines.getvalue()
    assert "Traceback" in log
    assert not [secret for secret in ("abc", "PID-1", "s3", "MQ", "T0k") if secret in log]


def test_the_settings_write_with_it() -> None:
    assert site_settings.LOGGING["formatters"]["line"]["()"] == "storyblender_site.logs.Formatter"
