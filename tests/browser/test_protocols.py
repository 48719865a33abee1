"""Each way of answering, rated whole by keyboard at a desk and by touch on a phone, to the report after the close."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, check_accessible, check_fits
from tests.browser.test_rating_page import DESK, PHONE, expect_ready, join, leaving_screen, of
from tests.site import Site

PASSWORD = "one long password"
KEYS = "12"  # for the first text or choice, and the second


def rate_by_keyboard(page: Page) -> None:
    expect_ready(page)
    for number, group in enumerate(page.locator("[role=radiogroup]").all()):
        group.locator("input").first.focus()
        page.keyboard.press(KEYS[number % 2])
    with leaving_screen(page):
        page.keyboard.press("Enter")


def rate_by_touch(page: Page) -> None:
    expect_ready(page)
    check_fits(page)
    for number, group in enumerate(page.locator("[role=radiogroup]").all()):
        group.locator("label").nth(-1 - number % 2).tap()
    with leaving_screen(page):
        page.locator("button.primary").tap()


def sign_in(page: Page, site: Site, name: str) -> None:
    page.goto(site.manage("account_link", name, "--role", "researcher")["link"])
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password confirmation").fill(PASSWORD)
    page.get_by_role("button").last.click()
    page.goto(f"{site.env['SITE_URL']}/campaigns/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize(
    ("link", "title", "said"),
    [
        ({"protocol": "likert", "points": 5, "overlap": 2}, "Mean", "asked for a point from 1 to 5 for every text"),
        (
            {"protocol": "pairwise", "overlap": 2},
            "Share won",
            "asked which of two texts is better, or whether neither is",
        ),
        (
            {"protocol": "best_worst", "overlap": 2, "systems": ["human", "lstm", "gru"]},
            "Best − worst",
            "asked which of the texts on a screen is best and which is worst",
        ),
        (
            {"protocol": "ranking", "overlap": 2, "systems": ["human", "lstm", "gru"]},
            "Share ranked above",
            "asked to rank the texts on a screen, the best first, equal ranks allowed",
        ),
        (
            {"protocol": "human_or_machine", "criteria": ["human_likeness"], "overlap": 2},
            "Judged human",
            "asked whether a person or a machine wrote a text, and how sure they were",
        ),
        (
            {"protocol": "which_is_human", "criteria": ["human_likeness"], "overlap": 2},
            "Chosen as human",
            "asked which of two texts a person wrote, and how sure they were",
        ),
    ],
    indirect=["link"],
    ids=["likert", "pairwise", "best_worst", "ranking", "human_or_machine", "which_is_human"],
)
def test_from_the_first_screen_to_the_report(
    rating_site: Site, link: str, title: str, said: str, new_page: NewPage, request: pytest.FixtureRequest
) -> None:
    desk = new_page(**DESK, locale="en-US")
    join(desk, link)
    for _ in range(3):
        rate_by_keyboard(desk)
    expect(desk.get_by_role("heading", name="Thank you!")).to_be_visible()
    phone = new_page(**PHONE, locale="en-US")
    join(phone, link)
    for _ in range(3):
        rate_by_touch(phone)
    expect(phone.get_by_role("heading", name="Thank you!")).to_be_visible()
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)
    rating_site.manage("close_campaign", name)

    page = new_page(**DESK)
    sign_in(page, rating_site, f"reader-of-{request.node.callspec.id}")
    page.get_by_role("link", name=name).first.click()
    page.get_by_role("link", name="Report", exact=True).first.click()
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.get_by_role("columnheader", name=title, exact=True).first).to_be_visible()
    for options in (DESK, PHONE):
        page.set_viewport_size(options["viewport"])  # type: ignore[arg-type]
        check_fits(page)
        check_accessible(page, "#content")


@pytest.mark.parametrize(
    "link", [{"protocol": "human_or_machine", "criteria": ["human_likeness"], "overlap": 2}], indirect=True
)
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_human_or_machine_by_keys_and_by_touch(rating_site: Site, link: str, new_page: NewPage, colours: str) -> None:
    """Digits, arrows, Tab and Enter at a desk, in English; touch on a phone, in Korean."""
    desk = new_page(**DESK, locale="en-US", color_scheme=colours)
    desk.goto(link)
    expect(desk.get_by_text("Some of these texts were written by people and some by machines")).to_be_visible()
    join(desk, link)
    group = desk.get_by_role("radiogroup", name="Did a person or a machine write this?")
    expect(group.get_by_role("radio")).to_have_count(6)
    check_accessible(desk)
    check_fits(desk)
    desk.keyboard.press("Enter")
    assert desk.evaluate("document.activeElement.value") == "1", "Enter leads to the answer that is missing"
    assert not of(link, rating_site)
    for wrong in ("7", "0", "a", "Control+3"):
        desk.keyboard.press(wrong)
    assert group.get_by_role("radio", checked=True).count() == 0
    desk.keyboard.press("6")
    expect(group.get_by_role("radio", name="6 definitely a person")).to_be_checked()
    desk.keyboard.press("ArrowLeft")
    expect(group.get_by_role("radio", name="5 probably a person")).to_be_checked()
    check_accessible(desk)
    desk.keyboard.press("?")
    expect(desk.locator("#help").get_by_text("Some of these texts were written by people")).to_be_visible()
    check_accessible(desk)
    desk.keyboard.press("Escape")
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("1 of 3 done")).to_be_visible()
    [[kind, answers]] = of(link, rating_site)
    assert kind == "answer"
    [judged] = answers["human_likeness"].values()
    assert judged == {"human": True, "confidence": 2}
    desk.get_by_role("button", name="Undo last").click()
    expect(group.get_by_role("radio", name="5 probably a person")).to_be_checked()

    phone = new_page(**PHONE, locale="ko-KR", color_scheme=colours)
    join(phone, link)
    check_fits(phone)
    phone.get_by_text("확실히 기계").tap()
    check_accessible(phone)
    for label in phone.locator(".judge label").all():
        box = label.bounding_box()
        assert box
        assert box["height"] >= 44
    with leaving_screen(phone):
        phone.locator("button.primary").tap()
    [judged] = of(link, rating_site)[-1][1]["human_likeness"].values()
    assert judged == {"human": False, "confidence": 3}


@pytest.mark.parametrize(
    "link", [{"protocol": "which_is_human", "criteria": ["human_likeness"], "overlap": 2}], indirect=True
)
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_which_is_human_by_keys_and_by_touch(rating_site: Site, link: str, new_page: NewPage, colours: str) -> None:
    """Digits from the first text to the second, at a desk and in English; touch on a phone, in Korean."""
    desk = new_page(**DESK, locale="en-US", color_scheme=colours)
    desk.goto(link)
    expect(desk.get_by_text("On every screen a person wrote one of the two texts")).to_be_visible()
    join(desk, link)
    group = desk.get_by_role("radiogroup", name="Which of these two texts did a person write?")
    expect(group.get_by_role("radio")).to_have_count(6)
    check_accessible(desk)
    check_fits(desk)
    desk.keyboard.press("Enter")
    assert not of(link, rating_site), "nothing is chosen yet"
    for wrong in ("7", "0", "a", "Control+3"):
        desk.keyboard.press(wrong)
    assert group.get_by_role("radio", checked=True).count() == 0
    desk.keyboard.press("6")
    expect(group.get_by_role("radio", name="6 definitely B")).to_be_checked()
    desk.keyboard.press("3")
    expect(group.get_by_role("radio", name="3 possibly A")).to_be_checked()
    check_accessible(desk)
    text_a = desk.locator(".pair q").first.inner_text()
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("1 of 3 done")).to_be_visible()
    [[kind, answers]] = of(link, rating_site)
    assert kind == "answer"
    assert sorted((each["human"], each["confidence"]) for each in answers["human_likeness"].values()) == [
        (False, 1), (True, 1)
    ]  # fmt: skip
    desk.get_by_role("button", name="Undo last").click()
    expect(group.get_by_role("radio", name="3 possibly A")).to_be_checked()
    assert desk.locator(".pair q").first.inner_text() == text_a

    phone = new_page(**PHONE, locale="ko-KR", color_scheme=colours)
    join(phone, link)
    check_fits(phone)
    phone.get_by_text("확실히 B").tap()
    check_accessible(phone)
    for label in phone.locator(".judge label").all():
        box = label.bounding_box()
        assert box
        assert box["height"] >= 44
    with leaving_screen(phone):
        phone.locator("button.primary").tap()
    chosen = of(link, rating_site)[-1][1]["human_likeness"].values()
    assert {each["confidence"] for each in chosen} == {3}
