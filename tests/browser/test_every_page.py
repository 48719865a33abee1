"""Every page of the researcher's site, from its table of addresses: a new one fails until it is listed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from storyblender_site.site.urls import urlpatterns
from tests.browser.conftest import NewPage, check_accessible, check_fits
from tests.browser.feedback_rows import PASSWORD, USER
from tests.browser.test_feedback_pages import OPENING
from tests.browser.test_rating_page import DESK, PHONE
from tests.site import Site

FILES = {
    "photo", "feedback_set_export", "campaign_photo", "campaign_pay", "campaign_toml", "campaign_preregister",
    "campaign_questionnaires", "compare_export", "report_export", "ratings_export", "audit_export", "guide_picture",
}  # fmt: skip
PARTS = {"generation_watch", "run_watch", "campaign_progress", "campaign_count", "pretrained"}  # of other pages
DEEDS = {  # which lead to a page
    "logout", "theme", "first_album", "checkpoint_prune", "generation_act", "run_act", "campaign_exclude",
    "campaign_erase", "campaign_links", "campaign_try", "report_unblind", "people_act", "help", "report_share",
}  # fmt: skip
ELSEWHERE = {
    "login",
    "shared_report",
    "campaign_preview",
    "remove_import",
}  # the login is opened below; the preview is a rater's page
VARIANTS = [(size, colours) for size in ("desk", "phone") for colours in ("light", "dark")]


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[str]]]:
    """The addresses of the pages of a site without workers, by their names."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.env["SITE_URL"] = f"http://127.0.0.1:{site.port}/stories"  # below a path, as behind a proxy
    told = site.manage_plain("shell", "-v0", "-c", "from tests.browser.site_rows import make; make()")
    site.start("manage.py", "serve", log="serve.log")
    site.wait(site.healthy, 60, "the site to answer")
    pages = json.loads(told.splitlines()[-1])
    yield {name: [f"http://127.0.0.1:{site.port}{path}" for path in of] for name, of in pages.items()}
    site.close()


@pytest.fixture(scope="module")
def logged_in(paths: dict[str, list[str]], browser: Browser) -> Any:
    """What an admin's browser keeps; the page of the login is checked on the way."""
    page = browser.new_page()
    page.goto(paths["start"][0])
    check_accessible(page)
    page.get_by_label("Username").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Where things stand")).to_be_visible()
    kept = page.context.storage_state()
    page.close()
    return kept


def test_every_address_is_listed(paths: dict[str, list[str]]) -> None:
    assert {pattern.name for pattern in urlpatterns} == paths.keys() | FILES | PARTS | DEEDS | ELSEWHERE


@pytest.mark.parametrize(("size", "colours"), VARIANTS)
def test_every_page_is_accessible_and_fits(
    paths: dict[str, list[str]], logged_in: Any, new_page: NewPage, size: str, colours: Any
) -> None:
    options = DESK if size == "desk" else PHONE
    page = new_page(**options, locale="en-US", color_scheme=colours, storage_state=logged_in)
    wrong = []
    for address in (each for of in paths.values() for each in of):
        answer = page.goto(address)
        page.evaluate(OPENING)
        try:
            assert answer
            assert answer.status == 200, "it does not open"
            check_accessible(page)
            check_fits(page)
        except AssertionError as error:
            wrong.append((address, str(error)))
    assert not wrong
