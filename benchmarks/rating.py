"""The rating page and API under load: what a page weighs, what a round costs, and that nothing is lost or doubled.

A site of its own is started, on SQLite or, with `--database-url`, on PostgreSQL. A round is one request: the answer
in, the next screen out. Raters are threads of a process of their own, without pause.
"""

import argparse
import gzip
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.common import ROOT, print_result, print_table, write_jsonl
from benchmarks.rating_clients import ApiRater
from benchmarks.startup import cpu_seconds, processes_of
from tests.site import Site

PARTS = ("weight", "pace", "quality", "end", "crowd")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--database-url", default="", help="postgres://…: there, in a database of its own, not SQLite")
    options.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="these parts")
    options.add_argument("--protocols", nargs="+", default=["slider"], help="pace and crowd of each of these")
    options.add_argument("--seconds", type=float, default=20, help="of 32 raters by the API, and by the page")
    options.add_argument("--crowd", type=int, default=200, help="raters who send everything twice")
    options.add_argument("--items", type=int, default=50_000, help="of the campaign near whose end a round is timed")
    given = options.parse_args()
    results = measure(given)
    database = "PostgreSQL" if given.database_url else "SQLite"
    rows = [[key, value, FIGURES.get(key.rpartition(": ")[2], "")] for key, value in results.items()]
    print_table([[database, "measured", "figure"], *rows])
    print_result(database=database, **results)


FIGURES = {
    "CPU ms per round": "≤ 7",
    "CPU ms per round by page": "≤ 9",
    "rounds a second": "≥ 60",
    "with quality control, times as much": "≤ 1.2",
    "near the end, times as long": "≤ 2",
    "lost": "0",
    "doubled": "0",
    "items over their overlap": "0",
    "page, bytes gzipped": "≤ 35,000",
    "page, requests": "≤ 8",
    "page, seconds to its text": "≤ 0.4",
}


def measure(given: argparse.Namespace) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="storyblender-benchmark-"))
    site, found = Site(folder, server_url=given.database_url), dict[str, Any]()
    site.env |= {"LOG_LEVEL": "WARNING", "SCREENS_PER_RATER": "0"}
    try:
        up = site.up()
        if "weight" in given.only:
            token = site.manage_plain("shell", "-v0", "-c", STORIES.format(folder=folder)).splitlines()[-1]
            of_stories = page_weight(site, token) | text_visible(site, token)
            found |= {f"stories: {key}": value for key, value in of_stories.items()}
        items = (
            {
                "caption": f"a dog {n}",
                "story": f"We saw dog {n} .",
                "out": f"it was {n}",
                "more": f"dog {n} there",
                "long": f"we saw dog {n} near the lake on the same day .",
                "longer": f"it was dog {n} that ran all over the hill there .",
            }
            for n in range(4000)
        )
        file = write_jsonl(folder / "rows.jsonl", items)
        systems = ["--system", "lstm=out", "--system", "gru=more", "--system", "long=long", "--system", "longer=longer"]
        site.manage("import_pairs", str(file), "--dataset", "dogs", "--split", "test", *systems)
        if "weight" in given.only:
            token = campaign(site, "weight", items=20, overlap=3)
            found |= page_weight(site, token) | text_visible(site, token)
        for protocol in given.protocols if "pace" in given.only else ():
            for kind in ("api", "page"):
                found |= of(protocol, pace(site, up.pid, kind, given.seconds, protocol))
        if "quality" in given.only:
            found |= with_quality(site, up.pid, given.seconds)
        if "end" in given.only:
            found |= near_the_end(site, given.items)
        for protocol in given.protocols if "crowd" in given.only else ():
            name = f"crowd-{protocol}"
            token = campaign(site, name, items=3400, overlap=3, protocol=protocol)
            told = sum(map(len, rate(site, token, "twice", given.crowd, 50, 600)))
            found |= of(protocol, correctness(site, told, name))
        return found
    finally:
        site.close()
        shutil.rmtree(folder, ignore_errors=True)


STORIES = """
from pathlib import Path
from tests.annotations.stories import story_campaign
folder = Path("{folder}")
print(story_campaign(folder=folder, show="both", systems=["human", "gru", "tapm"], layout="photos").token)
"""


def of(protocol: str, found: dict[str, Any]) -> dict[str, Any]:
    """What was found, by names that say of which protocol, but for the first one's."""
    return found if protocol == "slider" else {f"{protocol}: {key}": value for key, value in found.items()}


def pace(site: Site, supervisor: int, kind: str, seconds: float, protocol: str) -> dict[str, float]:
    """32 raters without pause."""
    token = campaign(site, f"pace-{kind}-{protocol}", items=4000, overlap=3, protocol=protocol)
    cpu, start = cpu_of_web(supervisor), time.perf_counter()
    done = sum(map(len, rate(site, token, kind, 32, 10**6, seconds)))
    wall, by = time.perf_counter() - start, "" if kind == "api" else f" by {kind}"
    return {f"CPU ms per round{by}": 1000 * (cpu_of_web(supervisor) - cpu) / done, f"rounds a second{by}": done / wall}


QUALITY = """
[quality]
degraded = 4
degraded_needed = 1
degradations = ["truncation"]
repeats = 4
seconds_per_word = 0.001
same_answers = 0.9
"""


def with_quality(site: Site, supervisor: int, seconds: float) -> dict[str, float]:
    """CPU of a round by the API, of raters without pause, without and with quality control, in turns; nobody is
    stopped."""
    cost: dict[str, list[float]] = {"": [], QUALITY: []}
    for turn in range(5):
        for table, costs in cost.items():
            name = f"{'with' if table else 'without'}-{turn}"
            token = campaign(site, name, items=900, overlap=3, systems=("long", "longer"), more=table, most=64)
            cpu = cpu_of_web(supervisor)
            done = sum(map(len, rate(site, token, "api", 32, 10**6, seconds)))
            costs.append(1000 * (cpu_of_web(supervisor) - cpu) / done)
    without, watched = (statistics.median(costs) for costs in cost.values())
    times = statistics.median(b / a for a, b in zip(*cost.values(), strict=True))
    return {
        "CPU ms per round without quality control": without,
        "CPU ms per round with quality control": watched,
        "with quality control, times as much": times,
    }


LEFT = 50  # items, evenly over the campaign, that a rater near its end has yet to answer
ALMOST_DONE = """
from annotations.models import Campaign
from annotations.campaigns.services.raters import rater_join
from tests.annotations.many_items import answer_nearly_all, grow
campaign = Campaign.objects.get(name="{name}")
grow(campaign, {items})
rater, session = rater_join(token=campaign.token)
answer_nearly_all(campaign, rater, rater_join(token=campaign.token)[0], {left})
print(session)
"""


def near_the_end(site: Site, items: int) -> dict[str, float]:
    """Median milliseconds of one rater's round near the end of campaigns of 1,000 items and of many, in turns. What is
    left was answered once by another, so that all that the rater answered stands as near as it."""
    sizes, raters, took = (1000, items), {}, dict[int, list[float]]()
    for size in sizes:
        name = f"end-{size}"
        campaign(site, name, items=20, overlap=3)
        code = ALMOST_DONE.format(name=name, items=size, left=LEFT)
        raters[size] = ApiRater(site.port, site.manage_plain("shell", "-v0", "-c", code).splitlines()[-1])
    screens = {size: rater.next() for size, rater in raters.items()}
    for _ in range(LEFT - 10):
        for size, rater in raters.items():
            if (screen := screens[size]) is None:
                raise RuntimeError("nothing is left near the end")
            begun = time.perf_counter()
            screens[size] = rater.round(screen)
            took.setdefault(size, []).append(1000 * (time.perf_counter() - begun))
    few, many = (statistics.median(took[size]) for size in sizes)
    return {
        "ms a round near the end of 1,000 items": few,
        f"ms a round near the end of {items:,} items": many,
        "near the end, times as long": many / few,
    }


SYSTEMS = {"best_worst": ["human", "lstm", "gru"], "ranking": ["human", "lstm", "gru"]}  # others have two
ONE_CRITERION = ("human_or_machine", "which_is_human", "edit", "error_spans")


def campaign(
    site: Site,
    name: str,
    *,
    items: int,
    overlap: int,
    protocol: str = "slider",
    systems: Sequence[str] = (),
    most: int | None = None,
    more: str = "",
) -> str:
    """A campaign of human and machine by three criteria, or by the one that a protocol has, or of the systems given;
    `most` are the screens of a rater, and `more` stands behind in its file. Returns its token."""
    criteria = ["human_likeness", "grounding", "fluency"][: 1 if protocol in ONE_CRITERION else 3]
    values = {
        "name": name, "purpose": "evaluation", "dataset": "dogs", "split": "test", "protocol": protocol,
        "systems": list(systems) or SYSTEMS.get(protocol, ["human", "lstm"]),
        "criteria": criteria, "items": items, "overlap": overlap,
    }  # fmt: skip
    values |= {"screens_per_rater": most} if most else {}
    file = site.var_dir / f"{name}.toml"
    file.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()) + more)
    return str(site.manage("create_campaign", str(file))["link"]).rstrip("/").rpartition("/")[2]


def rate(site: Site, token: str, kind: str, raters: int, most: int, seconds: float) -> list[list[float]]:
    """The seconds of each round, a list per rater; the raters are in a process of their own."""
    given = map(str, (site.port, token, kind, raters, most, seconds))
    command = [sys.executable, "-m", "benchmarks.rating_clients", *given]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    rounds: list[list[float]] = json.loads(done.stdout)
    return rounds


def cpu_of_web(supervisor: int) -> float:
    """CPU seconds of the web server's process so far."""
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in processes_of(supervisor)}
    return cpu_seconds([pid for pid, command in commands.items() if b"serve" in command])


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
