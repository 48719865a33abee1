"""By keyboard alone from the welcome page through all questions and the screens to the code, in both languages."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewPage, check_accessible, check_fits
from tests.browser.test_rating_page import DESK, PHONE, expect_ready
from tests.site import Site

ASKED = {
    "items": 1,
    "screens_per_rater": 1,
    "minimum_answers": 1,
    "entry": [
        {
            "id": "reads", "text": "Do you read stories?", "kind": "choice", "options": ["often", "seldom"],
            "ko": {"text": "이야기를 읽으십니까?", "options": ["자주", "드물게"]},
        },
        {"id": "from", "text": "Where are you from?", "kind": "text", "ko": {"text": "어디에서 오셨습니까?"}},
    ],
    "comprehension": [
        {
            "id": "what", "text": "What do you judge?", "options": ["texts", "pictures", "people"], "answer": "texts",
            "ko": {"text": "무엇을 평가합니까?", "options": ["글", "사진", "사람"]},
        },
    ],
    "exit": [
        {
            "id": "hard", "text": "How hard was it?", "kind": "scale", "low": 1, "high": 5, "low_label": "easy",
            "high_label": "hard", "ko": {"text": "얼마나 어려웠습니까?", "low_label": "쉬움", "high_label": "어려움"},
        },
    ],
}  # fmt: skip
WORDS = {
    "en-US": [
        "Do you read stories?",
        "What do you judge?",
        "How hard was it?",
        "There is nothing left for you to rate.",
    ],
    "ko-KR": ["이야기를 읽으십니까?", "무엇을 평가합니까?", "얼마나 어려웠습니까?", "더 평가할 것이 없습니다."],
}


def press(page: Page, place: Locator, *keys: str) -> None:
    """Tab to a place that can be reached so, and press keys there."""
    for _ in range(40):
        if place.evaluate("at => at === document.activeElement"):
            break
        page.keyboard.press("Tab")
    else:
        raise AssertionError(f"Tab never leads to {place}")
    for key in keys:
        page.keyboard.press(key)


def look(page: Page, words: str) -> None:
    expect(page.locator("main")).to_contain_text(words)
    check_accessible(page)
    check_fits(page)


@pytest.mark.parametrize("link", [ASKED], indirect=True)
@pytest.mark.parametrize(("size", "language"), [(DESK, "en-US"), (PHONE, "ko-KR")], ids=["desk", "phone"])
def test_from_the_welcome_page_to_the_code(
    rating_site: Site, link: str, new_page: NewPage, size: dict[str, Any], language: str
) -> None:
    entry, comprehension, ending, done = WORDS[language]
    page = new_page(**size, locale=language)
    send = page.locator("#questions button.primary")

    page.goto(link)
    check_accessible(page)
    check_fits(page)
    press(page, page.locator("button.primary"), "Enter")
    look(page, entry)
    press(page, page.locator('[name="question:reads"]').first, "Space")
    press(page, send, "Enter")
    expect(page.locator(".problem")).to_have_count(1)
    look(page, entry)
    assert page.locator('[name="question:reads"]').first.is_checked(), "what was chosen is still there"
    press(page, page.locator('[name="question:from"]'), *"Busan")
    press(page, send, "Enter")

    what = page.locator('[name="question:what"]')
    look(page, comprehension)
    press(page, what.first, "Space", "ArrowDown")
    press(page, send, "Enter")
    expect(page.locator(".problem")).to_have_count(1)
    look(page, comprehension)
    press(page, what.first, "Space")
    press(page, send, "Enter")

    expect_ready(page)
    check_accessible(page)
    check_fits(page)
    for slider in page.locator("input[type=range]").all():
        press(page, slider, "7")
    page.keyboard.press("Enter")

    look(page, ending)
    press(page, page.locator('[name="question:hard"]').first, "Space", "ArrowRight")
    expect(page.locator(".code")).to_have_count(0)
    press(page, send, "Enter")
    expect(page.locator(".code output")).to_have_text(re.compile("^[A-Z0-9-]{6,}$"))
    look(page, done)
