"""The best and the worst of three texts, and their order: by keyboard at a desk and by touch on a phone."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewPage, check_accessible, check_fits
from tests.browser.test_rating_page import DESK, PHONE, expect_ready, join, of
from tests.site import Site

THREE = {"systems": ["human", "lstm", "gru"], "criteria": ["fluency"], "overlap": 2}


def chosen(page: Page, group: str) -> list[str]:
    """In each group its chosen letter or rank; empty where there is none."""
    return [
        (each.locator("label:has(input:checked)").all_text_contents() or [""])[0].strip()
        for each in page.locator(group).all()
    ]


def press(page: Page, *keys: str) -> None:
    """Press keys, and wait until what they set is saved."""
    with page.expect_response(lambda response: "/draft/" in response.url):
        for key in keys:
            page.keyboard.press(key)


def check_thumbs(labels: Locator) -> None:
    for label in labels.all():
        box = label.bounding_box()
        assert box
        assert box["height"] >= 44
        assert box["width"] >= 24, "too small for a thumb"


@pytest.mark.parametrize("link", [{"protocol": "best_worst", **THREE}], indirect=True)
def test_no_text_is_the_best_and_the_worst(rating_site: Site, link: str, new_page: NewPage) -> None:
    page = new_page(**DESK, locale="en-US")
    join(page, link)
    check_accessible(page)
    check_fits(page)
    one, other = (card.bounding_box() for card in page.locator(".texts .card").all()[:2])
    assert one
    assert other
    assert (one["y"], round(one["width"])) == (other["y"], round(other["width"])), "side by side"
    hint = page.locator(".best-worst [role=status]")

    # Enter leads to the first question; a digit is a text, and one chosen as the worst is the best no longer
    for key in ("x", "2", "Enter", "4", "9", "0"):
        page.keyboard.press(key)
    assert chosen(page, ".pick") == ["", ""]
    press(page, "2")
    assert chosen(page, ".pick") == ["B", ""]
    press(page, "2")
    assert chosen(page, ".pick") == ["", "B"]
    expect(hint).to_have_text("Text B is the worst now. Choose the best again.")
    expect(page.locator("button.primary")).to_have_text("Choose the best and the worst first")
    check_accessible(page)
    page.reload()
    expect_ready(page)
    assert chosen(page, ".pick") == ["", "B"], "what was taken back does not come back"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('.pick').dataset.field") == "fluency:best"
    press(page, "Space")
    expect(hint).to_be_empty()

    # arrow keys pass over the text that the other question has
    press(page, "ArrowRight")
    assert chosen(page, ".pick") == ["C", "B"]
    press(page, "ArrowDown", "ArrowUp", "ArrowLeft")
    assert chosen(page, ".pick") == ["A", "B"]
    page.keyboard.press("?")
    expect(page.locator("#help")).to_contain_text("choose a text: 1 is A, 2 is B")
    check_accessible(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    page.get_by_role("button", name="Undo last").click()
    expect(page.get_by_text("0 of 3 done")).to_be_visible()
    assert chosen(page, ".pick") == ["A", "B"]
    page.locator("button.primary").click()
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    assert sorted(of(link, rating_site)[-1][1]["fluency"].values()) == [-1, 0, 1]

    phone = new_page(context=page.context.browser.new_context(**PHONE, locale="ko-KR"))
    join(phone, link)
    check_accessible(phone)
    check_fits(phone)
    one, other = (card.bounding_box() for card in phone.locator(".texts .card").all()[:2])
    assert one
    assert other
    assert one["x"] == other["x"], "one under the other"
    check_thumbs(phone.locator(".points label"))
    best, worst = phone.locator(".pick").all()
    for group, place in ((best, 0), (worst, 0), (best, 2)):
        group.locator("label").nth(place).tap()
        if place == 0 and group is worst:
            expect(phone.get_by_text("이제 글 A가 가장 나쁜 글입니다. 가장 좋은 글을 다시 고르세요.")).to_be_visible()
    check_fits(phone)
    phone.get_by_role("button", name="보내고 다음으로").tap()
    expect(phone.get_by_text("3개 중 1개 완료")).to_be_visible()


@pytest.mark.parametrize("link", [{"protocol": "ranking", "ties": False, **THREE}], indirect=True)
def test_texts_change_places(rating_site: Site, link: str, new_page: NewPage) -> None:
    page = new_page(**DESK, locale="en-US")
    join(page, link)
    check_accessible(page)
    check_fits(page)
    for key in ("x", "2", "Enter", "4", "0"):
        page.keyboard.press(key)
    assert chosen(page, ".rank") == ["", "", ""]
    press(page, "1", "2")
    assert chosen(page, ".rank") == ["1", "2", ""]
    press(page, "Shift+Tab", "1")
    assert chosen(page, ".rank") == ["2", "1", ""], "the two change places"
    expect(page.get_by_text("Text A has rank 2 now.")).to_be_visible()
    press(page, "1")
    assert chosen(page, ".rank") == ["2", "", "1"], "it had none to give for it"
    expect(page.get_by_text("Text B has no rank now.")).to_be_visible()
    check_accessible(page)
    page.reload()
    expect_ready(page)
    assert chosen(page, ".rank") == ["2", "", "1"]
    assert [label.strip() for label in page.locator(".rank .hint").all_text_contents()] == ["", "", ""]
    page.keyboard.press("Enter")
    press(page, "3")
    assert chosen(page, ".rank") == ["2", "3", "1"]
    press(page, "ArrowLeft")
    assert chosen(page, ".rank") == ["3", "2", "1"]
    page.keyboard.press("?")
    expect(page.locator("#help")).to_contain_text("If another text has a rank already, the two change places.")
    check_accessible(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    page.get_by_role("button", name="Undo last").click()
    expect(page.get_by_text("0 of 3 done")).to_be_visible()
    assert chosen(page, ".rank") == ["3", "2", "1"]
    page.locator("button.primary").click()
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    assert sorted(of(link, rating_site)[-1][1]["fluency"].values()) == [1, 2, 3]

    phone = new_page(context=page.context.browser.new_context(**PHONE, locale="ko-KR"))
    join(phone, link)
    check_accessible(phone)
    check_fits(phone)
    check_thumbs(phone.locator(".points label"))
    for group, rank in zip(phone.locator(".rank").all(), (0, 0, 1), strict=True):
        group.locator("label").nth(rank).tap()
    expect(phone.get_by_text("이제 글 A에는 순위가 없습니다.")).to_be_hidden()
    phone.locator(".rank").first.locator("label").nth(1).tap()
    expect(phone.get_by_text("이제 글 C에는 순위가 없습니다.")).to_be_visible()
    phone.locator(".rank").last.locator("label").nth(2).tap()
    assert chosen(phone, ".rank") == ["2", "1", "3"]
    check_fits(phone)
    phone.get_by_role("button", name="보내고 다음으로").tap()
    expect(phone.get_by_text("3개 중 1개 완료")).to_be_visible()


@pytest.mark.parametrize("link", [{"protocol": "ranking", **THREE}], indirect=True)
def test_texts_share_a_rank(rating_site: Site, link: str, new_page: NewPage) -> None:
    page = new_page(**DESK, locale="en-US")
    join(page, link)
    page.locator(".rank input").first.focus()
    press(page, "1", "3", "1")
    assert chosen(page, ".rank") == ["1", "3", "1"]
    assert page.locator(".rank .hint").all_text_contents() == ["", "", ""]
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    assert sorted(of(link, rating_site)[-1][1]["fluency"].values()) == [1, 1, 3]


@pytest.mark.parametrize("link", [{"protocol": "ranking", "ties": False, **THREE}], indirect=True)
def test_an_order_comes_back_without_a_connection(link: str, new_page: NewPage) -> None:
    """What this window has and the server has not: all three have changed places since."""
    page = new_page("ERR_", "Failed to load", locale="en-US", **DESK)
    join(page, link)
    page.locator(".rank input").first.focus()
    press(page, "1", "2", "3")
    page.reload()
    expect_ready(page)
    page.route("**/draft/**", lambda route: route.abort())
    for place, rank in enumerate("23"):
        page.locator(".rank").nth(place).locator("input").first.focus()
        page.keyboard.press(rank)
    assert chosen(page, ".rank") == ["2", "3", "1"]
    page.reload()
    expect_ready(page)
    assert chosen(page, ".rank") == ["2", "3", "1"]
