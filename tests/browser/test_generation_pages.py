"""A researcher reads the pages of generations: at a desk and on a phone, by day and by night."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.test_monitoring import check, log_in
from tests.browser.test_rating_page import DESK, PHONE
from tests.site import Site

ROWS = """
from django.test.utils import setup_test_environment
from tests.workers.generation_rows import generation_of, opened, rated
setup_test_environment()
generation_of(rated(opened(), first=30, second=50, human=80))
generation_of(opened("going", "fourth"), to="train", state="running", message="step 1 of 400")
generation_of(opened("ending", "fifth"), to="train", state="running", message="step 1 of 400")
generation_of(opened("harmed", "sixth"), to="train", problem="the new model is worse than the one before")
from workers.models import Checkpoint
Checkpoint.objects.filter(system__name="harmed").update(worse="the NLL of human texts rose")
"""
CHANGE = "from workers.models import Run; Run.objects.filter(generation__name={name!r}, step='train').update({fields})"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with generations, whose runs nobody does."""
    made = Site(tmp_path_factory.mktemp("site"), RUN_LOST_AFTER_SECONDS="3600")
    made.env["SITE_URL"] = f"http://127.0.0.1:{made.port}/stories"
    made.up()
    made.manage_plain("shell", "-v0", "-c", ROWS)
    yield made
    made.close()


def change(site: Site, name: str, fields: str) -> None:
    site.manage_plain("shell", "-v0", "-c", CHANGE.format(name=name, fields=fields))


def turn_to(page: Page, site: Site, name: str) -> None:
    page.goto(f"{site.env['SITE_URL']}/models/generations/")
    page.get_by_role("link", name=name, exact=True).click()


@pytest.mark.parametrize(
    ("name", "size", "colours"),
    [("day", DESK, "light"), ("night", DESK, "dark"), ("phone", PHONE, "light"), ("bed", PHONE, "dark")],
)
def test_the_pages_of_generations(site: Site, new_page: NewPage, name: str, size: dict[str, Any], colours: str) -> None:
    page = new_page(**size, color_scheme=colours)
    log_in(page, site, name)
    turn_to(page, site, "second")
    expect(
        page.get_by_text("People: the new model’s texts are rated higher than those of the model before.")
    ).to_be_visible()
    expect(page.get_by_role("img", name="estimates and 95 % intervals")).to_have_count(2)
    check(page)
    page.go_back()
    expect(page.get_by_role("cell", name="the new model is ahead")).to_be_visible()
    check(page)
    turn_to(page, site, "harmed")
    expect(page.get_by_role("button", name="Go on all the same")).to_be_visible()
    check(page)
    turn_to(page, site, "going")
    expect(page.get_by_label("progress: Train the new model")).to_be_visible()
    check(page)
    change(site, "going", f"message='step of {name}'")
    expect(page.get_by_text(f"step of {name}")).to_be_visible(timeout=15_000)
    page.get_by_role("link", name="Generations").first.click()
    page.get_by_role("link", name="Train the next generation").click()
    page.get_by_text("More settings").click()
    check(page)


def test_the_page_is_loaded_again_once_nothing_moves(site: Site, new_page: NewPage) -> None:
    page = new_page(**DESK)
    log_in(page, site, "end")
    turn_to(page, site, "ending")
    expect(page.get_by_text("step 1 of 400")).to_be_visible()
    assert page.get_by_role("button", name="Go on").count() == 0
    change(site, "ending", "state='failed', message='out of memory', finished_at='2026-01-01T00:00Z'")
    expect(page.get_by_text("Train the new model: out of memory")).to_be_visible(timeout=15_000)
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    check(page)
