"""Mistakes in the settings are said by `manage.py check --deploy`, and pages carry the headers they should."""

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings

from storyblender_site.checks import production_settings
from tests.factories import make_campaign

SQLITE = {"default": {"ENGINE": "django.db.backends.sqlite3"}}
POSTGRESQL = {"default": {"ENGINE": "django.db.backends.postgresql"}}


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"PRODUCTION": True, "SECRET_KEY_IS_OURS": True}, ["storyblender.E001"]),
        ({"PRODUCTION": True, "SECRET_KEY_IS_OURS": False}, []),
        ({"PRODUCTION": False, "SECRET_KEY_IS_OURS": True}, []),
        ({"PRODUCTION": False, "REDIS_URL": "redis://r", "DATABASES": SQLITE}, ["storyblender.W001"]),
        ({"PRODUCTION": False, "REDIS_URL": "redis://r", "DATABASES": POSTGRESQL}, []),
    ],
)
def test_a_mistake_is_found(settings: object, values: dict[str, object], found: list[str]) -> None:
    for name, value in values.items():
        setattr(settings, name, value)
    if "REDIS_URL" not in values:
        settings.REDIS_URL = ""  # type: ignore[attr-defined]
    assert [message.id for message in production_settings(None)] == found


@pytest.mark.django_db
def test_every_page_loads_from_this_site_alone() -> None:
    client = Client()
    for address in ("/healthz", "/admin/login/", "/rate/nobody/", "/api/v1/rate/nobody/join"):
        policy = client.get(address).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


@pytest.mark.django_db
def test_a_page_is_in_one_language() -> None:
    """Researchers' pages are in English, whatever the browser asks for; raters' in the browser's language."""
    campaign = make_campaign().campaign
    client = Client(headers={"accept-language": "ko"})
    client.force_login(User.objects.create_superuser("admin", password="x"))
    page = client.get(f"/admin/annotations/campaign/{campaign.pk}/change/").content.decode()
    assert '<html lang="en"' in page
    assert "Log out" in page
    for address in (f"/rate/{campaign.token}/", f"/admin/annotations/campaign/{campaign.pk}/preview/0/"):
        assert '<html lang="ko"' in client.get(address).content.decode()


@override_settings(ALLOWED_HOSTS=["stories.example.org", "127.0.0.1"])
def test_another_host_is_refused() -> None:
    assert Client().get("/healthz", headers={"host": "127.0.0.1:8000"}).status_code == 200
    assert Client().get("/rate/x/", headers={"host": "evil.example.org"}).status_code == 400
