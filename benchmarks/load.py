"""Raters beside everything else: a hundred of them, while a model trains, exports and an import run, and a campaign is
made.

A site of its own is started, on SQLite or, with `--database-url`, on a new database of that PostgreSQL server. A round
is one request by HTTP: the answer in, the next screen out. Raters think for 1 to 3 seconds before each, and send an
answer again, under its key, that was not taken.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from http.cookiejar import CookieJar
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks import campaigns
from benchmarks.common import ROOT, print_result, print_table, write_jsonl
from benchmarks.rating import campaign, correctness
from benchmarks.rating_clients import ApiRater, Refused
from tests.site import Site

ITEMS, OVERLAP = 4000, 3  # of the campaign that is rated
SCORES_PER_TEXT = ("human_likeness", "grounding", "fluency")
EXPORTS, MIN_THOUGHT, MAX_THOUGHT, AGAIN_AFTER = 3, 1.0, 3.0, 1.0
MAX_P95 = {"SQLite": 0.8, "PostgreSQL": 0.4}
NONE_OF = ("5xx", "locked", "lost", "doubled", "items over their overlap")
BUDGET = 3600  # CPU seconds of the training, which goes on for longer than the raters
PASSWORD = "only of this benchmark"


def main() -> None:
    if sys.argv[1:2] == ["client"]:
        return client(*sys.argv[2:])
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--database-url", default="", help="a PostgreSQL server to make a database on")
    options.add_argument("--raters", type=int, default=100)
    options.add_argument("--seconds", type=int, default=120)
    options.add_argument("--rows", type=int, default=60_000, help="of the import")
    options.add_argument("--items", type=int, default=20_000, help="of the campaign that is made")
    options.add_argument("--scores", type=int, default=100_000, help="of each export")
    options.add_argument("--alone", action="store_true", help="raters, and nothing beside them")
    given = options.parse_args()
    database = "PostgreSQL" if given.database_url else "SQLite"
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), server_url=given.database_url, LOG_LEVEL="WARNING")
        try:
            found = measure(site, given)
        finally:
            site.close()
    figures = {"p95, s": f"≤ {MAX_P95[database]}", **dict.fromkeys(NONE_OF, "0")}
    print_table(
        [[database, "measured", "figure"], *([key, value, figures.get(key, "")] for key, value in found.items())]
    )
    print_result(database=database, raters=given.raters, seconds=given.seconds, **found)
    missed = found["p95, s"] > MAX_P95[database] or any(found[what] for what in NONE_OF)
    sys.exit(missed or any(value == "failed" for value in found.values()))


def measure(site: Site, given: argparse.Namespace) -> dict[str, Any]:
    site.up()
    beside = {} if given.alone else prepare(site, given)
    rated = ({"caption": f"a dog {n}", "story": f"We saw dog {n} .", "out": f"it was {n}"} for n in range(ITEMS))
    into = "--dataset", "dogs", "--split", "test", "--system", "lstm=out"
    site.manage("import_pairs", str(write_jsonl(site.var_dir / "rated.jsonl", rated)), *into)
    token = campaign(site, "rated", items=ITEMS, overlap=OVERLAP)
    took: dict[str, Any] = {}
    threads = [threading.Thread(target=timed, args=(what, job, took)) for what, job in beside.items()]
    raters = [sys.executable, "-m", "benchmarks.load", "client", str(site.port), token]
    asked = subprocess.Popen(
        [*raters, str(given.raters), str(given.seconds)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    for thread in threads:
        thread.start()
    rounds = json.loads(asked.communicate()[0])
    trained = {} if given.alone else {"training": training_state(site)}
    for thread in threads:
        thread.join()
    seconds = sorted(rounds["seconds"])
    right = correctness(site, rounds["told"], "rated")
    logs = "".join(path.read_text(errors="replace") for path in site.var_dir.glob("*.log")) + repr(took)
    return {
        "rounds": len(seconds),
        **{f"p{share}, s": round(seconds[len(seconds) * share // 100], 3) for share in (50, 95, 99)},
        "longest, s": round(seconds[-1], 3),
        "5xx": sum(count for status, count in rounds["refused"].items() if status.startswith("5")),
        "other refusals": sum(count for status, count in rounds["refused"].items() if not status.startswith("5")),
        "locked": len(re.findall(r"\blocked\b", logs)),
        "lost": right["lost"],
        "doubled": right["doubled"],
        "items over their overlap": right["items over their overlap"],
        **trained,
        **{what: value if isinstance(value, float) else "failed" for what, value in took.items()},
    }


def training_state(site: Site) -> str:
    """Of the one that began before the raters did: it has to be still at its steps when they have ended."""
    run = next(run for run, line in site.manage("runs").items() if line.startswith("train "))
    row = site.run_row(run)
    return "running" if row["state"] == "running" and row["message"].startswith("step") else "failed"


def timed(what: str, job: Callable[[], object], took: dict[str, Any]) -> None:
    """Its seconds, or why it failed."""
    began = time.perf_counter()
    try:
        job()
        took[what] = round(time.perf_counter() - began, 1)
    except (AssertionError, HTTPException, OSError, RuntimeError, subprocess.SubprocessError) as error:
        took[what] = repr(error)
        print(f"{what}: {error!r}", file=sys.stderr)


def prepare(site: Site, given: argparse.Namespace) -> dict[str, Callable[[], object]]:
    """What is done beside the raters, by name."""
    made = write_jsonl(site.var_dir / "made.jsonl", campaigns.rows(given.items))
    further = write_jsonl(site.var_dir / "further.jsonl", campaigns.rows(given.rows))
    learnt = write_jsonl(site.var_dir / "learnt.jsonl", campaigns.rows(2000))
    systems = "--album-field", "album", "--system", "lstm=lstm", "--system", "gru=gru"
    site.manage("import_pairs", str(made), "--dataset", "made", "--split", "test", *systems)
    site.manage("import_pairs", str(learnt), "--dataset", "learnt", "--split", "train", "--album-field", "album")
    table = site.var_dir / "scores.csv"
    table.write_text("".join(score_lines(given.scores)))
    site.manage("import_ratings", str(table), "--campaign", "exported")
    spec = campaigns.write_spec(site.var_dir, given.items)
    small = ["threads=1", f"budget={BUDGET}", "max_steps=1000000", "vocabulary_size=400"]
    site.manage("train", "--dataset", "learnt", "--preset", "tiny", "--set", *small)
    opener = logged_in(site)
    address = f"http://127.0.0.1:{site.port}/reports/{exported_campaign(site)}/ratings.csv"
    into = "--dataset", "further", "--split", "test"
    return {
        **{f"export {n + 1}, s": lambda: exported(opener, address, given.scores) for n in range(EXPORTS)},
        "import, s": lambda: site.manage("import_pairs", str(further), *into, *systems),
        "campaign, s": lambda: site.manage("create_campaign", str(spec)),
    }


def score_lines(scores: int) -> Iterator[str]:
    yield "item,system,rater,criterion,score,text\n"
    for n in range(scores // (2 * 3 * len(SCORES_PER_TEXT))):
        for system in ("lstm", "gru"):
            for rater in range(3):
                for criterion in SCORES_PER_TEXT:
                    yield f"i{n},{system},r{(n + rater) % 50},{criterion},{(n + rater) % 5 + 1},text {n} of {system}\n"


def logged_in(site: Site) -> urllib.request.OpenerDirector:
    site.env["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
    site.manage_plain("createsuperuser", "--noinput", "--username", "load", "--email", "load@example.org")
    cookies = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    address = f"http://127.0.0.1:{site.port}/login/"
    with opener.open(address):
        csrf = next(cookie.value for cookie in cookies if "csrf" in cookie.name)
    sent = {"username": "load", "password": PASSWORD, "csrfmiddlewaretoken": csrf or "", "next": "/healthz"}
    with opener.open(urllib.request.Request(address, urllib.parse.urlencode(sent).encode(), {"Referer": address})):
        return opener


def exported_campaign(site: Site) -> int:
    code = 'from annotations.models import Campaign; print(Campaign.objects.get(name="exported").pk)'
    return int(site.manage_plain("shell", "-v0", "-c", code).splitlines()[-1])


def exported(opener: urllib.request.OpenerDirector, address: str, scores: int) -> None:
    with opener.open(address, timeout=600) as answer:
        lines = sum(block.count(b"\n") for block in iter(lambda: answer.read(1 << 16), b""))
    whole = scores // (6 * len(SCORES_PER_TEXT)) * 6 * len(SCORES_PER_TEXT)
    if lines != whole + 1:
        raise RuntimeError(f"{lines} lines of an export of {whole} scores")


def client(port: str, token: str, raters: str, seconds: str) -> None:
    """The process that holds the raters: prints the seconds of each round, and what was refused."""
    end = time.perf_counter() + float(seconds)
    refused: Counter[int] = Counter()
    with ThreadPoolExecutor(int(raters)) as pool:
        jobs = [pool.submit(rate, int(port), token, end, random.Random(n), refused) for n in range(int(raters))]
        done = [job.result() for job in jobs]
    print(json.dumps({"seconds": list(chain(*done)), "told": sum(map(len, done)), "refused": refused}))


def rate(port: int, token: str, end: float, draw: random.Random, refused: Counter[int]) -> list[float]:
    time.sleep(draw.uniform(0, MAX_THOUGHT))
    rater = ApiRater(port)
    persistent(lambda: rater.join(token), refused)
    screen, found = persistent(rater.next, refused), []
    while screen and time.perf_counter() < end:
        time.sleep(draw.uniform(MIN_THOUGHT, MAX_THOUGHT))
        shown, key, began = screen, str(uuid.uuid4()), time.perf_counter()
        screen = rater.shown(persistent(lambda shown=shown, key=key: rater.submit(shown, key), refused)["next"])  # type: ignore[misc]
        found.append(round(time.perf_counter() - began, 4))
    return found


def persistent(ask: Callable[[], Any], refused: Counter[int]) -> Any:
    """The answer, asked for again where it is refused, as pages do."""
    while True:
        try:
            return ask()
        except Refused as refusal:
            refused[refusal.status] += 1
            if refused.total() > 1000:
                raise
            time.sleep(AGAIN_AFTER)


if __name__ == "__main__":
    os.environ.pop("DATABASE_URL", None)
    os.environ.pop("REDIS_URL", None)
    main()
