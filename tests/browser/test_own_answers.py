"""A rater reads again what they sent, at a desk and on a phone, by day and by night."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewPage, check_accessible, check_fits
from tests.browser.test_rating_page import DESK, PHONE, answer, expect_ready, join, of, set_slider
from tests.site import Site

COMMENTED = {"cannot_say": ["fluency"], "comments": True, "show": "caption"}


@pytest.mark.parametrize("link", [COMMENTED], indirect=True)
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_list_and_the_way_there_and_back(
    rating_site: Site, link: str, new_page: NewPage, size: dict[str, Any], colours: str
) -> None:
    page = new_page(**size, locale="en-US", color_scheme=colours)
    join(page, link)
    check_fits(page)
    page.get_by_label("A comment on this screen").fill("the boat is red")
    answer(page, "7")
    answer(page, "3")
    set_slider(page, 0, "5")
    page.get_by_role("link", name="Your answers").click()
    expect(page.get_by_role("article")).to_have_count(2)
    newest, first = page.get_by_role("article").all()
    expect(newest).to_contain_text("Human-likeness: 30")
    expect(first).to_contain_text("Your comment: the boat is red")
    expect(first.get_by_role("button")).to_have_count(0)
    check_accessible(page)
    check_fits(page)
    page.get_by_role("link", name="Back to rating").click()
    expect_ready(page)
    assert page.locator(".slider output").first.text_content() == "50", "what was set is still there"

    page.get_by_role("link", name="Your answers").click()
    page.get_by_role("button", name="Undo last").click()
    expect_ready(page)
    expect(page.get_by_text("Taken back. Here is that screen again.")).to_be_visible()
    page.locator("button.primary").click()
    expect(page.get_by_text("2 of 3 done")).to_be_visible()
    page.get_by_role("link", name="Your answers").click()
    expect(page.get_by_role("article").nth(1)).to_contain_text("taken back")
    check_accessible(page)
    page.get_by_role("button", name="한국어").click()
    expect(page.get_by_role("heading", name="내 답변")).to_be_visible()
    check_fits(page)
    assert [kind for kind, _ in of(link, rating_site)] == ["answer", "answer", "withdrawn", "answer"]


@pytest.mark.parametrize(
    "link",
    [
        {"protocol": "likert"},
        {"protocol": "pairwise"},
        {"protocol": "best_worst", "systems": ["human", "lstm", "gru"]},
        {"protocol": "ranking", "systems": ["human", "lstm", "gru"]},
        {"protocol": "human_or_machine", "criteria": ["human_likeness"]},
    ],
    indirect=True,
    ids=lambda given: given["protocol"],
)
def test_it_is_accessible_with_any_choices(link: str, new_page: NewPage) -> None:
    page = new_page(**PHONE, locale="en-US")
    join(page, link)
    for number, group in enumerate(page.locator("[role=radiogroup]").all()):
        group.locator("label").nth(-1 - number % 2).tap()
    page.locator("button.primary").tap()
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    page.get_by_role("link", name="Your answers").tap()
    expect(page.locator(".said")).not_to_have_count(0)
    check_accessible(page)
    check_fits(page)
