"""A real browser on a real site. Skipped, saying so, where no Chromium is at hand."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.site import Site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NewPage = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on the PATH: on Debian, apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def rating_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with twenty captions and two systems' outputs, its web process running."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.env["SITE_URL"] = f"http://127.0.0.1:{site.port}/stories"  # below a path, as behind a proxy
    site.up()
    rows = [
        {
            "caption": f"a dog in boat {n}",
            "story": f"Boat {n} was ours .",
            "out": f"we saw {n}",
            "more": f"{n} dogs swam",
        }
        for n in range(20)
    ]
    file = site.var_dir / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    site.manage(
        "import_pairs",
        str(file),
        "--dataset",
        "boats",
        "--split",
        "test",
        "--system",
        "lstm=out",
        "--system",
        "gru=more",
    )
    yield site
    site.close()


@pytest.fixture
def link(rating_site: Site, request: pytest.FixtureRequest) -> str:
    """The link of a fresh campaign of three items and two systems; indirect parameters give it more keys."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)
    values: dict[str, Any] = {
        "name": name, "purpose": "evaluation", "dataset": "boats", "split": "test", "systems": ["human", "lstm"],
        "criteria": ["human_likeness", "fluency"], "items": 3, "overlap": 1, **getattr(request, "param", {}),
    }  # fmt: skip
    file = rating_site.var_dir / f"{name}.toml"
    file.write_text("\n".join(f"{key} = {toml(value)}" for key, value in values.items()))
    return str(rating_site.manage("create_campaign", str(file))["link"])


def toml(value: Any) -> str:
    """Tables stand in their line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Opens pages; what their consoles say or throw fails the test at its end, unless it holds an `expected` word."""
    said: list[str] = []
    contexts: list[BrowserContext] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            said.append(message.text)

    def make(*expected: str, context: BrowserContext | None = None, **options: Any) -> Page:
        opened = context or browser.new_context(**options)
        contexts.append(opened)
        page = opened.new_page()
        page.on("console", lambda message: None if any(word in message.text for word in expected) else heard(message))
        page.on("pageerror", lambda error: said.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert not said


def ratings_in(site: Site) -> list[list[Any]]:
    """Every rating row of the site: campaign's token, kind, answers."""
    code = (
        "import json; from annotations.models import Rating; "
        "rows = Rating.objects.order_by('pk').values_list('assignment__item__campaign__token', 'kind', 'answers'); "
        "print(json.dumps(list(rows)))"
    )
    rows: list[list[Any]] = json.loads(site.manage_plain("shell", "-v0", "-c", code).splitlines()[-1])
    return rows


def axe_script() -> str:
    import axe_playwright_python

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()


def check_accessible(page: Page, within: str = "html") -> None:
    """axe-core, WCAG 2.2 AA, on a part of the page; evaluated outside of the page's content security policy."""
    page.evaluate(axe_script())
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    found = page.evaluate("([part, options]) => axe.run(part, options)", [within, options])["violations"]
    assert not [(each["id"], each["nodes"][0]["html"]) for each in found]


def check_fits(page: Page) -> None:
    root = "document.documentElement"  # on a phone `innerWidth` grows with what is too wide
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), f"{page.url} scrolls sideways"
