"""The pages of feedback: a set, what is fitted and trained on it, and the forms that launch those."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import NewPage, check_accessible, check_fits
from tests.browser.feedback_rows import LONG, PASSWORD, USER
from tests.browser.test_rating_page import DESK
from tests.site import Site

OPENING = "document.querySelectorAll('#content details').forEach((each) => { each.open = true })"


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The pages of a site without workers, by what they show."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.env["SITE_URL"] = f"http://127.0.0.1:{site.port}/stories"  # below a path, as behind a proxy
    told = site.manage_plain("shell", "-v0", "-c", "from tests.browser.feedback_rows import make; make()")
    site.start("manage.py", "serve", log="serve.log")
    site.wait(site.healthy, 60, "the site to answer")
    yield {name: f"http://127.0.0.1:{site.port}{path}" for name, path in json.loads(told.splitlines()[-1]).items()}
    site.close()


@pytest.fixture(scope="module")
def logged_in(addresses: dict[str, str], browser: Browser) -> Any:
    """What a researcher's browser keeps."""
    page = browser.new_page()
    page.goto(addresses["sets"])
    page.get_by_label("Username").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Feedback sets")).to_be_visible()
    kept = page.context.storage_state()
    page.close()
    return kept


@pytest.fixture
def page(new_page: NewPage, logged_in: Any) -> Page:
    return new_page(**DESK, locale="en-US", storage_state=logged_in)


def check(page: Page) -> None:
    check_accessible(page)
    check_fits(page)


def open_from(page: Page, address: str, name: str) -> None:
    page.goto(address)
    page.locator("#content").get_by_role("link", name=name, exact=True).first.click()


def test_a_set_leads_to_what_learns_from_it(addresses: dict[str, str], page: Page) -> None:
    open_from(page, addresses["sets"], "set")
    expect(page).to_have_url(addresses["set"])
    page.get_by_role("link", name="Train a model on it").click()
    expect(page.get_by_role("heading", name="Train a model")).to_be_visible()
    expect(page.get_by_label("Feedback set", exact=True)).to_have_value("set")
    expect(page.get_by_label("Dataset", exact=True)).to_have_value("dataset-0")
    open_from(page, addresses["set"], "Fit a reward model on it")
    expect(page.get_by_role("heading", name="Fit a reward model")).to_be_visible()
    expect(page.get_by_label("Feedback set", exact=True)).to_have_value("set")
    page.get_by_label("Name", exact=True).fill("warmer")
    page.get_by_role("button", name="Fit").click()
    expect(page.locator("#run .state")).to_have_text("queued")
    check(page)
    open_from(page, addresses["set"], "warm")
    expect(page).to_have_url(addresses["reward run"])
    open_from(page, addresses["reward run"], "Decode with it")
    page.evaluate(OPENING)
    for label, value in (("Rerank", "reward:warm"), ("Samples", "8"), ("Texts kept", "1")):
        expect(page.get_by_label(label, exact=True)).to_have_value(value)
    open_from(page, addresses["reward models"], "warm")
    expect(page).to_have_url(addresses["reward run"])
    open_from(page, addresses["reward run"], "set")
    expect(page).to_have_url(addresses["set"])


def test_what_learned_from_a_set_leads_back_to_it(addresses: dict[str, str], page: Page) -> None:
    open_from(page, addresses["training run"], "tuned: outputs and lineage")
    expect(page).to_have_url(addresses["system"])
    expect(page.get_by_role("heading", name="What learning from feedback has cost")).to_be_visible()
    expect(page.get_by_text("Worse than before:")).to_be_visible()
    expect(page.get_by_role("link", name="Decode with it")).to_have_count(0)
    page.get_by_role("link", name="Training run").click()
    expect(page).to_have_url(addresses["training run"])
    for name in ("training run", "reward run"):
        open_from(page, addresses[name], "Feedback set set")
        expect(page).to_have_url(addresses["set"])
    open_from(page, addresses["system"], "set")
    expect(page).to_have_url(addresses["set"])
    open_from(page, addresses["feedback run"], "Feedback set scored")
    expect(page.get_by_role("heading", name="scored")).to_be_visible()


def test_a_set_is_exported_unless_it_is_invalid(addresses: dict[str, str], page: Page) -> None:
    page.goto(addresses["set"])
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as JSONL").click()
    assert download.value.suggested_filename == "set.jsonl"
    assert len(download.value.path().read_text().splitlines()) == 60
    page.goto(addresses["invalid set"])
    expect(page.get_by_role("heading", name=LONG)).to_contain_text("simulated")
    expect(page.get_by_text("It is invalid:")).to_be_visible()
    expect(page.locator("#content .buttons a.button")).to_have_text(["all", "scores", "preferences"])


def test_examples_are_paged_and_those_of_a_kind_are_shown_alone(addresses: dict[str, str], page: Page) -> None:
    page.goto(addresses["set"])
    rows, chosen = page.locator("#examples tbody tr"), page.locator("#examples [aria-current]")
    expect(rows).to_have_count(20)
    expect(chosen).to_have_text("all")
    page.get_by_role("link", name="preferences", exact=True).click()
    expect(page.get_by_text("1 to 20 of 24")).to_be_visible()
    page.get_by_role("link", name="Later examples").click()
    expect(page.get_by_text("21 to 24 of 24")).to_be_visible()
    expect(chosen).to_have_text("preferences")
    expect(rows).to_have_count(4)
    check(page)
    page.get_by_role("link", name="Earlier examples").click()
    expect(rows).to_have_count(20)
    page.get_by_role("link", name="marked errors").click()
    expect(rows).to_have_count(12)
    expect(page.locator("#examples mark")).to_have_text(["We"] * 6)
    check(page)
    page.get_by_role("link", name="Rater 1").first.click()
    expect(page.get_by_role("article")).to_have_count(6)


def test_forms_say_what_is_wrong(addresses: dict[str, str], page: Page) -> None:
    open_from(page, addresses["sets"], "Build a feedback set")
    expect(page).to_have_url(addresses["feedback"])
    page.get_by_label("Name", exact=True).fill("again")
    page.get_by_label(LONG, exact=True).check()
    page.get_by_role("button", name="Build").click()
    expect(page.locator(".errorlist")).to_contain_text("are simulated")
    check(page)
    open_from(page, addresses["reward models"], "Fit a reward model")
    expect(page).to_have_url(addresses["reward"])
    page.get_by_label("Name", exact=True).fill("again")
    page.get_by_label("Feedback set", exact=True).select_option("set")
    page.evaluate(OPENING)
    page.get_by_label("Folds", exact=True).fill("9")
    page.get_by_role("button", name="Fit").click()
    expect(page.locator(".errorlist")).to_contain_text("too few to hold out one part in 9")
    check(page)
