"""An admin invites colleagues, gives new links and closes accounts; nobody else can."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from annotations.models import AuditEntry
from storyblender_site.accounts import account_make

pytestmark = pytest.mark.django_db
PAGE, PASSWORD = "/settings/people/", "a long enough one"


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(account_make(name="boss", role="admin"))
    return client


def link_in(page: str) -> str:
    [link] = re.findall(r'value="https?://[^/]+(/account/[^"]+)"', page)
    return str(link)


def set_password(link: str) -> None:
    client = Client()
    form = client.get(link, follow=True).redirect_chain[-1][0]
    assert client.post(form, {"new_password1": PASSWORD, "new_password2": PASSWORD}).status_code == 302


def logs_in(name: str) -> bool:
    return Client().post("/login/", {"username": name, "password": PASSWORD}).status_code == 302


def test_a_colleague_is_invited_sets_a_password_and_sees_what_their_role_may(admin: Client) -> None:
    page = admin.post(PAGE, {"name": "ada", "role": "researcher"}).content.decode()
    set_password(link_in(page))
    ada = Client()
    assert ada.post("/login/", {"username": "ada", "password": PASSWORD}).status_code == 302
    assert ada.get("/campaigns/").status_code == 200
    assert ada.get(PAGE).status_code == 403
    assert "People" not in ada.get("/settings/").content.decode()
    assert ada.post(PAGE, {"name": "eve", "role": "admin"}).status_code == 403
    boss = User.objects.get(username="boss")
    for action in ("link", "close"):
        assert ada.post(f"{PAGE}{boss.pk}/{action}/").status_code == 403
    assert not User.objects.filter(username="eve").exists()
    made = AuditEntry.objects.filter(about="account 'ada'").order_by("pk")[0]
    assert (made.person, made.detail) == ("boss", "created as researcher")


def test_an_account_is_closed_and_opened_again_and_a_lost_password_is_set_anew(admin: Client) -> None:
    ada = account_make(name="ada", role="researcher", password=PASSWORD)
    session = Client()
    session.force_login(ada)
    admin.post(f"{PAGE}{ada.pk}/close/")
    assert not logs_in("ada")
    assert session.get("/campaigns/").status_code == 302, "who is logged in is out as well"
    admin.post(f"{PAGE}{ada.pk}/open/")
    assert logs_in("ada")
    page = admin.post(f"{PAGE}{ada.pk}/link/").content.decode()
    assert f'<form method="post" action="{PAGE}"' in page, "a colleague is invited from there too"
    set_password(link_in(page))
    said = AuditEntry.objects.filter(about="account 'ada'", person="boss").order_by("pk")
    assert list(said.values_list("kind", "detail")) == [
        ("account", "closed"),
        ("account", "opened again"),
        ("link", "a link for setting its password"),
    ]


def test_mistakes_are_said_and_nobody_closes_their_own(admin: Client) -> None:
    assert "already exists" in admin.post(PAGE, {"name": "boss", "role": "admin"}).content.decode()
    assert "valid username" in admin.post(PAGE, {"name": "two words", "role": "admin"}).content.decode()
    boss = User.objects.get(username="boss")
    assert "You cannot close" in admin.post(f"{PAGE}{boss.pk}/close/", follow=True).content.decode()
    boss.refresh_from_db()
    assert boss.is_active
    assert admin.post(f"{PAGE}{boss.pk}/promote/").status_code == 404
