"""Default-deny: who sees what, login throttling, and a password set by a link."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from storyblender_site.accounts import account_make, password_link
from tests.factories import make_campaign
from workers.models import Run

pytestmark = pytest.mark.django_db
OPEN_TO_ALL = (
    "healthz",
    "readyz",
    "rate/",
    "api/v1/rate/",
    "account/",
    "login/",
    "shared/",
    "admin/login/",
    "admin/jsi18n/",
)
NAVIGATION = re.compile(r'<nav aria-label="Site">(.*?)</nav>', re.DOTALL)


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def addresses(resolver: URLResolver, before: str = "") -> Iterator[str]:
    """An address of every URL pattern, its parameters filled in."""
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, route)
        elif isinstance(pattern, URLPattern):
            filled = re.sub(r"<uuid:\w+>", "00000000-0000-4000-8000-000000000000", route)
            filled = re.sub(r"<\w*:?\w+>|\(\?P<\w+>[^)]*\)", "1", filled)
            yield re.sub(r"[\^$]|\\.", "", filled)


def test_every_page_is_closed_to_strangers_unless_it_is_meant_for_them() -> None:
    found = sorted(set(addresses(get_resolver())))
    assert len(found) > 60
    for address in found:
        if address.startswith(OPEN_TO_ALL):
            continue
        for method in ("get", "post"):
            answer = getattr(Client(), method)(f"/{address}")
            assert answer.status_code in (302, 403, 404, 405), (method, address)
            if answer.status_code == 302:
                assert "/login/" in answer.headers["Location"], address


def test_an_account_without_a_role_sees_nothing() -> None:
    client = Client()
    client.force_login(User.objects.create_user("visitor", password="x"))
    for address in ("runs", "campaign_new", "datasets", "reports"):
        assert client.get(reverse(address)).status_code == 403
    assert client.get(reverse("admin:index")).status_code == 302
    [shown] = NAVIGATION.findall(client.get(reverse("start")).content.decode())
    assert re.findall(r'href="([^"]+)"', shown) == ["/settings/"]


def test_a_researcher_does_the_work_and_no_more() -> None:
    campaign = make_campaign().campaign
    run = Run.objects.create(kind="score", config={})
    client = Client()
    client.force_login(account_make(name="ada", role="researcher"))
    allowed = [
        reverse("start"),
        reverse("runs"),
        reverse("run", args=[run.pk]),
        reverse("launch", args=["train"]),
        reverse("import", args=["vist"]),
        reverse("checkpoints"),
        reverse("campaigns"),
        reverse("campaign", args=[campaign.pk]),
        reverse("report", args=[campaign.pk]),
        reverse("campaign_new"),
        reverse("dataset", args=[campaign.dataset.pk]),
        reverse("systems"),
        reverse("feedback_sets"),
    ]
    for address in allowed:
        assert client.get(address).status_code == 200, address
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        if model._meta.app_label == "auth":
            assert client.get(reverse(f"{name}_changelist")).status_code == 403
        if model is not Run:
            assert client.get(reverse(f"{name}_add")).status_code == 403
    assert client.get(reverse("admin:workers_run_add")).headers["Location"] == reverse("launch", args=["train"])
    assert client.get(reverse("admin:auth_user_change", args=[1])).status_code == 403


def log_in(client: Client, name: str, password: str) -> int:
    return client.post("/login/", {"username": name, "password": password}).status_code


def test_logging_in_leads_to_the_page_that_was_asked_for_and_logging_out_to_the_login() -> None:
    account_make(name="ada", role="researcher", password="right horse")
    client, typed = Client(), {"username": "ada", "password": "right horse"}
    assert client.get("/campaigns/").headers["Location"] == "/login/?next=/campaigns/"
    assert client.post("/login/", {**typed, "next": "/campaigns/"}).headers["Location"] == "/campaigns/"
    assert client.post("/logout/").headers["Location"] == "/login/"
    client.force_login(User.objects.get())
    assert client.post("/admin/logout/").headers["Location"] == "/login/", "the button of Django's admin"
    assert client.get("/campaigns/").status_code == 302
    assert client.post("/login/", {**typed, "next": ""}).headers["Location"] == "/"
    assert Client().get("/admin/", follow=True).redirect_chain[-1] == ("/login/?next=%2Fadmin%2F", 302)


def test_guessing_a_password_is_stopped_and_others_are_not() -> None:
    for name in ("ada", "bob"):
        account_make(name=name, role="researcher", password="right horse")
    client = Client()
    for _ in range(4):
        assert log_in(client, "ada", "wrong") == 200
    locked = client.post("/login/", {"username": "ada", "password": "wrong"})
    assert locked.status_code == 429
    assert "Too many wrong passwords" in locked.content.decode()
    assert log_in(client, "ada", "right horse") == 429
    assert log_in(Client(), "bob", "right horse") == 302


@override_settings(TRUSTED_PROXIES=1)
def test_nobody_is_locked_out_by_another_client_behind_the_proxy() -> None:
    """Every connection is the proxy's; the client is who the proxy says it is, whatever the client wrote there."""
    account_make(name="ada", role="researcher", password="right horse")
    sent = {"REMOTE_ADDR": "172.20.0.5", "HTTP_X_FORWARDED_FOR": "192.0.2.1, 203.0.113.66"}
    stranger, ada = Client(**sent), Client(REMOTE_ADDR="172.20.0.5", HTTP_X_FORWARDED_FOR="203.0.113.7")
    for number in range(6):
        stranger.defaults["HTTP_X_FORWARDED_FOR"] = f"192.0.2.{number}, 203.0.113.66"
        last = log_in(stranger, "ada", "wrong")
    assert last == 429
    assert log_in(ada, "ada", "right horse") == 302


def test_one_address_cannot_try_one_password_on_every_account(settings: Any) -> None:
    settings.LOGIN_FAILURES_PER_ADDRESS = 8
    account_make(name="ada", role="researcher", password="right horse")
    client = Client()
    assert [log_in(client, f"name{number}", "wrong") for number in range(10)] == [200] * 8 + [429] * 2
    assert log_in(client, "ada", "right horse") == 429
    assert log_in(Client(REMOTE_ADDR="203.0.113.7"), "ada", "right horse") == 302


def test_a_link_sets_a_password_once(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("account_link", "ada", "--role", "researcher")
    [link] = re.findall(r"https?://[^/]+(/account/\S+)", capsys.readouterr().out)
    assert not User.objects.get(username="ada").has_usable_password()
    client = Client()
    page = client.get(link, follow=True)
    form = page.redirect_chain[-1][0]
    answer = client.post(form, {"new_password1": "a long enough one", "new_password2": "a long enough one"})
    assert answer.status_code == 302
    assert log_in(Client(), "ada", "a long enough one") == 302
    assert "set-password" not in Client().get(link, follow=True).request["PATH_INFO"]
    assert password_link(User.objects.get(username="ada")) != link


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nobody"], "does not exist"),
        (["ada", "--role", "researcher"], "already exists"),
        (["two words", "--role", "admin"], "valid username"),
    ],
)
def test_a_mistake_is_said(arguments: list[str], says: str) -> None:
    account_make(name="ada", role="researcher")
    with pytest.raises(CommandError, match=says):
        call_command("account_link", *arguments)
    assert User.objects.count() == 1


def test_djangos_admin_shows_the_rows_and_changes_none(client: Client) -> None:
    campaign = make_campaign().campaign
    Run.objects.create(kind="score", config={})
    client.force_login(account_make(name="boss", role="admin"))
    opened = 0
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert client.get(reverse(f"{name}_changelist")).status_code == 200, name
        if (row := model._default_manager.first()) and model._meta.app_label != "auth":
            page = client.get(reverse(f"{name}_change", args=[row.pk])).content.decode()
            assert 'name="_save"' not in page, name
            assert campaign.token not in page
            assert campaign.order_secret not in page
            opened += 1
    assert opened >= 5
