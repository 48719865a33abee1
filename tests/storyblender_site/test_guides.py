"""The guides as pages: every link of theirs, and every link to them, leads somewhere."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import resolve

from storyblender_site.site.guides import DOCS, GUIDES, guide_of, terms
from storyblender_site.site.urls import urlpatterns
from storyblender_site.templatetags import site

TEMPLATES = [*Path(site.__file__).parents[2].glob("*/templates/**/*.html")]


@pytest.fixture
def client(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("ada"))
    return client


@pytest.mark.parametrize("name", GUIDES)
def test_every_link_of_a_guide_leads_somewhere(client: Client, name: str) -> None:
    answer = client.get(f"/help/{name}/")
    assert answer.status_code == 200
    body = str(guide_of(name).body)
    for address, anchor in re.findall(r'href="(/[^"#]*)?(#[^"]+)?"', body):
        target = resolve(address).kwargs["name"] if address else name
        assert not anchor or f'id="{anchor[1:]}"' in guide_of(target).body, (name, address, anchor)
    for address in set(re.findall(r'src="([^"]+)"', body)):
        assert client.get(address).status_code == 200, address


def test_every_page_of_the_site_leads_to_the_part_that_is_about_it() -> None:
    for part, address in site.GUIDES.items():
        name, anchor = address.split("/#")
        assert f'id="{anchor}"' in guide_of(name).body, address
        assert known(part), part


def known(part: str) -> bool:
    """Whether a page's address begins like this, or is this one."""
    if any(str(pattern.pattern).startswith(part) for pattern in urlpatterns):
        return True
    return resolve(f"/{part}/").kwargs.popitem()[1] == part.rpartition("/")[2]


def test_nothing_but_guides_and_their_pictures_is_served(client: Client) -> None:
    for address in ("/help/../README/", "/help/adr/", "/help/pictures/..%2Fengineer.md", "/help/pictures/none.png"):
        assert client.get(address).status_code == 404, address
    assert Client().get("/help/researcher/").status_code == 302


def test_terms_are_those_of_the_glossary() -> None:
    assert (
        str(terms()["split"]) == "<code>train</code>, <code>feedback</code>, <code>valid</code> or <code>test</code>."
    )
    assert (
        len(terms()) >= len(re.findall(r"^\| (?!term \|)[a-z]", (DOCS / "glossary.md").read_text(), re.MULTILINE)) > 100
    )
    used = {name for file in TEMPLATES for name in re.findall(r'{% term "([^"]+)"', file.read_text())}
    assert len(used) > 8
    assert used <= terms().keys()
