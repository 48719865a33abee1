"""Texts that raters rewrite, comments, and criteria that they cannot judge: in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewPage, check_accessible, check_fits
from tests.browser.test_rating_page import DESK, PHONE, expect_ready, join, leaving_screen, of
from tests.site import Site

EDIT = {"protocol": "edit", "criteria": ["human_likeness"], "overlap": 2, "comments": True, "texts_per_screen": 2}
NOT_JUDGED = {
    "criteria": ["human_likeness", "fluency", "grounding"],
    "cannot_say": ["grounding", "fluency"],
    "comments": True,
}


@pytest.mark.parametrize("link", [EDIT], indirect=True)
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_rewriting_by_keyboard_and_by_touch(rating_site: Site, link: str, new_page: NewPage, colours: str) -> None:
    desk = new_page(**DESK, locale="en-US", color_scheme=colours)
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.goto(link)
    expect(desk.get_by_text("how many characters you pasted, but not which keys")).to_be_visible()
    join(desk, link)
    check_accessible(desk)
    check_fits(desk)
    texts = desk.locator(".edit textarea")
    originals = [texts.nth(place).input_value() for place in range(2)]
    button = desk.locator("button.primary")
    desk.keyboard.press("Control+Enter")
    assert not of(link, rating_site), "a text that was not touched is no answer"
    texts.nth(0).focus()
    desk.keyboard.press("End")
    desk.keyboard.type(" in 2018? S")
    assert texts.nth(0).input_value() == f"{originals[0]} in 2018? S", "no key is a shortcut within a text"
    expect(desk.locator("#help")).to_be_hidden()
    expect(button).to_have_text("Change the text, or leave it as it is")
    desk.keyboard.press("Tab")
    desk.keyboard.press("Tab")
    desk.keyboard.press("Tab")
    expect(desk.get_by_role("button", name="Leave it as it is").nth(1)).to_be_focused()
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("Left as it is.")).to_be_visible()
    expect(button).to_have_text("Send and next")
    desk.get_by_label("A comment on this screen (optional)").fill("1 comment? Yes")
    with desk.expect_response(lambda response: "/draft/" in response.url):
        pass
    desk.reload()
    expect_ready(desk)
    assert texts.nth(0).input_value() == f"{originals[0]} in 2018? S"
    expect(desk.get_by_label("A comment on this screen (optional)")).to_have_value("1 comment? Yes")
    check_accessible(desk)
    desk.evaluate("navigator.clipboard.writeText('pasted')")
    texts.nth(0).focus()
    desk.keyboard.press("Control+a")
    desk.keyboard.press("Control+v")
    with leaving_screen(desk):
        desk.keyboard.press("Control+Enter")
    [[kind, answers]] = of(link, rating_site)
    edits = sorted(answers["human_likeness"].values(), key=lambda edit: edit["pasted"])
    assert kind == "answer"
    assert [(edit["pasted"], edit["edits"]) for edit in edits] == [(0, 0), (6, edits[1]["words"][0])]
    assert edits[1]["words"][1] == 1
    assert 0 < edits[1]["typing_seconds"] < 60

    phone = new_page(**PHONE, locale="ko-KR", color_scheme=colours)
    join(phone, link)
    check_fits(phone)
    for leave in phone.get_by_role("button", name="그대로 두기").all():
        leave.tap()
        box = leave.bounding_box()
        assert box
        assert box["height"] >= 44
    check_accessible(phone)
    with leaving_screen(phone):
        phone.locator("button.primary").tap()
    assert {edit["edits"] for edit in of(link, rating_site)[-1][1]["human_likeness"].values()} == {0}


@pytest.mark.parametrize("link", [NOT_JUDGED], indirect=True)
def test_a_criterion_that_is_not_judged(rating_site: Site, link: str, new_page: NewPage) -> None:
    page = new_page(**DESK, locale="en-US")
    join(page, link)
    box = page.get_by_role("checkbox", name="Fits the source")
    box.focus()
    page.keyboard.press("Space")
    expect(box).to_be_checked()
    page.keyboard.press("5")
    expect(page.locator("#answered")).to_have_text("0 of 4 answered")
    page.get_by_role("checkbox", name="Fluency").check()
    expect(page.locator("#answered")).to_have_text("0 of 2 answered")
    page.get_by_role("checkbox", name="Fluency").uncheck()
    page.reload()
    expect_ready(page)
    expect(box).to_be_checked()
    check_accessible(page)
    check_fits(page)
    page.keyboard.press("Enter")
    while page.locator("button.primary[aria-disabled=true]").count():
        page.keyboard.press("7")
    with leaving_screen(page):
        page.keyboard.press("Enter")
    [[_, answers]] = of(link, rating_site)
    assert sorted(answers) == ["fluency", "human_likeness"]
    phone = new_page(**PHONE, locale="ko-KR")
    join(phone, link)
    check_fits(phone)
    check_accessible(phone)
