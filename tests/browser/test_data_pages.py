"""Looking for texts in a dataset: from its page to a source, to its album, and by words."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from samples.generate import generate
from tests.browser.conftest import NewPage, check_accessible, check_fits
from tests.browser.test_rating_page import DESK, PHONE
from tests.site import Site

PASSWORD = "one long password"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With the stories of a few albums, and an account."""
    made = Site(tmp_path_factory.mktemp("site"), SWEEP_EVERY_SECONDS="0.5")
    made.up()
    files = generate(made.var_dir / "written", albums={"test": 4})["test"]
    pictures = ("--images", str(made.var_dir / "written" / "images"))
    texts = ("--dii", str(files["dii"]), "--sis", str(files["sis"]))
    made.manage("import_vist", *texts, *pictures, "--split", "test", "--dataset", "drawn")
    account = f"User.objects.create_superuser('ada', password='{PASSWORD}')"
    made.manage_plain("shell", "-c", f"from django.contrib.auth.models import User; {account}")
    yield made
    made.close()


def check(page: Page) -> None:
    check_accessible(page, "#content")
    check_fits(page)


@pytest.mark.parametrize("options", [DESK, PHONE], ids=["desk", "phone"])
def test_a_text_is_looked_for(site: Site, new_page: NewPage, options: dict[str, object]) -> None:
    page = new_page(**options)
    page.goto(f"http://127.0.0.1:{site.port}/data/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()

    page.get_by_role("link", name="drawn", exact=True).click()
    check(page)
    page.get_by_role("link", name="captions of test").click()
    check(page)
    page.locator("select[name=kind]").select_option("sequence")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(4)
    check(page)
    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", name="What people wrote")).to_be_visible()
    page.locator(".photos img").first.evaluate("image => image.decode()")
    check(page)
    page.get_by_role("link", name="Next source").click()
    page.get_by_role("link", name="album").first.click()
    check(page)
    page.locator(".photos a").first.click()
    caption = page.locator("h1").inner_text()
    check(page)

    box = page.get_by_label("Search captions, stories and outputs")
    box.fill(f"{caption} *\"'")
    box.press("Enter")
    expect(page.locator(".hits > li > a").first).to_have_text(caption)
    expect(page.locator(".hits mark").first).to_be_visible()
    check(page)
    page.locator(".filters input[name=q]").fill("zeppelin")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No caption, story or output holds this word.")).to_be_visible()
    check(page)
