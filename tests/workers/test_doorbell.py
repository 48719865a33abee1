"""A broker that hangs holds nobody up, and messages that nobody hears do not pile up."""

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from kombu import Connection

from tests.site import Site, free_port
from workers import doorbell, lifecycle, sweeping, tasks
from workers.celery import app as celery_app
from workers.doorbell import Doorbell
from workers.lifecycle import run_claim
from workers.listeners import listener_beat
from workers.messages import FolderTransport
from workers.models import Listener, Run


class Broker:
    """Takes messages, or hangs until it is let go, or refuses them."""

    def __init__(self) -> None:
        self.got: list[int] = []
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.down = False

    def send(self, pk: int, queue: str) -> None:
        self.goes_on.wait(30)
        if self.down:
            raise ConnectionError("nobody listens")
        self.got.append(pk)


@pytest.fixture
def broker() -> Iterator[Broker]:
    broker = Broker()
    yield broker
    broker.goes_on.set()


def test_who_rings_does_not_wait_for_a_broker_that_hangs(broker: Broker) -> None:
    bell = Doorbell(broker.send)
    broker.goes_on.clear()
    began = time.monotonic()
    for pk in (1, 2, 2, 3):
        bell.ring(pk, "cpu")
    assert not bell.wait(0.05), "who ends waits as long as it says"
    assert time.monotonic() - began < 2
    broker.goes_on.set()
    assert bell.wait(10)
    assert broker.got == [1, 2, 3]


def test_a_broker_that_is_down_is_not_asked_for_every_run(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    bell = Doorbell(broker.send)
    broker.down = True
    bell.ring(1, "cpu")
    assert bell.wait(10)
    broker.down = False
    bell.ring(2, "cpu")
    assert bell.wait(10)
    assert broker.got == []
    monkeypatch.setattr(bell, "_rests_until", 0.0)
    bell.ring(3, "cpu")
    assert bell.wait(10)
    assert broker.got == [3]


def test_an_error_of_any_kind_does_not_end_the_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[int] = []

    def send(pk: int, queue: str) -> None:
        if pk == 1:
            raise ValueError("no such thing")
        got.append(pk)

    bell = Doorbell(send)
    assert bell.ring(1, "cpu")
    assert bell.wait(10)
    assert not bell.ring(2, "cpu"), "it rests"
    monkeypatch.setattr(bell, "_rests_until", 0.0)
    assert bell.ring(3, "cpu")
    assert bell.wait(10)
    assert got == [3]


@pytest.mark.django_db
def test_a_run_that_was_not_rung_for_is_rung_for_by_the_next_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.objects.create(kind="score", config={})
    monkeypatch.setattr(doorbell.bell, "ring", lambda pk, queue: False)
    lifecycle.doorbell_ring(run)
    run.refresh_from_db()
    assert run.rung_at is None


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[int]:
    """Primary keys of the runs that were rung for; each may be rung for again at once."""
    settings.RUN_RING_AGAIN_SECONDS = 0.0
    rung: list[int] = []
    monkeypatch.setattr(doorbell.bell, "ring", lambda pk, queue: rung.append(pk) is None)
    return rung


def sweeps(count: int) -> None:
    for _ in range(count):
        sweeping.sweep()


@pytest.mark.django_db
def test_nobody_rings_for_ever_where_nobody_hears(rung: list[int]) -> None:
    waiting = Run.objects.create(kind="score", config={})
    on_gpu = Run.objects.create(kind="score", config={}, queue="gpu")
    sweeps(20)
    assert rung == [], "no worker"
    listener_beat(name="host:1", queues=["cpu"])
    sweeps(1)
    assert rung == [waiting.pk], "a worker with nothing to do has not got the message"
    busy = run_claim(Run.objects.create(kind="score", config={}).pk)
    assert busy is not None
    Run.objects.filter(pk=busy.run.pk).update(claimed_by="host:1")
    sweeps(20)
    assert rung == [waiting.pk], "the messages of a busy worker wait for it"
    listener_beat(name="host:2", queues=["gpu"])
    Listener.objects.filter(name="host:1").delete()
    sweeps(1)
    assert rung == [waiting.pk, on_gpu.pk]


def test_a_worker_waits_for_a_broker_where_who_rings_gives_up(settings: Any) -> None:
    """A worker that gave up could not acknowledge the message, would count it as in hand, and take no other."""
    settings.WORKER_NICENESS = 0
    options = {"socket_timeout": 5.0, "health_check_interval": 5}
    worker = SimpleNamespace(app=Celery(broker="redis://nobody", broker_transport_options=options))
    tasks.note_starting(sender=worker)
    there = worker.app.connection_for_read().transport_options
    assert there["socket_timeout"] is None
    assert there["health_check_interval"] == 5
    assert celery_app.conf.broker_transport_options.get("socket_timeout", 5.0) == 5.0


def test_who_looks_for_a_message_for_a_short_time_waits_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.messages.SECONDS_PER_LOOK", 0.2)
    with Connection("filesystem://", transport=FolderTransport) as broker:
        for seconds in (0.01, None, 30.0):
            began = time.perf_counter()
            with pytest.raises(TimeoutError):
                broker.drain_events(timeout=seconds)
            assert (time.perf_counter() - began < 0.2) is (seconds == 0.01)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    yield f"redis://127.0.0.1:{port}/0", server
    server.send_signal(signal.SIGCONT)
    server.terminate()
    server.wait(20)


@pytest.mark.once
def test_a_redis_that_hangs_stops_neither_the_site_nor_a_launch(
    own_redis: tuple[str, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """And when it goes on, so does the worker, with what was launched meanwhile."""
    url, server = own_redis
    site = Site(tmp_path, REDIS_URL=url, SWEEP_EVERY_SECONDS="0.5", RUN_RING_AGAIN_SECONDS="1")
    try:
        site.migrate()
        pairs = tmp_path / "pairs.jsonl"
        pairs.write_text('{"caption": "a dog", "story": "We saw it .", "out": "we saw it"}\n')
        site.manage("import_pairs", str(pairs), "--dataset", "dogs", "--split", "test", "--system", "x=out")
        site.up()
        score = "score", "--dataset", "dogs", "--split", "test", "--metric"
        site.run_done(site.manage(*score, "bleu"), 60)
        server.send_signal(signal.SIGSTOP)
        launched = site.manage(*score, "chrf")
        assert launched["state"] == "queued"
        answered = [site.healthy() for _ in range(30)]
        assert all(answered)
        server.send_signal(signal.SIGCONT)
        assert site.run_done(launched, 60)["attempt"] == 1
    finally:
        site.close()
