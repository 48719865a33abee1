"""Errors marked on the page: by keys, mouse and touch."""

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewPage, check_accessible, check_fits
from tests.browser.test_protocols import sign_in
from tests.browser.test_rating_page import DESK, PHONE, expect_ready, join, leaving_screen, of
from tests.site import Site

SPANS = {"protocol": "error_spans", "criteria": ["errors"], "overlap": 2}


def marking(page: Page, place: int = 0) -> Locator:
    return page.locator(".marking").nth(place)


def values(page: Page) -> list[Any]:
    """Of the fields, in the order of the screen; None where a text is not answered."""
    found = page.evaluate("[...document.querySelectorAll('.spans input[type=hidden]')].map((each) => each.value)")
    return [json.loads(value) if value else None for value in found]


def texts(page: Page) -> list[str]:
    found: list[str] = page.evaluate("[...document.querySelectorAll('.marking')].map((each) => each.textContent)")
    return found


def rate_by_keyboard(page: Page) -> None:
    """A minor error in the first text, nothing in the second."""
    expect_ready(page)
    marking(page).focus()
    for key in ("Shift+ArrowRight", "1", "Enter"):
        page.keyboard.press(key)
    marking(page, 1).focus()
    page.keyboard.press("n")
    with leaving_screen(page):
        page.locator("button.primary").press("Enter")


def rate_by_touch(page: Page) -> None:
    """A major error from the first to the third word of the first text, nothing in the second."""
    expect_ready(page)
    words = marking(page).get_by_role("option")
    words.nth(0).tap()
    words.nth(2).tap()
    check_fits(page)
    page.locator(".kind:visible [data-category]").nth(1).tap()
    page.locator(".kind:visible [data-severity]").nth(1).tap()
    page.locator(".none").nth(1).tap()
    check_fits(page)
    with leaving_screen(page):
        page.locator("button.primary").tap()


@pytest.mark.parametrize("link", [SPANS], indirect=True)
def test_from_the_first_screen_to_the_report(
    rating_site: Site, link: str, new_page: NewPage, request: pytest.FixtureRequest
) -> None:
    desk, phone = new_page(**DESK, locale="en-US"), new_page(**PHONE, locale="ko-KR")
    for page, rate in ((desk, rate_by_keyboard), (phone, rate_by_touch)):
        join(page, link)
        for _ in range(3):
            rate(page)
        expect(page.locator("[data-nothing-to-send]")).to_be_visible()
    given = [answers["errors"] for _, answers in of(link, rating_site)]
    assert [sorted(map(len, each.values())) for each in given] == [[0, 1]] * 6
    marked = [spans[0] for each in given for spans in each.values() if spans]
    assert {(each["start"], each["category"], each["severity"]) for each in marked} == {
        (0, "grammar", "minor"),
        (0, "repeated", "major"),
    }
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)
    rating_site.manage("close_campaign", name)
    page = new_page(**DESK)
    sign_in(page, rating_site, "reader-of-errors")
    page.get_by_role("link", name=name).first.click()
    page.get_by_role("link", name="Report", exact=True).first.click()
    expect(page.get_by_text("asked to mark the errors in every text")).to_be_visible()
    for title in ("Error score", "Weight per 100 words"):
        expect(page.get_by_role("columnheader", name=title, exact=True).first).to_be_visible()
    for options in (DESK, PHONE):
        page.set_viewport_size(options["viewport"])  # type: ignore[arg-type]
        check_fits(page)
        check_accessible(page, "#content")


@pytest.mark.parametrize("link", [SPANS], indirect=True)
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_by_keys_alone(rating_site: Site, link: str, new_page: NewPage, colours: str) -> None:
    page = new_page(**DESK, locale="en-US", color_scheme=colours)
    join(page, link)
    first = marking(page)
    words = first.get_by_role("option")
    page.keyboard.press("Enter")
    expect(first).to_be_focused()
    check_accessible(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_role("option", selected=True)).to_have_count(2)
    chosen = " ".join(words.nth(n).inner_text() for n in (1, 2))
    expect(page.get_by_role("status").filter(has_text=f"Chosen: “{chosen}”")).to_have_count(1)
    for wrong in ("9", "0", "a", "Control+1"):
        page.keyboard.press(wrong)
    assert values(page) == [None, None]
    page.keyboard.press("3")
    expect(page.get_by_role("button", name="Contradiction")).to_have_attribute("aria-pressed", "true")
    check_accessible(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    [[start, end, *kind]], _ = values(page)
    assert (texts(page)[0][start:end], kind) == (chosen, ["contradiction", "major"])
    expect(first).to_be_focused()
    expect(first.get_by_role("option", name="error 1: Contradiction, Major")).to_have_count(2)
    check_accessible(page)

    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(".hint").first).to_have_text("A part of this is marked already. Change or remove that mark.")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Grammar")).to_be_focused()
    page.get_by_role("button", name="Minor").press("Enter")
    expect(page.locator(".hint").first).to_have_text("Choose a kind of error first.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Minor")).to_be_focused()
    page.keyboard.press("Enter")
    assert [mark[2:] for mark in values(page)[0]] == [["grammar", "minor"], ["contradiction", "major"]]
    expect(page.get_by_role("list", name="Errors in text").first.get_by_role("listitem")).to_have_count(2)

    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")  # on a mark: to change it
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    assert values(page)[0][1][2:] == ["other", "minor"]
    page.keyboard.press("Delete")
    assert len(values(page)[0]) == 1
    page.keyboard.press("Home")
    page.keyboard.press("Delete")
    assert values(page) == [None, None], "without its last mark a text is not answered"
    page.keyboard.press("n")
    assert values(page) == [[], None]
    expect(marking(page, 1)).to_be_focused()
    page.keyboard.press("n")
    assert not of(link, rating_site)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # on the choice that nothing is wrong: it sends
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    [[_, answers]] = of(link, rating_site)
    assert list(answers["errors"].values()) == [[], []]


def drag(page: Page, text: Locator, start: int, end: int) -> None:
    """From before one UTF-16 unit of a text to before another, by the mouse."""
    ends = text.evaluate(
        """(within, ends) => ends.map((at, which) => {
            const nodes = document.createTreeWalker(within, NodeFilter.SHOW_TEXT), range = document.createRange();
            let node = nodes.nextNode(), rest = which ? at - 1 : at;
            while (rest >= node.length) { rest -= node.length; node = nodes.nextNode(); }
            range.setStart(node, rest);
            range.setEnd(node, rest + 1);
            const box = range.getBoundingClientRect();
            return [which ? box.right - 1 : box.left + 1, box.top + box.height / 2];
        })""",
        [start, end],
    )
    page.mouse.move(*ends[0])
    page.mouse.down()
    page.mouse.move(*ends[1], steps=8)
    page.mouse.up()


@pytest.mark.parametrize("link", [SPANS], indirect=True)
def test_by_mouse_and_what_is_kept(rating_site: Site, link: str, new_page: NewPage) -> None:
    """Dragging, clicking the first and the last word, five marks at most, a reload, another day, and undo."""
    page = new_page(**DESK, locale="en-US")
    join(page, link)
    first = marking(page)
    text = texts(page)[0]
    start = 1 if text.startswith("Boat") else text.index("saw")
    drag(page, first, start, start + 2)
    expect(page.locator(".kind:visible q")).to_have_text(text[start : start + 2])
    page.get_by_role("button", name="Repetition").click()
    page.get_by_role("button", name="Minor").click()
    assert values(page)[0] == [[start, start + 2, "repeated", "minor"]], "a part of a word"
    assert texts(page)[0] == text
    drag(page, first, start - 1, start + 1)
    expect(page.locator(".hint").first).to_have_text("A part of this is marked already. Change or remove that mark.")
    expect(page.locator(".kind:visible")).to_have_count(0)

    second, words = texts(page)[1], marking(page, 1).get_by_role("option")
    words.nth(0).click()
    words.nth(1).click()
    quote = page.locator(".kind:visible q").inner_text()
    assert second.startswith(quote)
    assert " " in quote
    page.locator(".kind:visible [data-category=other]").click()
    page.locator(".kind:visible [data-severity=major]").click()
    words.nth(0).click()
    page.get_by_role("button", name="Remove this mark").click()
    assert values(page)[1] is None
    places = [place for place, sign in enumerate(second) if sign != " "]
    for place in places[:5]:
        drag(page, marking(page, 1), place, place + 1)
        page.locator(".kind:visible [data-category=grammar]").click()
        page.locator(".kind:visible [data-severity=minor]").click()
    assert values(page)[1] == [[place, place + 1, "grammar", "minor"] for place in places[:5]]
    drag(page, marking(page, 1), places[5], places[5] + 1)
    expect(page.locator(".hint").nth(1)).to_have_text("A text can have five marks. Remove one that matters less.")
    before = values(page)
    page.get_by_role("button", name="Remove: “").first.focus()
    check_accessible(page)
    page.wait_for_timeout(900)
    page.reload()
    expect(page.locator(".marking .marked").first).to_be_visible()
    assert values(page) == before
    page.evaluate("sessionStorage.clear()")
    page.reload()
    expect(page.locator(".marking .marked").first).to_be_visible()
    assert values(page) == before, "the server had it"
    with leaving_screen(page):
        page.locator("button.primary").click()
    page.get_by_role("button", name="Undo last").click()
    expect(page.locator(".marking .marked").first).to_be_visible()
    assert values(page) == before
