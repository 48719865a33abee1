"""Takes the pictures in docs/pictures: `.venv/bin/python -m docs.pictures` starts a site of its own on the synthetic
samples, looks at a run while it trains, at an output, at a screen and at a report. The ratings behind that report are
drawn by this script; they are nobody's.

Needs Chromium on the PATH.
"""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
DESK = {"width": 1180, "height": 860}
RATERS = 3
PATIENCE = 180  # seconds for the site to have something to rate


def post(address: str, body: dict[str, Any], session: str = "") -> Any:
    headers = {"Content-Type": "application/json", "Authorization": f"Rater {session}"}
    request = urllib.request.Request(address, json.dumps(body).encode(), headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        content = answer.read()
        return json.loads(content) if content else None


def rate_everything(site: str, token: str, draw: random.Random) -> None:
    """A made-up rater, who likes longer texts a little."""
    session = post(f"{site}/api/v1/rate/{token}/join", {})["session"]
    screen = post(f"{site}/api/v1/rate/next", {}, session)
    while screen and "wait" not in screen:
        answers = {
            criterion: {
                each["id"]: min(100, max(0, round(draw.gauss(35 + 3 * len(each["text"].split()), 14))))
                for each in screen["item"]["candidates"]
            }
            for criterion in screen["criteria"]
        }
        body = {"key": str(uuid.uuid4()), "answers": answers, "seconds": draw.uniform(5, 25)}
        screen = post(f"{site}/api/v1/rate/assignments/{screen['assignment']}", body, session)["next"]


def first(pattern: str, log: Path) -> str:
    """What the site has printed, once it has."""
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last:
        if found := re.search(pattern, log.read_text()):
            return found[1]
        time.sleep(0.2)
    sys.exit(f"the site did not print {pattern}:\n{log.read_text()}")


def take(page: Page, name: str, height: int = DESK["height"]) -> None:
    page.wait_for_timeout(400)
    page.screenshot(path=PICTURES / f"{name}.png", clip={"x": 0, "y": 0, "width": DESK["width"], "height": height})


def pictures(page: Page, site: str, log: Path) -> None:
    password = first(r"password (\S+)", log)
    page.goto(f"{site}/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()

    page.goto(f"{site}/runs/")
    while not page.get_by_role("link", name="train synthetic-gru").count():
        page.wait_for_timeout(500)
        page.reload()
    page.get_by_role("link", name="train synthetic-gru").click()
    page.wait_for_timeout(30_000)
    take(page, "run")

    token = first(r"/rate/([\w-]+)/", log)
    page.goto(f"{site}/models/all/?name=synthetic-gru")
    page.get_by_role("link", name="synthetic-gru", exact=True).click()
    page.locator("td a", has_text="attention").first.click()
    take(page, "attention")

    page.goto(f"{site}/rate/{token}/")
    page.locator("button.primary").click()
    for number, slider in enumerate(page.locator("input[type=range]").all()[:3]):
        slider.focus()
        page.keyboard.press(str(8 - 2 * number))
    page.mouse.click(5, 5)
    take(page, "rating", height=1000)

    for number in range(RATERS):
        rate_everything(site, token, random.Random(number))
    page.goto(f"{site}/campaigns/1/")
    page.get_by_role("link", name="Close permanently").click()
    page.get_by_role("button", name="Close permanently").click()
    page.get_by_role("link", name="Report", exact=True).click()
    page.locator("#report-results").evaluate("heading => heading.scrollIntoView()")
    take(page, "report")


def main() -> None:
    chromium = shutil.which("chromium") or sys.exit("no chromium on the PATH")
    PICTURES.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        env = {**os.environ, "VAR_DIR": folder, "PORT": str(port), "PYTHONUNBUFFERED": "1"}
        with log.open("wb") as out:
            up = subprocess.Popen([sys.executable, "manage.py", "up", "--samples"], cwd=ROOT, env=env, stdout=out)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": DESK["width"], "height": 1000}, locale="en-US")
                pictures(page, f"http://127.0.0.1:{port}", log)
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(30)


if __name__ == "__main__":
    main()
