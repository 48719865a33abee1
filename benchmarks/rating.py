"""The rating page and API under load: what a page weighs, what a round costs, and that nothing is lost or doubled.

A site of its own is started, on SQLite or, with `--database-url`, on PostgreSQL. A round is one request: the answer
in, the next screen out. Raters are threads of a process of their own, without pause.
"""

import argparse
import gzip
import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.common import ROOT, print_result, print_table, write_jsonl
from tests.site import Site

TICKS = os.sysconf("SC_CLK_TCK")
Screen = dict[str, Any]


class Refused(RuntimeError):
    def __init__(self, path: str, status: int, content: bytes) -> None:
        super().__init__(f"{path}: {status} {content[:300]!r}")
        self.status = status


class Rater:
    """One rater on one kept-alive connection."""

    def __init__(self, port: int, session: str = "") -> None:
        self.connection, self.session = http.client.HTTPConnection("127.0.0.1", port, timeout=120), session

    def join(self, token: str) -> None:
        self.session = self.post(f"/api/v1/rate/{token}/join", {})["session"]

    def post(self, path: str, body: Any) -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f"Rater {self.session}"}
        try:
            answer, content = self.exchange(path, body, headers)
        except (ConnectionError, http.client.RemoteDisconnected):  # kept alive too long: the same again, as clients may
            self.connection.close()
            answer, content = self.exchange(path, body, headers)
        if answer.status >= 400:
            raise Refused(path, answer.status, content)
        return json.loads(content) if content else None

    def exchange(self, path: str, body: Any, headers: dict[str, str]) -> tuple[http.client.HTTPResponse, bytes]:
        self.connection.request("POST", path, json.dumps(body), headers)
        answer = self.connection.getresponse()
        return answer, answer.read()

    def next(self) -> Any:
        return self.post("/api/v1/rate/next", {})

    def submit(self, screen: Screen, key: str) -> Any:
        ids = [each["id"] for each in screen["item"]["candidates"]]
        answers = {criterion: dict.fromkeys(ids, 50) for criterion in screen["criteria"]}
        body = {"key": key, "answers": answers, "seconds": 1.0}
        return self.post(f"/api/v1/rate/assignments/{screen['assignment']}", body)


def rounds(port: int, token: str, most: int, seconds: float, twice: bool) -> int:
    """Rate until nothing is left, or so many rounds or seconds; returns the rounds."""
    rater, done, end = Rater(port), 0, time.perf_counter() + seconds
    rater.join(token)
    again = Rater(port, rater.session)
    screen = rater.next()
    with ThreadPoolExecutor(2) as pool:
        while screen and "assignment" in screen and done < most and time.perf_counter() < end:
            key, shown = str(uuid.uuid4()), screen
            if twice:
                sent = [pool.submit(each.submit, shown, key) for each in (rater, again)]
                answers = [each.result() for each in sent]
                if answers[0]["rating"] != answers[1]["rating"]:
                    raise RuntimeError(f"sent twice, stored twice: {answers}")
                screen = answers[0]["next"]
            else:
                screen = rater.submit(shown, key)["next"]
            done += 1
    return done


def client(arguments: list[str]) -> None:
    """The process that holds the raters: prints the rounds of each."""
    port, token, raters, most, seconds, twice = arguments
    with ThreadPoolExecutor(int(raters)) as pool:
        jobs = [
            pool.submit(rounds, int(port), token, int(most), float(seconds), twice == "twice")
            for _ in range(int(raters))
        ]
        print(json.dumps([job.result() for job in jobs]))


def main() -> None:
    if sys.argv[1:2] == ["client"]:
        client(sys.argv[2:])
        return
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--database-url", default="", help="postgres://…: there, in a database of its own, not SQLite")
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--crowd", type=int, default=200, help="raters who send everything twice")
    given = options.parse_args()
    results = measure(given.database_url, given.seconds, given.crowd)
    database = "PostgreSQL" if given.database_url else "SQLite"
    rows = [[key, value, FIGURES.get(key, "")] for key, value in results.items()]
    print_table([[database, "measured", "figure"], *rows])
    print_result(database=database, **results)


FIGURES = {
    "CPU ms a round": "≤ 10",
    "rounds a second": "≥ 60",
    "lost": "0",
    "doubled": "0",
    "items over their overlap": "0",
    "page, bytes gzipped": "≤ 60,000",
    "page, requests": "≤ 8",
    "page, seconds to its text": "≤ 0.4",
}


def measure(database_url: str, seconds: float, crowd: int) -> dict[str, Any]:
    if database_url:
        os.environ["DATABASE_URL"] = database_url
    else:
        os.environ.pop("DATABASE_URL", None)
    os.environ.pop("REDIS_URL", None)
    folder = Path(tempfile.mkdtemp(prefix="storyblender-benchmark-"))
    site = Site(folder)
    site.env["LOG_LEVEL"] = "WARNING"
    try:
        up = site.up()
        items = ({"caption": f"a dog {n}", "story": f"We saw dog {n} .", "out": f"it was {n}"} for n in range(4000))
        file = write_jsonl(folder / "rows.jsonl", items)
        site.manage("import_pairs", str(file), "--dataset", "dogs", "--split", "test", "--system", "lstm=out")
        token = campaign(site, "page", items=20, overlap=3)
        found = page_weight(site, token) | text_visible(site, token)
        token = campaign(site, "pace", items=4000, overlap=3)
        cpu, start = cpu_of_web(up.pid), time.perf_counter()
        done = sum(run_client(site, token, 32, 10**6, seconds, "once"))
        wall = time.perf_counter() - start
        found["CPU ms a round"] = 1000 * (cpu_of_web(up.pid) - cpu) / done
        found["rounds a second"] = done / wall
        token = campaign(site, "crowd", items=3400, overlap=3)
        told = sum(run_client(site, token, crowd, 50, 600, "twice"))
        return found | correctness(site, told, "crowd")
    finally:
        site.close()
        shutil.rmtree(folder, ignore_errors=True)


def campaign(site: Site, name: str, *, items: int, overlap: int) -> str:
    """A campaign of human and machine by three criteria; returns its token."""
    file = site.var_dir / f"{name}.toml"
    file.write_text(
        f'name = "{name}"\npurpose = "evaluation"\ndataset = "dogs"\nsplit = "test"\nsystems = ["human", "lstm"]\n'
        f'criteria = ["human_likeness", "grounding", "fluency"]\nitems = {items}\noverlap = {overlap}\n'
    )
    return str(site.manage("create_campaign", str(file))["link"]).rstrip("/").rpartition("/")[2]


def run_client(site: Site, token: str, *arguments: object) -> list[int]:
    command = [sys.executable, "-m", "benchmarks.rating", "client", str(site.port), token, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    counts: list[int] = json.loads(done.stdout)
    return counts


def cpu_of_web(supervisor: int) -> float:
    """CPU seconds of the web server's process so far."""
    total = 0
    for line in subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True).stdout.splitlines()[1:]:
        pid, _, command = line.strip().partition(" ")
        if "manage.py serve" in command and belongs_to(int(pid), supervisor):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def belongs_to(pid: int, ancestor: int) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except FileNotFoundError:
            return False
    return False


def page_weight(site: Site, token: str) -> dict[str, Any]:
    """Bytes and requests of a screen's page, everything it links fetched afresh with gzip accepted."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    opener.addheaders = [("Accept-Encoding", "gzip")]
    base = f"http://127.0.0.1:{site.port}"

    def fetch(path: str, data: dict[str, str] | None = None) -> tuple[bytes, int]:
        sent = urllib.parse.urlencode(data).encode() if data else None
        with opener.open(f"{base}{path}", sent) as answer:
            raw: bytes = answer.read()
            zipped = answer.headers.get("Content-Encoding") == "gzip"
            return (gzip.decompress(raw) if zipped else raw), len(raw)

    welcome, _ = fetch(f"/rate/{token}/")
    csrf = re.search(rb'csrfmiddlewaretoken" value="([^"]+)"', welcome)
    fetch(f"/rate/{token}/join/", {"csrfmiddlewaretoken": csrf[1].decode() if csrf else "", "rater": ""})
    page, size = fetch(f"/rate/{token}/")
    linked = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.decode())
    return {
        "page, bytes gzipped": size + sum(fetch(path)[1] for path in linked),
        "page, requests": 1 + len(linked),
    }


def text_visible(site: Site, token: str) -> dict[str, float]:
    """Median seconds from asking for a screen's page to its first text, of seven fresh Chromium profiles."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        return {}
    address = f"http://127.0.0.1:{site.port}/rate/{token}/"
    script = "performance.getEntriesByType('paint')[0].startTime"
    times = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(7):
            joining = browser.new_context()
            page = joining.new_page()
            page.goto(address)
            page.locator("button.primary").click()
            page.locator("#answer").wait_for()
            fresh = browser.new_context(storage_state=joining.storage_state())
            page = fresh.new_page()
            page.goto(address, wait_until="load")
            page.wait_for_timeout(200)
            times.append(page.evaluate(script) / 1000)
            for context in (joining, fresh):
                context.close()
        browser.close()
    return {"page, seconds to its text": statistics.median(times)}


def correctness(site: Site, told: int, campaign: str) -> dict[str, int]:
    """Of a campaign: answers told to be stored and not there, stored twice, and items taken too often."""
    code = f"""
import json
from collections import Counter
from annotations.models import Campaign, Rating
campaign = Campaign.objects.get(name="{campaign}")
rows = Rating.objects.filter(assignment__item__campaign=campaign).values_list("assignment_id", "assignment__item_id")
by_item = Counter(item for _, item in rows)
doubled = len(rows) - len({{assignment for assignment, _ in rows}})
over = sum(count > campaign.overlap for count in by_item.values())
print(json.dumps({{"stored": len(rows), "doubled": doubled, "over": over}}))
"""
    found = json.loads(site.manage_plain("shell", "-v0", "-c", code).splitlines()[-1])
    return {
        "answers of the crowd": told,
        "lost": told - found["stored"] + found["doubled"],
        "doubled": found["doubled"],
        "items over their overlap": found["over"],
    }


if __name__ == "__main__":
    main()
