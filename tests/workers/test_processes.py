"""The real processes: what a lost or doubled message does, and what the supervisor does about a dead process."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
import redis

from tests.site import Site


@pytest.fixture
def scored(site: Site, tmp_path: Path) -> Site:
    """A site with something to score, and nothing running."""
    site.env["RUN_RING_AGAIN_SECONDS"] = "1"
    site.migrate()
    for split in ("train", "test"):
        rows = [{"caption": f"a {split} dog {n}", "story": f"We saw dog {n} .", "out": "we saw it"} for n in range(20)]
        file = tmp_path / f"{split}.jsonl"
        file.write_text("\n".join(map(json.dumps, rows)))
        site.manage("import_pairs", str(file), "--dataset", "dogs", "--split", split, "--system", "lstm=out")
    return site


def lose_all_messages(site: Site) -> int:
    if url := os.environ.get("REDIS_URL"):
        return int(redis.Redis.from_url(url).delete(f"{site.env['QUEUE_PREFIX']}cpu"))
    folder = site.var_dir / "broker" / "messages"
    lost = len(list(folder.iterdir()))
    shutil.rmtree(folder)
    folder.mkdir()
    return lost


def test_a_run_whose_message_was_lost_is_done_all_the_same(scored: Site) -> None:
    launched = scored.manage("score", "--dataset", "dogs", "--split", "test", "--metric", "bleu")
    assert launched["state"] == "queued"
    assert lose_all_messages(scored) == 1
    scored.worker()
    scored.start("manage.py", "sweeper", log="sweeper.log")
    assert scored.run_done(launched, 60)["attempt"] == 1


def test_a_message_that_comes_five_times_does_nothing_twice(scored: Site) -> None:
    launched = scored.manage("score", "--dataset", "dogs", "--split", "test", "--metric", "bleu")
    ring = "from workers.lifecycle import doorbell_ring; from workers.models import Run\n"
    scored.manage_plain("shell", "-v0", "-c", ring + "for _ in range(4): doorbell_ring(Run.objects.latest('pk'))")
    scored.worker()
    assert scored.run_done(launched, 60)["attempt"] == 1
    last = scored.manage("score", "--dataset", "dogs", "--split", "test", "--metric", "bleu")
    scored.run_done(last, 60)  # the worker has gone through the earlier messages by then
    again = scored.manage("runs", launched["run"])
    assert (again["attempt"], again["state"]) == (1, "done")


def children_of(pid: int) -> set[int]:
    return {int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def memory_mb(pid: int) -> float:
    """Resident memory of a process that no other shares, with its part of what is shared."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("Pss:")) / 1000


def test_the_supervisor_starts_what_dies_and_stops_everything(site: Site) -> None:
    up = site.up()
    site.wait(lambda: len(children_of(up.pid)) == 3, 20, "web, worker and sweeper")
    before = children_of(up.pid)
    assert memory_mb(up.pid) < 20  # the supervisor lives as long as the site, and holds none of it
    for pid in before:
        os.killpg(pid, signal.SIGKILL)
    site.wait(lambda: len(children_of(up.pid) - before) == 3, 20, "all three to be started again")
    site.wait(site.healthy, 20, "the site to answer again")
    running = children_of(up.pid)
    up.send_signal(signal.SIGINT)
    assert up.wait(20) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in running)
    assert not site.healthy()
