"""Takes a picture of a screen of every protocol, and of stories, in docs/pictures: `.venv/bin/python -m
docs.protocol_pictures` starts a site of its own on the synthetic samples, in which nothing was trained.

Needs Chromium on the PATH.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from docs.pictures import DESK, PATIENCE, PICTURES, ROOT, take

SAMPLES = "from storyblender_site.first_start import samples_import; samples_import(lambda *_: None)"
VALUES = {
    "purpose": "evaluation", "dataset": "synthetic-samples", "split": "test", "show": "photo", "items": 6, "overlap": 1,
    "systems": ["human", "random_story", "caption"], "criteria": ["human_likeness"],
}  # fmt: skip
SCREENS: dict[str, dict[str, Any]] = {
    "slider": {"criteria": ["human_likeness", "grounding"]},
    "likert": {"criteria": ["human_likeness", "grounding"]},
    "pairwise": {"criteria": ["human_likeness", "grounding"]},
    "best_worst": {},
    "ranking": {},
    "human_or_machine": {},
    "which_is_human": {},
    "edit": {},
    "error_spans": {},
    "stories": {"protocol": "pairwise", "unit": "story", "criteria": ["coherence", "interest"]},
}


def run(env: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *command], cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def link_of(env: dict[str, str], name: str, values: dict[str, Any]) -> str:
    file = Path(env["VAR_DIR"]) / f"{name}.toml"
    whole = {"name": name, "protocol": name, **VALUES, **values}
    file.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in whole.items()))
    return str(json.loads(run(env, "create_campaign", str(file), "--json").splitlines()[-1])["link"])


def screen(page: Page, link: str, name: str) -> None:
    page.goto(link)
    page.locator("button.primary").click()
    page.locator("#answer button[aria-disabled]").wait_for()
    for image in page.locator(".source img").all():
        image.evaluate("image => image.decode()")
    page.evaluate("document.activeElement.blur()")
    take(page, f"protocol-{name}")


def wait_for(port: int) -> None:
    """Until the site answers; it prints its address before."""
    last = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > last:
                raise
            time.sleep(0.2)


def main() -> None:
    chromium = shutil.which("chromium") or sys.exit("no chromium on the PATH")
    PICTURES.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "VAR_DIR": folder, "PORT": str(port), "PYTHONUNBUFFERED": "1"}
        run(env, "migrate", "-v0")
        run(env, "shell", "-v0", "-c", SAMPLES)
        links = {name: link_of(env, name, values) for name, values in SCREENS.items()}
        up = subprocess.Popen([sys.executable, "manage.py", "up"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
        try:
            wait_for(port)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                for name, link in links.items():
                    page = browser.new_page(viewport=DESK, locale="en-US", bypass_csp=True)
                    screen(page, link, name)
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(30)


if __name__ == "__main__":
    main()
