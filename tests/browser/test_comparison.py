"""Campaigns side by side in a real browser: chosen, read on a phone and a desk, dark and light, and taken away."""

import json
import uuid

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewPage, check_accessible, check_fits
from tests.browser.test_rating_page import DESK, PHONE
from tests.site import Site

PASSWORD = "one long password"


@pytest.fixture
def two(rating_site: Site) -> list[str]:
    """Two closed campaigns of the same six items, each rated by two people."""
    names = ["boats-of-spring", "boats-of-autumn"]
    for name in names:
        values = {
            "name": name, "purpose": "evaluation", "dataset": "boats", "split": "test", "systems": ["human", "lstm"],
            "criteria": ["fluency"], "items": 6, "overlap": 2,
        }  # fmt: skip
        file = rating_site.var_dir / f"{name}.toml"
        file.write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items()))
        token = rating_site.manage("create_campaign", str(file))["link"].rstrip("/").split("/")[-1]
        for rater in range(2):
            _, joined = rating_site.request("POST", f"/api/v1/rate/{token}/join")
            session = (joined or {})["session"]
            _, screen = rating_site.request("POST", "/api/v1/rate/next", session=session)
            for turn in range(6):
                assert screen is not None
                texts = enumerate(screen["item"]["candidates"])
                given = {each["id"]: 40 + 7 * place + 5 * rater + turn * turn for place, each in texts}
                body = {"key": str(uuid.uuid4()), "answers": {"fluency": given}, "seconds": 4}
                path = f"/api/v1/rate/assignments/{screen['assignment']}"
                status, answer = rating_site.request("POST", path, body, session)
                assert status == 201, answer
                screen = (answer or {})["next"]
        rating_site.manage("close_campaign", name)
    return names


def test_closed_campaigns_are_chosen_and_compared(rating_site: Site, two: list[str], new_page: NewPage) -> None:
    link = rating_site.manage("account_link", "grace", "--role", "researcher")["link"]
    page = new_page(**DESK)
    page.goto(link)
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password confirmation").fill(PASSWORD)
    page.get_by_role("button").last.click()
    page.goto(f"{rating_site.env['SITE_URL']}/campaigns/")
    page.get_by_label("Username").fill("grace")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Compare campaigns").click()
    check_accessible(page, "#content")
    for name in two:
        page.get_by_label(name).check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="fluency")).to_be_visible()
    expect(page.get_by_role("img", name="Means and 95 % intervals for fluency")).to_be_visible()
    expect(page.get_by_text("6 are shared")).to_be_visible()
    for options in (DESK, PHONE):
        page.set_viewport_size(options["viewport"])
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            check_accessible(page, "#content")
            check_fits(page)
    with page.expect_download() as taken:
        page.get_by_role("link", name="HTML", exact=True).click()
    file = rating_site.var_dir / taken.value.suggested_filename
    taken.value.save_as(file)
    alone = new_page(**PHONE)
    alone.goto(file.as_uri())
    check_accessible(alone)
    check_fits(alone)
