"""Faults, in one command: what hangs, stops or has a wrong clock, at random moments, while the site is asked.

Each of our own rows starts a site (SQLite, or with `--database-url` a new database of that PostgreSQL server) in a
process of its own: Redis stopped and let go (SIGSTOP), a training's worker stopped and let go, clocks set by an hour.
Every run has to end once, with a true message, and every request has to be answered meanwhile. Then come the other
scripts on damage and on load, one after the other. `--short` does each of our own once.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, print_result, print_table, write_jsonl
from tests.site import Site, free_port

OTHERS = ("hostile_files", "keeping", "load")  # on damage and load, a script each; the last line of each is JSON
ON_A_SERVER = ("keeping", "load")  # of them, with `--database-url`
TIMES, SHORT_TIMES = 20, 1
NEEDED = {"redis": "redis-server", "clocks": "cc"}  # programs
HOUR = 3600
PATIENCE = 240.0  # seconds for a run to end, on a busy machine too
LOST_AFTER = 8.0  # not less: on a busy machine a heart may miss beats
ENV = {
    "RUN_HEARTBEAT_SECONDS": "0.5",
    "RUN_LOST_AFTER_SECONDS": str(LOST_AFTER),
    "SWEEP_EVERY_SECONDS": "0.5",
    "RUN_RING_AGAIN_SECONDS": "1",
    "LISTENER_BEAT_SECONDS": "0.5",
    "LISTENER_LOST_AFTER_SECONDS": "5",
    "LOG_LEVEL": "WARNING",
    "OMP_NUM_THREADS": "1",
}


@dataclass
class Tally:
    """Of one fault: how its runs ended, and how the site answered meanwhile."""

    times: int = 0
    done_once: int = 0
    wrong: list[str] = field(default_factory=list)  # what did not end so, and how it did
    answers: list[float] = field(default_factory=list)  # seconds, to the millisecond
    unanswered: list[str] = field(default_factory=list)  # the page, when, and why


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--short", action="store_true", help="each of our own once")
    options.add_argument("--only", choices=[*FAULTS, *OTHERS], help="one row")
    options.add_argument("--times", type=int, help="of each fault")
    options.add_argument("--database-url", default="", help="a PostgreSQL server to make databases on")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    times = given.times or (SHORT_TIMES if given.short else TIMES)
    if given.here:
        print(json.dumps(vars(in_a_site(given.only, times, given.database_url, random.Random(given.seed)))))
        return
    found: dict[str, Tally] = {}
    left_out = False
    table: list[list[object]] = [
        ["fault", "times", "ended once, true message", "answers", "median, s", "longest, s", "none"]
    ]
    for name in FAULTS:
        if (program := NEEDED.get(name)) and not shutil.which(program):
            print(f"{name}: left out, {program} is not installed")
            left_out = left_out or given.only in (None, name)
        elif given.only in (None, name):
            again = ["--here", "--only", name, "--times", str(times), "--seed", str(given.seed)]
            _, said = script("faults", *again, "--database-url", given.database_url)
            tally = found[name] = Tally(**json.loads(said.splitlines()[-1]))
            table.append([name, *summary(tally).values()])
    print_table(table)
    for name, tally in found.items():
        print("".join(f"{name}: {each}\n" for each in (*tally.wrong, *tally.unanswered)), end="")
    further: dict[str, Any] = {}
    for name in OTHERS:
        if given.only == name or not (given.only or given.short):
            on_server = ["--database-url", given.database_url] if name in ON_A_SERVER and given.database_url else []
            met, said = script(name, *on_server)
            print(f"\n{name}\n{said}")
            further[name] = {"met": met, **json.loads(said.splitlines()[-1])}
    print_result(
        database="PostgreSQL" if given.database_url else "SQLite",
        **{name: summary(tally) for name, tally in found.items()},
        **further,
    )
    missed = any(tally.done_once < tally.times or tally.unanswered for tally in found.values())
    sys.exit(left_out or missed or not all(each["met"] for each in further.values()))


def script(name: str, *arguments: str) -> tuple[bool, str]:
    """Whether another script met its figures, and what it prints, its last line in JSON; one without it has failed, and
    ends this one."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    said = done.stdout.strip()
    if not said.endswith("}"):
        sys.exit(f"{name}: exit {done.returncode}\n{said}")
    return not done.returncode, said


def summary(tally: Tally) -> dict[str, Any]:
    median, longest = (statistics.median(tally.answers), max(tally.answers)) if tally.answers else (0.0, 0.0)
    return {
        "times": tally.times,
        "ended_once": tally.done_once,
        "answers": len(tally.answers),
        "median_s": round(median, 3),
        "longest_s": round(longest, 3),
        "unanswered": len(tally.unanswered),
    }


def in_a_site(name: str, times: int, database_url: str, draw: random.Random) -> Tally:
    """A fault, so many times, in this process, which becomes one of a new site's."""
    if database_url:
        os.environ["DATABASE_URL"] = database_url
    with tempfile.TemporaryDirectory() as folder, servers(name, Path(folder)) as (env, server):
        site = Site(Path(folder), **ENV, **env)
        try:
            become_of(site)
            tally, pages = Tally(), prepare(Path(folder))
            site.up()
            with asked(site, pages, tally):
                for number in range(times):
                    FAULTS[name](site, server, draw, number, tally)
            return tally
        finally:
            site.close()


@contextmanager
def servers(name: str, folder: Path) -> Iterator[tuple[dict[str, str], subprocess.Popen[bytes] | None]]:
    """What the fault needs beside the site: a Redis of its own, or a clock that can be set."""
    if name == "clocks":
        library, clock = folder / "clock.so", folder / "clock"
        source = str(ROOT / "benchmarks" / "clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), source, "-ldl"], check=True)
        set_clock(clock, 0)
        yield {"LD_PRELOAD": str(library), "CLOCK_AHEAD": str(clock), "REDIS_URL": ""}, None
    elif name == "redis":
        port = free_port()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            yield {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}, server
        finally:
            server.send_signal(signal.SIGCONT)
            server.terminate()
            server.wait(20)
    else:
        yield {"REDIS_URL": ""}, None


def become_of(site: Site) -> None:
    """This process launches and reads as one of the site's, by its right clock."""
    import django
    from django.core.management import call_command

    os.environ.update({key: value for key, value in site.env.items() if key != "LD_PRELOAD"})
    os.environ["DJANGO_SETTINGS_MODULE"] = "storyblender_site.settings"
    django.setup()
    call_command("migrate", verbosity=0)


def prepare(folder: Path) -> list[str]:
    """Something to score and to train on, and a campaign. Returns the addresses that are asked for."""
    from django.core.management import call_command

    from annotations.campaigns.services.making import campaign_create
    from annotations.campaigns.spec import CampaignSpec

    words = ["sun", "sea", "dog", "kite", "boat", "wave", "gull", "pier"]
    rows = ({"caption": f"a {a} by the {b}", "story": f"we loved the {a} and the {b}"} for a in words for b in words)
    train = write_jsonl(folder / "train.jsonl", rows)
    shown = ({"caption": f"a {a} on the pier", "story": f"we saw a {a}", "out": f"the {a} was here"} for a in words)
    test = write_jsonl(folder / "test.jsonl", shown)
    with open(os.devnull, "w") as nowhere:
        into = "--dataset", "beach", "--split"
        call_command("import_pairs", str(train), *into, "train", stdout=nowhere)
        call_command("import_pairs", str(test), *into, "test", "--system", "lstm=out", stdout=nowhere)
    what = {"name": "looked-at", "purpose": "evaluation", "dataset": "beach", "split": "test"}
    how = {"systems": ["human", "lstm"], "criteria": ["human_likeness"], "items": len(words), "overlap": 2}
    campaign = campaign_create(spec=CampaignSpec.from_mapping({**what, **how}))
    return ["/healthz", "/login/", f"/rate/{campaign.token}/"]


@contextmanager
def asked(site: Site, pages: list[str], tally: Tally) -> Iterator[None]:
    """Asks for the pages in turn, until the block ends."""
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.1):
            for page in pages:
                began = time.monotonic()
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{site.port}{page}", timeout=30) as answer:
                        answer.read()
                    tally.answers.append(round(time.monotonic() - began, 3))
                except OSError as error:
                    tally.unanswered.append(f"{page} at {began:.1f}, after {time.monotonic() - began:.3f} s: {error}")

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)


def launched(kind: str, number: int) -> Any:
    from workers.jobs import scoring, training

    if kind == "score":
        return scoring.launch(dataset="beach", split="test", metrics=["bleu"])
    small = ["vocabulary_size=60", "max_steps=120", "save_every=0.2", "threads=1", "seed=1"]
    return training.launch(dataset="beach", preset="tiny", overrides=small, name=f"trained-{number}")


def set_clock(clock: Path, ahead: int) -> None:
    """For the processes that have `clock.c` loaded, by so many seconds. The file is written in place: they map it."""
    with clock.open("r+b" if clock.exists() else "wb") as file:
        file.write(ahead.to_bytes(8, "little", signed=True))


def until(true: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    last = time.monotonic() + seconds
    while not true():
        if time.monotonic() > last:
            return False
        time.sleep(0.05)
    return True


def judge(run: Any, tally: Tally, *, attempts: range, forbidden: str) -> None:
    """Whether the run is done, once, after so many attempts, and none of its lines says what is not so."""
    ended = until(lambda: fresh(run).finished)
    run = fresh(run)
    ends = [text for _, text in run.log if re.match(r"(done|failed|cancelled)\b", text)]
    untrue = [text for _, text in run.log if re.search(forbidden, text)]
    tally.times += 1
    if ended and run.state == "done" and len(ends) == 1 and run.attempt in attempts and not untrue:
        tally.done_once += 1
    else:
        tally.wrong.append(f"{run.state}, attempt {run.attempt}: {run.log}")


def fresh(run: Any) -> Any:
    return type(run).objects.get(pk=run.pk)


def stop_redis(site: Site, server: Any, draw: random.Random, number: int, tally: Tally) -> None:
    """Before, while or after a run is launched and done; the launch itself is part of it."""
    moment, length = draw.uniform(0, 1.5), draw.uniform(0.5, 8)

    def hang() -> None:
        time.sleep(moment)
        server.send_signal(signal.SIGSTOP)
        time.sleep(length)
        server.send_signal(signal.SIGCONT)

    thread = threading.Thread(target=hang)
    thread.start()
    time.sleep(draw.uniform(0, 2))
    began = time.monotonic()
    run = launched("score", number)
    tally.answers.append(round(time.monotonic() - began, 3))
    thread.join()
    judge(run, tally, attempts=range(1, 2), forbidden="gone|stopped sending heartbeats|given up")


def stop_worker(site: Site, server: Any, draw: random.Random, number: int, tally: Tally) -> None:
    """The one that trains, for less or longer than it takes to be given up; a second one is there to take over."""
    if number == 0:
        site.worker()
    run = launched("train", number)
    if not until(lambda: fresh(run).state == "running"):
        tally.times += 1
        tally.wrong.append("nobody took it")
        return
    pid = int(fresh(run).claimed_by.rpartition(":")[2])
    time.sleep(draw.uniform(0, 4))
    os.kill(pid, signal.SIGSTOP)
    goes_on = threading.Timer(draw.uniform(0.5, 3 * LOST_AFTER), partial(os.kill, pid, signal.SIGCONT))
    goes_on.start()
    judge(run, tally, attempts=range(1, 3), forbidden="worker had gone")
    goes_on.join()


def set_clocks(site: Site, server: Any, draw: random.Random, number: int, tally: Tally) -> None:
    """Those of web, worker and sweeper, during a training. Every second time the worker is killed after that."""
    run = launched("train", number)
    until(lambda: fresh(run).state == "running")
    time.sleep(draw.uniform(0, 3))
    set_clock(site.var_dir / "clock", draw.choice([HOUR, -HOUR, 0]))
    if number % 2:
        time.sleep(draw.uniform(0, 1))
        if not fresh(run).finished:
            os.kill(int(fresh(run).claimed_by.rpartition(":")[2]), signal.SIGKILL)
        judge(run, tally, attempts=range(1, 3), forbidden="stopped sending heartbeats|given up")
    else:
        judge(run, tally, attempts=range(1, 2), forbidden="gone|stopped sending heartbeats|given up")


FAULTS: dict[str, Callable[[Site, Any, random.Random, int, Tally], None]] = {
    "redis": stop_redis,
    "worker": stop_worker,
    "clocks": set_clocks,
}


if __name__ == "__main__":
    main()
