"""A rater's whole way through the page: by keyboard, by touch, in both languages, and when things go wrong."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, check_accessible, check_fits, ratings_in
from tests.site import Site

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1280, "height": 900}}


def of(link: str, site: Site) -> list[list[Any]]:
    token = link.rstrip("/").rpartition("/")[2]
    return [row[1:] for row in ratings_in(site) if row[0] == token]


def join(page: Page, link: str) -> None:
    page.goto(link)
    page.locator("button.primary").click()
    expect_ready(page)


def expect_ready(page: Page) -> None:
    """A screen is there, and its script has run."""
    expect(page.locator("#answer button[aria-disabled]")).to_be_visible()


@contextmanager
def leaving_screen(page: Page) -> Iterator[None]:
    """Until the screen that is answered inside has gone from the page, not only until its answer has arrived."""
    draft = page.locator("#answer").get_attribute("data-draft")
    with page.expect_response(lambda response: "/answer/" in response.url):
        yield
    expect(page.locator(f'#answer[data-draft="{draft}"]')).to_have_count(0)


def answer(page: Page, digit: str = "7") -> None:
    expect_ready(page)
    for slider in page.locator("input[type=range]").all():
        slider.focus()
        page.keyboard.press(digit)
    with leaving_screen(page):
        page.keyboard.press("Enter")


def set_slider(page: Page, place: int, digit: str) -> None:
    """Set one slider, and wait until it is saved."""
    page.locator("input[type=range]").nth(place).focus()
    with page.expect_response(lambda response: "/draft/" in response.url):
        page.keyboard.press(digit)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_by_keyboard_at_a_desk(rating_site: Site, link: str, new_page: NewPage, colours: str) -> None:
    page = new_page(**DESK, locale="en-US", color_scheme=colours)
    page.goto(link)
    check_accessible(page)
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "I agree, begin"
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_be_visible()
    check_accessible(page)
    check_fits(page)

    # wrong keys do nothing, and an unfinished screen is not sent
    for key in ("a", "7", "x", "Escape", "Enter", "Control+5"):
        page.keyboard.press(key)
    assert page.locator(".unset").count() == 4
    assert not of(link, rating_site)
    assert page.evaluate("document.activeElement.type") == "range", "Enter leads to the first slider that is not set"

    # the help card opens and closes, and takes no keys through to the sliders
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    check_accessible(page)
    page.keyboard.press("5")
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    assert page.locator(".unset").count() == 4

    # arrows, digits, End; then send
    sliders = page.locator("input[type=range]")
    for place, keys in enumerate((["ArrowRight"], ["3"], ["End"], ["0"])):
        sliders.nth(place).focus()
        for key in keys:
            page.keyboard.press(key)
    shown = [output.text_content() for output in page.locator(".slider output").all()]
    assert shown == ["51", "30", "100", "0"]
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    kind, answers = of(link, rating_site)[0]
    assert kind == "answer"
    assert sorted(value for given in answers.values() for value in given.values()) == [0, 30, 51, 100]

    # undo shows what was sent; send it again as it is
    page.get_by_role("button", name="Undo last").click()
    expect(page.get_by_text("0 of 3 done")).to_be_visible()
    assert sorted(output.text_content() or "" for output in page.locator(".slider output").all()) == sorted(shown)
    page.locator("button.primary").click()
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    answer(page)
    expect(page.get_by_text("2 of 3 done")).to_be_visible()
    answer(page)
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    check_accessible(page)
    assert [kind for kind, _ in of(link, rating_site)] == ["answer", "withdrawn", "answer", "answer", "answer"]


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_by_touch_on_a_phone_in_korean(rating_site: Site, link: str, new_page: NewPage, colours: str) -> None:
    page = new_page(**PHONE, locale="ko-KR", color_scheme=colours)
    page.goto(link)
    expect(page.get_by_role("heading", name="짧은 글에 점수 매기기")).to_be_visible()
    check_accessible(page)
    check_fits(page)
    page.get_by_role("button", name="동의하고 시작").tap()
    page.wait_for_load_state()
    for done in range(3):
        expect(page.get_by_text(f"3개 중 {done}개 완료")).to_be_visible()
        check_fits(page)
        for slider in page.locator("input[type=range]").all():
            box = slider.bounding_box()
            assert box
            assert box["height"] >= 44, "too small for a thumb"
            slider.tap(position={"x": box["width"] * 0.5, "y": box["height"] / 2})
        page.get_by_role("button", name="보내고 다음으로").tap()
    expect(page.get_by_role("heading", name="감사합니다!")).to_be_visible()
    check_accessible(page)
    assert len(of(link, rating_site)) == 3


@pytest.mark.parametrize("link", [{"protocol": "likert", "points": 7, "overlap": 2}], indirect=True)
def test_points_by_keyboard_at_a_desk_and_by_touch_on_a_phone(rating_site: Site, link: str, new_page: NewPage) -> None:
    page = new_page(**DESK, locale="en-US")
    join(page, link)
    check_accessible(page)
    check_fits(page)
    assert page.locator(".points").first.locator("label").all_text_contents() == list("1234567")

    # digits choose, others do nothing; an unfinished screen is not sent, and half an answer survives a reload
    for key in ("x", "5", "Enter"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.type") == "radio", "Enter leads to the first that is not answered"
    with page.expect_response(lambda response: "/draft/" in response.url):
        for key in ("0", "8", "3"):
            page.keyboard.press(key)
    page.reload()
    expect_ready(page)
    assert page.locator("input:checked").first.input_value() == "3"
    assert page.locator(".likert.unset").count() == 3
    page.locator(".points input:checked").first.focus()
    page.keyboard.press("ArrowRight")
    while page.locator(".likert.unset").count():
        page.locator(".likert.unset").first.locator("input").first.focus()
        page.keyboard.press("7")
    assert [each.input_value() for each in page.locator(".points input:checked").all()] == ["4", "7", "7", "7"]
    page.keyboard.press("?")
    expect(page.locator("#help")).to_contain_text("choose that point")
    check_accessible(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 of 3 done")).to_be_visible()

    # what was sent is shown again, and can be sent as it is
    page.get_by_role("button", name="Undo last").click()
    expect(page.get_by_text("0 of 3 done")).to_be_visible()
    assert [each.input_value() for each in page.locator(".points input:checked").all()] == ["4", "7", "7", "7"]
    page.locator("button.primary").click()
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    assert sorted(value for given in of(link, rating_site)[0][1].values() for value in given.values()) == [4, 7, 7, 7]

    phone = new_page(context=page.context.browser.new_context(**PHONE, locale="ko-KR"))
    join(phone, link)
    check_accessible(phone)
    check_fits(phone)
    for group in phone.locator(".points").all():
        point = group.locator("label").nth(1)
        box = point.bounding_box()
        assert box
        assert box["height"] >= 44
        assert box["width"] >= 24, "too small for a thumb"
        point.tap()
    phone.get_by_role("button", name="보내고 다음으로").tap()
    expect(phone.get_by_text("3개 중 1개 완료")).to_be_visible()
    assert [value for given in of(link, rating_site)[-1][1].values() for value in given.values()] == [2, 2, 2, 2]


@pytest.mark.parametrize("link", [{"protocol": "pairwise", "overlap": 2}], indirect=True)
def test_two_texts_by_keyboard_at_a_desk_and_by_touch_on_a_phone(
    rating_site: Site, link: str, new_page: NewPage
) -> None:
    page = new_page(**DESK, locale="en-US")
    join(page, link)
    check_accessible(page)
    check_fits(page)
    one, other = (box.bounding_box() for box in page.locator(".pair .card").all())
    assert one
    assert other
    assert (one["y"], round(one["width"])) == (other["y"], round(other["width"])), "side by side"
    for key in ("x", "3", "Enter", "9", "0"):
        page.keyboard.press(key)
    assert page.locator(".choose.unset").count() == 2
    with page.expect_response(lambda response: "/draft/" in response.url):
        page.keyboard.press("2")
    page.reload()
    expect_ready(page)
    assert page.locator(".choose input:checked").input_value() == "tie"
    page.locator(".choose.unset input").first.focus()
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    page.get_by_role("button", name="Undo last").click()
    expect(page.get_by_text("0 of 3 done")).to_be_visible()
    assert page.locator(".choose.unset").count() == 0
    page.locator("button.primary").click()
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    answers = of(link, rating_site)[-1][1]
    assert answers["human_likeness"] == "tie"
    assert answers["fluency"].isdigit()

    phone = new_page(context=page.context.browser.new_context(**PHONE, locale="ko-KR"))
    join(phone, link)
    check_accessible(phone)
    check_fits(phone)
    for group in phone.locator(".points").all():
        choice = group.locator("label").first
        box = choice.bounding_box()
        assert box
        assert box["height"] >= 44, "too small for a thumb"
        choice.tap()
    phone.get_by_role("button", name="보내고 다음으로").tap()
    expect(phone.get_by_text("3개 중 1개 완료")).to_be_visible()


def test_half_an_answer_survives_a_reload(rating_site: Site, link: str, new_page: NewPage) -> None:
    page = new_page(**DESK)
    join(page, link)
    set_slider(page, 0, "8")
    page.reload()
    assert page.locator(".slider output").first.text_content() == "80"
    assert page.locator(".unset").count() == 3

    # what another window or device has set since is newer, and what was set here alone stays
    other = new_page(context=page.context)
    other.goto(link)
    expect_ready(other)
    set_slider(other, 0, "3")
    page.wait_for_timeout(600)  # enough to be saved as time spent, when it leaves
    page.reload()
    set_slider(page, 1, "4")
    other.reload()
    for window in (page, other):
        assert [output.text_content() for output in window.locator(".slider output").all()[:2]] == ["30", "40"]


def test_a_lost_connection_loses_and_doubles_nothing(rating_site: Site, link: str, new_page: NewPage) -> None:
    """Nor does an outage of the site."""
    page = new_page("ERR_INTERNET_DISCONNECTED", "503", "htmx:", **DESK)
    page.clock.install()
    join(page, link)
    for slider in page.locator("input[type=range]").all():
        slider.focus()
        page.keyboard.press("6")
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(page.locator("#offline")).to_be_visible()
    assert not of(link, rating_site)
    page.context.set_offline(False)
    page.route(re.compile("/answer/"), lambda route: route.fulfill(status=503), times=1)
    with page.expect_response(lambda response: response.status == 503):
        page.clock.fast_forward(3000)
    expect(page.locator("#offline")).to_be_visible()
    assert not of(link, rating_site)
    with page.expect_response(lambda response: "/answer/" in response.url and response.ok):
        page.clock.fast_forward(3000)
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    expect(page.locator("#offline")).to_be_hidden()
    assert len(of(link, rating_site)) == 1


def test_a_double_click_and_two_tabs_write_once(rating_site: Site, link: str, new_page: NewPage) -> None:
    page = new_page(**DESK)
    join(page, link)
    second = new_page(context=page.context)
    second.goto(link)
    for tab in (page, second):
        for slider in tab.locator("input[type=range]").all():
            slider.focus()
            tab.keyboard.press("4")
    page.locator("button.primary").dblclick()
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    second.locator("button.primary").click()
    expect(second.get_by_text("have answered that screen already")).to_be_visible()
    assert len(of(link, rating_site)) == 1


def test_skip_with_a_reason_back_button_and_a_lost_session(rating_site: Site, link: str, new_page: NewPage) -> None:
    page = new_page(**DESK)
    join(page, link)
    before = page.locator(".source").text_content()
    page.get_by_text("Skip, or report a problem").click()
    page.get_by_label("Something is wrong here").check()
    page.get_by_label("What is it?").fill("7? the text is cut off")
    page.get_by_role("button", name="Skip", exact=True).click()
    expect(page.locator(".source")).not_to_have_text(before or "")
    shown = page.locator(".source").text_content()
    page.goto("about:blank")
    page.go_back()
    expect(page.locator(".source")).to_have_text(shown or "")
    page.context.clear_cookies(name=re.compile("^rater-"))
    for slider in page.locator("input[type=range]").all():
        slider.focus()
        page.keyboard.press("4")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="I agree, begin")).to_be_visible()
    assert [kind for kind, _ in of(link, rating_site)] == ["skip"]


def test_the_clock_is_kept_over_a_reload_and_stands_still_for_whoever_is_away(link: str, new_page: NewPage) -> None:
    page = new_page(**DESK)
    page.clock.install()
    join(page, link)
    page.clock.run_for(7_000)
    page.reload()
    expect_ready(page)
    page.clock.run_for(3_000)
    page.keyboard.press("Tab")
    page.clock.fast_forward("10:00:00")  # the night, its computer asleep
    page.keyboard.press("Tab")
    page.clock.run_for(2_000)
    with page.expect_request(re.compile("/answer/")) as sent:
        for slider in page.locator("input[type=range]").all():
            slider.focus()
            page.keyboard.press("7")
        page.keyboard.press("Enter")
    seconds = re.search(r"seconds=([0-9.]+)", sent.value.post_data or "")
    assert seconds
    assert 12 <= float(seconds[1]) < 30


def test_a_form_that_is_refused_loses_no_answer(rating_site: Site, link: str, new_page: NewPage) -> None:
    page = new_page("403", "ERR_FAILED", "htmx:", **DESK)
    join(page, link)
    page.route(re.compile("/draft/"), lambda route: route.abort())
    for slider in page.locator("input[type=range]").all():
        slider.focus()
        page.keyboard.press("6")
    page.context.clear_cookies(name="csrftoken")
    page.keyboard.press("Enter")
    expect(page.locator("#notice")).to_contain_text("What you set is still here")
    check_accessible(page)
    assert not of(link, rating_site)
    page.locator("button.primary").click()
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    assert len(of(link, rating_site)) == 1


def test_two_people_at_one_browser(rating_site: Site, link: str, new_page: NewPage) -> None:
    ann = new_page("409", **DESK)
    join(ann, link)
    set_slider(ann, 0, "5")
    bea = new_page(context=ann.context)
    bea.goto(f"{link}?PROLIFIC_PID=bea")
    check_accessible(bea)
    bea.locator("button.primary").click()
    expect_ready(bea)
    answer(ann)
    expect(ann.get_by_role("heading", name="Somebody else is rating in this browser now")).to_be_visible()
    check_accessible(ann)
    assert not of(link, rating_site)
    ann.reload()
    ann.get_by_role("button", name="I am the one who rated here before").click()
    expect_ready(ann)
    shown = [output.text_content() for output in ann.locator(".slider output").all()]
    assert shown == ["70"] * 4, "what was set and could not be sent is still there"
    answer(ann, "3")
    expect(ann.get_by_text("1 of 3 done")).to_be_visible()
    bea.reload()
    bea.get_by_role("button", name="Go on as bea").click()
    answer(bea, "9")
    expect(bea.get_by_role("heading", name="A moment, please")).to_be_visible()
    given = [
        {value for scores in answers.values() for value in scores.values()} for _, answers in of(link, rating_site)
    ]
    assert given == [{30}, {90}]


@pytest.mark.parametrize(
    "link",
    [{"systems": ["human", "lstm", "gru"], "criteria": ["human_likeness", "grounding", "fluency"]}],
    indirect=True,
)
def test_ten_keys_answer_three_texts_by_three_criteria_without_scrolling(link: str, new_page: NewPage) -> None:
    """And Shift+U takes the screen back, Shift+S leads to skipping; neither key does anything alone."""
    page = new_page(viewport={"width": 1280, "height": 800}, locale="en-US")
    join(page, link)
    tops = [page.locator(".texts fieldset").nth(place).bounding_box()["y"] for place in range(3)]  # type: ignore[index]
    assert len(set(tops)) == 1, "side by side"
    rows = [page.locator(".slider").nth(place).bounding_box()["y"] for place in (1, 4, 7)]  # type: ignore[index]
    assert len(set(rows)) == 1, "a row a criterion"
    for judged in (page.locator(".source"), page.locator(".slider").last, page.locator("#answer button[type=submit]")):
        box = judged.bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 800
    page.locator("input[type=range]").first.focus()
    for key in "987654321":
        page.keyboard.press(key)
    assert [slider.input_value() for slider in page.locator("input[type=range]").all()] == [
        f"{n}0" for n in "987654321"
    ]
    expect(page.locator("#answered")).to_have_text("9 of 9 answered")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    assert page.evaluate("document.activeElement === document.querySelector('input[type=range]')")
    assert page.evaluate("scrollY") == 0
    for key in ("u", "s"):
        page.keyboard.press(key)
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    page.keyboard.press("Shift+S")
    expect(page.get_by_label("Just skip this screen")).to_be_focused()
    page.locator("#screen").focus()
    page.keyboard.press("Shift+U")
    expect(page.get_by_text("0 of 3 done")).to_be_visible()
    expect(page.locator("#answered")).to_have_text("9 of 9 answered")


@pytest.mark.parametrize("link", [{"items": 6, "overlap": 2}], indirect=True)
def test_the_time_left_is_known_after_three_screens_of_ones_own(link: str, new_page: NewPage) -> None:
    page = new_page(**DESK, locale="en-US")
    join(page, link)
    for done in range(3):
        expect(page.get_by_text(f"{done} of 6 done")).to_be_visible()
        expect(page.locator("#left")).to_be_hidden()
        answer(page)
    expect(page.locator("#left")).to_have_text("about 1 min left")
    page.context.clear_cookies()
    join(page, link)
    expect(page.get_by_text("0 of 6 done")).to_be_visible()
    expect(page.locator("#left")).to_be_hidden()
