"""A rater changes the language in the middle of a screen, with a script and without."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, check_accessible, check_fits
from tests.site import Site

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1280, "height": 800}}
WORDS = {
    "criteria": ["warmth", "fluency"],
    "organizer": "The stove group",
    "contact": "stove@example.org",
    "minutes": 12,
    "criterion": {
        "warmth": {
            "question": "Does it feel warm?", "low": "cold", "high": "warm as a stove",
            "example_low": "It was raining.", "example_high": "We hugged and hugged.",
            "ko": {"title": "따뜻함", "question": "따뜻하게 느껴지나요?", "low": "차가움", "high": "난로처럼 따뜻함"},
        }
    },
}  # fmt: skip


def shown(page: Page) -> list[str]:
    return [output.text_content() or "" for output in page.locator(".slider output").all()]


@pytest.mark.parametrize("link", [WORDS], indirect=True)
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_half_an_answer_stays(rating_site: Site, link: str, new_page: NewPage, size: dict[str, object]) -> None:
    page = new_page(**size, locale="en-US")
    page.goto(link)
    expect(page.get_by_role("link", name="stove@example.org")).to_have_attribute("href", "mailto:stove@example.org")
    check_accessible(page)
    check_fits(page)
    page.get_by_role("button", name="한국어").click()
    expect(page.get_by_role("heading", name="짧은 글에 점수 매기기")).to_be_visible()
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="I agree, begin").click()
    expect(page.locator("#answer button[aria-disabled]")).to_be_visible()
    expect(page.get_by_text("Does it feel warm?").first).to_be_visible()
    draft = page.locator("#answer").get_attribute("data-draft")
    sliders = page.locator("input[type=range]")
    sliders.nth(0).focus()
    page.keyboard.press("7")
    sliders.nth(2).focus()
    page.keyboard.press("3")  # not saved yet
    page.get_by_role("button", name="한국어").click()
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.locator("#answer button[aria-disabled]")).to_be_visible()
    assert page.locator("#answer").get_attribute("data-draft") == draft
    assert shown(page) == ["70", "–", "30", "–"]
    expect(page.get_by_text("따뜻하게 느껴지나요?").first).to_be_visible()
    check_accessible(page)
    check_fits(page)
    page.get_by_role("button", name=re.compile("도움말")).click()
    expect(page.locator("#help")).to_contain_text("We hugged and hugged.")
    expect(page.locator("#help").get_by_role("link", name="stove@example.org")).to_be_visible()
    check_accessible(page)
    page.keyboard.press("Escape")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.locator("#answer button[aria-disabled]")).to_be_visible()
    assert shown(page) == ["70", "–", "30", "–"]


def test_without_a_script(rating_site: Site, link: str, new_page: NewPage) -> None:
    page = new_page(**DESK, locale="ko-KR", java_script_enabled=False)
    page.goto(link)
    page.locator(".languages button").click()
    assert page.url == link
    expect(page.get_by_role("heading", name="Rate short texts")).to_be_visible()
    page.locator("button.primary").click()
    expect(page.locator("#answer")).to_be_visible()
    where = page.url
    page.locator(".languages button").click()
    assert page.url == where
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    [cookie] = [each for each in page.context.cookies() if each["name"] == "django_language"]
    assert (cookie["path"], cookie["httpOnly"]) == ("/stories/", True)
