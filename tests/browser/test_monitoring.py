"""A researcher watches a campaign, at a desk by day and on a phone by night: from its page to a rater's answers."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, check_accessible, check_fits
from tests.browser.test_rating_page import DESK, PHONE, answer, join
from tests.site import Site

PASSWORD = "one long password"
SEEN = {"cannot_say": ["fluency"], "comments": True, "overlap": 2, "show": "caption"}


def log_in(page: Page, site: Site, name: str) -> None:
    site.manage("account_link", name, "--role", "researcher")
    code = f"from django.contrib.auth.models import User; u = User.objects.get(username='{name}'); "
    site.manage_plain("shell", "-v0", "-c", f"{code}u.set_password('{PASSWORD}'); u.save()")
    page.goto(site.env["SITE_URL"])
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def check(page: Page) -> None:
    check_accessible(page)
    check_fits(page)


@pytest.mark.parametrize("link", [SEEN], indirect=True)
@pytest.mark.parametrize(("name", "size", "colours"), [("desk", DESK, "light"), ("phone", PHONE, "dark")])
def test_from_the_campaign_to_an_answer_and_from_a_dry_run_back(
    rating_site: Site, link: str, new_page: NewPage, name: str, size: dict[str, Any], colours: str
) -> None:
    rater = new_page(**DESK, locale="en-US")
    join(rater, link)
    rater.get_by_label("A comment on this screen").fill("the boat is red")
    answer(rater, "7")
    answer(rater, "3")
    page = new_page(**size, locale="en-US", color_scheme=colours)
    log_in(page, rating_site, name)
    page.goto(f"{rating_site.env['SITE_URL']}/campaigns/")
    page.locator("#content tbody th a").first.click()
    campaign = page.url.partition("?")[0]
    page.goto(campaign)
    expect(page.get_by_text("2 of 6 screens answered (33 %)")).to_be_visible()
    expect(page.get_by_role("img", name="Answers by hour")).to_be_visible()
    expect(page.get_by_role("row", name="being rated now 1")).to_be_visible()
    check(page)

    table = page.locator("#raters")
    held = table.element_handle()
    answer(rater, "5")
    expect(page.get_by_text("3 of 6 screens answered (50 %)")).to_be_visible(timeout=25_000)
    assert held is not None
    assert held.evaluate("each => each.isConnected && each.innerText.includes('working')"), "the table was left alone"
    page.get_by_role("link", name="All raters, by state").click()
    page.get_by_role("link", name="Answered").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Answered")
    check(page)
    page.locator("#content table tbody a").first.click()
    expect(page.get_by_role("article")).to_have_count(3)
    first = page.get_by_role("article").first
    expect(first).to_contain_text("Human-likeness: 70")
    expect(first).to_contain_text("Comment: the boat is red")
    check(page)
    page.get_by_role("button", name="Show who wrote the texts; this is logged").click()
    expect(page.get_by_role("article").first).to_contain_text("Written by:")
    check(page)
    page.get_by_role("article").first.get_by_role("link", name="Item").click()
    expect(page.get_by_role("article")).to_have_count(1)
    check(page)
    page.get_by_role("link", name="Items").click()
    check(page)

    page.goto(campaign)
    page.get_by_role("button", name="Try it out").click()
    expect(page.get_by_text("Dry run: your answers are marked as tries and never count.")).to_be_visible()
    check_accessible(page)
    check_fits(page)
    page.get_by_role("link", name="back to the campaign").click()
    expect(page).to_have_url(campaign)
