"""A mistake in the settings keeps the site from starting or is said by a check; pages carry the headers they should."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings

from storyblender_site.addresses import site_address
from storyblender_site.checks import private_files, production_settings
from storyblender_site.production import problems
from tests.factories import make_campaign
from tests.site import ROOT, Site

SQLITE = {"default": {"ENGINE": "django.db.backends.sqlite3"}}
POSTGRESQL = {"default": {"ENGINE": "django.db.backends.postgresql"}}
SOUND: dict[str, Any] = {
    "production": True, "debug": False, "own_key": False, "https": True, "proxied": True,
    "site": site_address("https://stories.example.org"), "hosts": ["stories.example.org", "[::1]"],
    "origins": ["https://stories.example.org"],
}  # fmt: skip
PLAIN = site_address("http://127.0.0.1:8000")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, ""),
        ({"own_key": True}, "SECRET_KEY is not set"),
        ({"debug": True}, "DEBUG"),
        ({"site": PLAIN}, "set SITE_URL=https://127.0.0.1"),
        ({"https": False}, "HTTPS is off but SITE_URL is https://stories.example.org"),
        ({"https": False, "site": PLAIN, "proxied": False}, ""),
        ({"proxied": False}, "TRUSTED_PROXIES is not set"),
        ({"hosts": ["https://stories.example.org"]}, "'https://stories.example.org' must be a host name only"),
        ({"hosts": ["stories.example.org:8000"]}, "'stories.example.org:8000' must be a host name only"),
        ({"hosts": ["*"]}, "'*'"),
        ({"origins": ["stories.example.org"]}, "must begin with http:// or https://"),
        ({"production": False, "own_key": True, "debug": True, "proxied": False}, ""),
    ],
)
def test_what_keeps_the_site_from_starting(values: dict[str, Any], said: str) -> None:
    found = list(problems(**SOUND | values))
    assert len(found) == bool(said)
    assert said in "".join(found)


@pytest.mark.once
@pytest.mark.parametrize(
    ("command", "env", "said"),
    [
        (["manage.py", "migrate"], {}, "error: PRODUCTION is on but SECRET_KEY is not set"),
        (
            ["-c", "import storyblender_site.wsgi"],
            {"SECRET_KEY": "k", "DEBUG": "1"},
            "PRODUCTION and DEBUG are both on",
        ),
        (["-m", "celery", "-A", "storyblender_site", "worker"], {}, "PRODUCTION is on but SECRET_KEY is not set"),
    ],
    ids=["command", "site", "worker"],
)
def test_no_process_starts_in_production_without_a_key(
    tmp_path: Path, command: list[str], env: dict[str, str], said: str
) -> None:
    left = {name: value for name, value in os.environ.items() if name != "SECRET_KEY"}
    whole = {**left, "VAR_DIR": str(tmp_path), "PRODUCTION": "1", **env}
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=whole, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert said in done.stderr
    assert not list(tmp_path.rglob("secret_key"))


@pytest.mark.once
def test_nobody_else_can_read_the_database(tmp_path: Path) -> None:
    """Under the usual umask, and where an earlier version made the file for everybody to read."""
    site = Site(tmp_path / "var")
    for name in ("DATABASE_URL", "REDIS_URL"):
        site.env.pop(name, None)
    write = (
        "import os; os.umask(0o022); import django; django.setup(); from django.db import connection as c\n"
        "c.cursor().execute('CREATE TABLE IF NOT EXISTS t (a)')\n"
        "from pathlib import Path\n"
        "from django.conf import settings as s\n"
        "files = sorted([s.VAR_DIR, *s.VAR_DIR.glob('*sqlite3*')])\n"
        "print([(f.name, oct(f.stat().st_mode)[-3:]) for f in files])"
    )
    site.env["DJANGO_SETTINGS_MODULE"] = "storyblender_site.settings"
    made = "storyblender.sqlite3"
    for _ in range(2):
        command = [sys.executable, "-c", write]
        done = subprocess.run(command, cwd=ROOT, env=site.env, capture_output=True, text=True, timeout=60)
        files = [("var", "700"), (made, "600"), (f"{made}-shm", "600"), (f"{made}-wal", "600")]
        assert done.stdout.strip() == str(files), done.stderr
        (site.var_dir / made).chmod(0o644)


def test_files_that_everybody_can_read_are_said(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    tmp_path.chmod(0o750)
    assert private_files(None) == []
    tmp_path.chmod(0o755)
    [warning] = private_files(None)
    assert (warning.id, warning.hint) == ("storyblender.W003", f"chmod o-rwx {tmp_path}")


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"REDIS_URL": ""}, []),
        ({"REDIS_URL": "redis://r", "DATABASES": SQLITE}, ["storyblender.W001"]),
        ({"REDIS_URL": "redis://r", "DATABASES": POSTGRESQL}, []),
    ],
)
def test_a_mistake_is_found(settings: object, values: dict[str, object], found: list[str]) -> None:
    for name, value in values.items():
        setattr(settings, name, value)
    assert [message.id for message in production_settings(None)] == found


@pytest.mark.django_db
def test_every_page_loads_from_this_site_alone() -> None:
    client = Client()
    for address in ("/healthz", "/login/", "/rate/nobody/", "/api/v1/rate/nobody/join"):
        policy = client.get(address).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


@pytest.mark.django_db
def test_a_page_is_in_one_language() -> None:
    """Researchers' pages are in English, whatever the browser asks for; raters' in the browser's language."""
    campaign = make_campaign().campaign
    client = Client(headers={"accept-language": "ko"})
    client.force_login(User.objects.create_superuser("admin", password="x"))
    page = client.get(f"/campaigns/{campaign.pk}/").content.decode()
    assert '<html lang="en"' in page
    assert "Log out" in page
    for address in (f"/rate/{campaign.token}/", f"/campaigns/{campaign.pk}/preview/0/"):
        assert '<html lang="ko"' in client.get(address).content.decode()


@override_settings(ALLOWED_HOSTS=["stories.example.org", "127.0.0.1"])
def test_another_host_is_refused() -> None:
    assert Client().get("/healthz", headers={"host": "127.0.0.1:8000"}).status_code == 200
    assert Client().get("/rate/x/", headers={"host": "evil.example.org"}).status_code == 400
