"""A researcher's whole way in the site, with a real worker: import, train, decode, campaign, rating, report."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from samples.generate import generate
from tests.browser.conftest import NewPage, check_accessible, check_fits
from tests.browser.test_rating_page import DESK, PHONE
from tests.site import Site

ALBUMS = {"train": 10, "valid": 2, "test": 4}
PASSWORD = "one long password"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An empty site with web process, worker and sweeper, and a researcher's account."""
    made = Site(tmp_path_factory.mktemp("site"), RUN_HEARTBEAT_SECONDS="0.5", SWEEP_EVERY_SECONDS="0.5")
    made.env["SITE_URL"] = f"http://127.0.0.1:{made.port}/stories"  # below a path, as behind a proxy
    made.up()
    files = generate(made.var_dir / "written", albums=ALBUMS)
    assert files["test"]["dii"].is_file()
    (made.var_dir / "images").mkdir()
    (made.var_dir / "written" / "images").rename(made.var_dir / "images" / "drawn")
    yield made
    made.close()


def check(page: Page) -> None:
    """What is the project's own of an admin page, its content, is accessible, and the page fits its screen."""
    check_accessible(page)
    check_fits(page)


def wait_until_done(page: Page) -> None:
    """The run's page, which asks again by itself, says that it is done."""
    expect(page.locator("#run .state")).to_have_text("done", timeout=90_000)
    check(page)


def choose(page: Page, label: str, value: str) -> None:
    page.get_by_label(label, exact=True).select_option(value)


def import_split(page: Page, site: Site, split: str) -> None:
    page.get_by_role("link", name="Story Blender", exact=True).click()
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("Dataset", exact=True).fill("drawn")
    choose(page, "Split", split)
    folder = site.var_dir / "written"
    page.locator("#id_dii").set_input_files(folder / f"{split}.description-in-isolation.json")
    page.locator("#id_sis").set_input_files(folder / f"{split}.story-in-sequence.json")
    choose(page, "Images", "drawn")
    page.get_by_role("button", name="Import").click()
    wait_until_done(page)


def rate(page: Page, link: str, screens: int) -> None:
    page.goto(link)
    page.locator("button.primary").click()
    for screen in range(screens):
        expect(page.locator("#progress-label")).to_contain_text(f"{screen} of")
        page.locator(".source img").evaluate("image => image.decode()")  # fails where there is no picture
        for number, slider in enumerate(page.locator("input[type=range]").all()):
            slider.focus()
            page.keyboard.press(str((3 * number + screen) % 10))
        page.keyboard.press("Enter")
    expect(page.locator(".code")).to_be_visible()


def test_from_the_import_form_to_the_exported_report(site: Site, new_page: NewPage, tmp_path: Path) -> None:
    link = site.manage("account_link", "ada", "--role", "researcher")["link"]
    page = new_page(**DESK)
    page.goto(link)
    check(page)
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    check(page)
    page.get_by_role("link", name="Log in").click()
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Where things stand")).to_be_visible()
    check(page)

    for split in ALBUMS:
        import_split(page, site, split)
    page.get_by_role("link", name="drawn", exact=True).click()
    expect(page.get_by_role("link", name="60 captions of").first).to_be_visible()
    check(page)

    page.get_by_role("link", name="Story Blender", exact=True).click()
    page.get_by_role("link", name="Train a model").click()
    check(page)
    choose(page, "Preset", "tiny")
    page.get_by_label("Name", exact=True).fill("little")
    page.get_by_label("Budget, in seconds").fill("8")
    page.get_by_role("button", name="Start training").click()
    expect(page.locator(".curve svg")).to_be_visible(timeout=60_000)
    expect(page.locator(".log")).to_contain_text("loss")
    wait_until_done(page)

    page.get_by_role("link", name="Decode with it").click()
    assert page.get_by_label("System", exact=True).input_value() == "little"
    page.get_by_role("button", name="Start decoding").click()
    wait_until_done(page)
    page.get_by_role("link", name="little: outputs and lineage").click()
    expect(page.get_by_text("different texts for")).to_be_visible()
    check(page)
    page.locator("td a", has_text="attention").first.click()
    expect(page.locator(".heatmap svg")).to_be_visible()
    check(page)
    page.go_back()
    page.go_back()

    page.get_by_role("link", name="Create a campaign").click()
    check(page)
    page.get_by_label("Name", exact=True).fill("first")
    for system in ("human", "little", "random_story"):
        page.get_by_label(system, exact=True).check()
    choose(page, "What raters see of the source", "both")
    page.get_by_label("Items", exact=True).fill("3")
    page.get_by_label("Overlap", exact=True).fill("2")
    page.get_by_label("Items", exact=True).focus()
    expect(page.locator("#screens")).to_contain_text("6 screens: 3 items × 2 raters each.")
    page.get_by_role("button", name="Create the draft").click()
    expect(page.locator("h1 .state")).to_have_text("draft")
    check(page)
    campaign = page.url

    page.get_by_role("link", name="Preview").click()
    page.get_by_role("link", name="next").click()
    expect(page.locator("fieldset").first).to_be_visible()
    shown = page.locator("q").all_inner_texts()
    page.get_by_role("link", name="back to the campaign").click()

    page.get_by_role("button", name="Try it out").click()
    expect(page.locator(".dry-run")).to_be_visible()
    assert sorted(page.locator("q").all_inner_texts()) == sorted(shown), "the preview is what a rater sees"
    page.goto(campaign)

    page.get_by_role("button", name="Open to raters").click()
    expect(page.locator("h1 .state")).to_have_text("open")
    address = page.get_by_label("Link for raters").input_value()
    for options in (DESK, PHONE):
        rate(new_page(**options, locale="en-US"), address, 3)

    page.goto(campaign)
    expect(page.get_by_text("6 of 6 screens answered (100 %)")).to_be_visible()
    page.get_by_role("link", name="Report", exact=True).click()
    expect(page.get_by_text("Hidden until the campaign closes")).to_be_visible()
    page.goto(campaign)
    page.get_by_role("link", name="Score its systems").click()
    assert page.get_by_label("Campaign", exact=True).input_value() == "first"
    page.get_by_role("button", name="Start scoring").click()
    wait_until_done(page)
    page.goto(campaign)
    page.get_by_role("link", name="Close permanently").click()
    check(page)
    page.get_by_role("button", name="Close permanently").click()
    page.get_by_role("link", name="Report", exact=True).click()
    expect(page.locator(".report svg").first).to_be_visible()
    expect(page.get_by_role("cell", name="little").first).to_be_visible()
    check(page)

    for form in ("HTML", "CSV", "JSON", "Ratings, CSV", "Ratings, JSONL"):
        with page.expect_download() as download:
            page.get_by_role("link", name=form, exact=True).click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        assert file.stat().st_size > 200
    report = json.loads((tmp_path / "first-report.json").read_text())
    assert (report["campaign"]["ratings"], report["campaign"]["raters"]) == (6, 2)
    assert set(report["metrics"]) == {"human", "little", "random_story"}
    alone = new_page(**PHONE)
    alone.goto((tmp_path / "first-report.html").as_uri())
    expect(alone.locator("svg").first).to_be_visible()
    check_fits(alone)


def test_pages_fit_a_phone_in_the_dark(site: Site, new_page: NewPage) -> None:
    site.manage("account_link", "dark", "--role", "admin")
    code = "from django.contrib.auth.models import User; u = User.objects.get(username='dark'); "
    site.manage_plain("shell", "-v0", "-c", f"{code}u.set_password('{PASSWORD}'); u.save()")
    page = new_page(**PHONE, color_scheme="dark")
    page.goto(site.env["SITE_URL"])
    page.get_by_label("Username").fill("dark")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    start = page.url
    links = set(page.eval_on_selector_all("#content a", "all => all.map(a => a.href)"))
    for href in sorted(links | {f"{start}data/import/pairs/", f"{start}data/import/outputs/"}):
        page.goto(href)
        check(page)
        assert not re.search(r"Traceback|Server Error", page.inner_text("body"))
