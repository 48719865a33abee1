"""The real processes: what a lost, doubled or damaged message does, and what the supervisor does when one dies."""

import base64
import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from benchmarks.startup import memory_mb
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


def lay_in_the_way(site: Site) -> int:
    """On Redis, what is no list where messages are, and what else kombu keeps there. Says how many queues' keys."""
    if url := os.environ.get("REDIS_URL"):
        broker, prefix = redis.Redis.from_url(url), site.env["QUEUE_PREFIX"]
        for key in ("cpu", "unacked", "unacked_index", "_kombu.binding.cpu", "_kombu.binding_deadlines"):
            broker.set(prefix + key, "of somebody else")
        broker.hset(f"{prefix}cpu\x06\x163", "of somebody", "else")
        return 2
    return 0


def test_a_run_whose_message_was_lost_is_done_all_the_same(scored: Site) -> None:
    launched = scored.manage("score", "--dataset", "dogs", "--split", "test", "--metric", "bleu")
    assert launched["state"] == "queued"
    assert lose_all_messages(scored) == 1
    in_the_way = lay_in_the_way(scored)
    scored.worker()
    scored.start("manage.py", "sweeper", log="sweeper.log")
    assert scored.run_done(launched, 60)["attempt"] == 1
    said = "".join((scored.var_dir / name).read_text() for name in ("worker.log", "sweeper.log"))
    assert said.count("was not a list and was renamed") == in_the_way
    assert "Traceback" not in said


def waiting_message(site: Site) -> bytes:
    """The message of a run that was launched while no worker runs."""
    if url := os.environ.get("REDIS_URL"):
        (message,) = redis.Redis.from_url(url).lrange(f"{site.env['QUEUE_PREFIX']}cpu", 0, -1)
        return bytes(message)
    (file,) = (site.var_dir / "broker" / "messages").iterdir()
    return file.read_bytes()


def lay_before(site: Site, messages: list[bytes]) -> None:
    """Put messages where a worker takes them before those that wait."""
    if url := os.environ.get("REDIS_URL"):
        redis.Redis.from_url(url).rpush(f"{site.env['QUEUE_PREFIX']}cpu", *messages)
        return
    for number, message in enumerate(messages):
        (site.var_dir / "broker" / "messages" / f"0_{number:03}.cpu.msg").write_bytes(message)


def damaged(whole: bytes) -> Iterator[bytes]:
    """Messages that are no doorbell's, each wrong in a way of its own."""
    yield from (whole[:length] for length in (0, 1, len(whole) // 2, len(whole) - 1))
    yield from (b"\xff\xfe", b"null", b"3", b"[]", b"{}", b'"text"', b"[" * 100_000, b"NaN", whole + b"}")
    yield b'{"__type__": "bytes", "__value__": 3}'

    def but(*path: str, **changes: Any) -> bytes:
        message = json.loads(whole)
        there = message
        for key in path:
            there = there[key]
        there |= changes
        return json.dumps(message).encode()

    for key in ("headers", "properties", "body", "content-type", "content-encoding"):
        message = json.loads(whole)
        del message[key]
        yield json.dumps(message).encode()
        yield from (but(**{key: wrong}) for wrong in (None, 3, [], "x"))
    for key in ("delivery_tag", "delivery_info", "body_encoding"):
        yield from (but("properties", **{key: wrong}) for wrong in (None, 3, [], {}, "x") if key != "delivery_tag")
    yield from (but("properties", delivery_tag=wrong) for wrong in (None, 3, []))
    yield from (but("headers", task=wrong) for wrong in (None, 3, [], "workers.nobody"))
    yield from (but("headers", id=wrong) for wrong in (None, 3, []))
    yield from (but("headers", compression=wrong) for wrong in ("gzip", "nobody", 3))
    bodies: list[Any] = [None, [], 3, [[], {}, {}], [[1, 2], {}, {}], [["1"], {}, {}], [[10**30], {}, {}]]
    bodies += [[[1], {"pk": 1}, {}], [{"pk": 1}, {}, {}], {"args": [1]}, [[True], {}, {}]]
    texts = [*map(json.dumps, bodies), "", "nothing", "[" * 100_000]
    yield from (but(body=base64.b64encode(text.encode()).decode()) for text in texts)


def test_messages_that_come_five_times_or_are_damaged_do_nothing(scored: Site) -> None:
    launched = scored.manage("score", "--dataset", "dogs", "--split", "test", "--metric", "bleu")
    whole = waiting_message(scored)
    messages = list(damaged(whole))
    lay_before(scored, [*messages, *[whole] * 4])
    worker = scored.worker()
    assert scored.run_done(launched, 60)["attempt"] == 1
    last = scored.manage("score", "--dataset", "dogs", "--split", "test", "--metric", "bleu")
    scored.run_done(last, 60)  # the worker has gone through the earlier messages by then
    again = scored.manage("runs", launched["run"])
    assert (again["attempt"], again["state"]) == (1, "done")
    assert worker.poll() is None
    said = (scored.var_dir / "worker.log").read_text()
    assert said.count("dropped a damaged broker message") == len(messages)
    assert "Traceback" not in said
    assert "Restoring" not in said


def children_of(pid: int) -> set[int]:
    return {int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def test_the_supervisor_starts_what_dies_and_stops_everything(site: Site) -> None:
    up = site.up()
    site.wait(lambda: len(children_of(up.pid)) == 3, 20, "web, worker and sweeper")
    before = children_of(up.pid)
    assert memory_mb([up.pid]) < 20  # the supervisor lives as long as the site, and holds none of it
    for pid in before:
        os.killpg(pid, signal.SIGKILL)
    site.wait(lambda: len(children_of(up.pid) - before) == 3, 20, "all three to be started again")
    site.wait(site.healthy, 20, "the site to answer again")
    running = children_of(up.pid)
    up.send_signal(signal.SIGINT)
    assert up.wait(20) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in running)
    assert not site.healthy()
