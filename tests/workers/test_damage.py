"""A full or read-only disk is said in one line, by commands, on the run's page and by `/readyz`."""

import errno
import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings as site_settings
from django.db import Error, InternalError, OperationalError
from django.test import Client

from storyblender_site import readiness
from tests.site import ROOT
from texts.disk import disk_line
from workers.lifecycle import Claim, holding, run_create
from workers.listeners import listener_beat
from workers.models import Run

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/var/x"), "/var/x: the disk is full"),
        (OSError(errno.EROFS, "Read-only file system", "/var/x"), "/var/x: the disk is read-only"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (OperationalError("database or disk is full"), "the database cannot be written: the disk is full"),
        (OperationalError("attempt to write a readonly database"), "the database cannot be written: it is read-only"),
        (RuntimeError("Error: I/O error: No space left on device (os error 28)"), "the disk is full"),
        (FileNotFoundError(errno.ENOENT, "No such file", "/var/x"), None),
        (OperationalError("database is locked"), None),
    ],
)
def test_what_is_said_of_a_disk(error: Exception, line: str | None) -> None:
    assert disk_line(error) == line


ERRORS = [OSError(errno.ENOSPC, "x", "/var/1"), OperationalError("database or disk is full")]


@pytest.mark.django_db
@pytest.mark.parametrize("error", ERRORS)
def test_a_run_that_failed_of_a_full_disk_says_so(error: Exception) -> None:
    claim = Claim(run_create(kind="score", config={}, claimed=True))
    with pytest.raises(type(error)), holding(claim):
        raise error
    run = Run.objects.get()
    assert run.state == "failed"
    assert "the disk is full. Fix this and try the run again" in run.message
    assert "Errno" not in run.message


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "cause", "state"),
    [
        (InternalError, psycopg.errors.ReadOnlySqlTransaction, "queued"),
        (OperationalError, psycopg.errors.StatementTooComplex, "failed"),
    ],
)
def test_a_run_waits_for_a_database_that_is_there_no_more(
    error: type[Error], cause: type[psycopg.Error], state: str
) -> None:
    """As Django hands psycopg's errors on: a failover to a standby is an internal one."""
    claim = Claim(run_create(kind="score", config={}, claimed=True))
    with pytest.raises(error), holding(claim):
        raise error("no") from cause("no")
    assert Run.objects.get().state == state


def test_a_save_that_does_not_fit_leaves_nothing(tmp_path: Path) -> None:
    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    program = (
        "import signal, sys; from pathlib import Path; from modeling.sealed import write_folder\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "write_folder(Path(sys.argv[1]) / 'step-1', {'a': bytes(1000), 'b': bytes(200_000)})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], preexec_fn=full, capture_output=True, text=True, cwd=ROOT
    )
    assert f"File too large: '{tmp_path}/step-1'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def command(var_dir: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "VAR_DIR": str(var_dir)}
    env.pop("DATABASE_URL", None)
    return subprocess.run([sys.executable, "manage.py", *args], cwd=ROOT, env=env, capture_output=True, text=True)


def test_a_command_where_var_dir_cannot_be_made() -> None:
    done = command(Path("/proc/storyblender"), "migrate")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert "/proc/storyblender" in line


def test_a_command_on_a_database_without_tables(tmp_path: Path) -> None:
    done = command(tmp_path, "train", "--dataset", "mine", "--preset", "tiny")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line == "error: the database is not up to date; `manage.py migrate` brings it there, and so does a start"


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is kept from another test."""
    monkeypatch.setattr(readiness, "KEPT_SECONDS", 0.0)
    readiness._at_work.clear()
    yield
    readiness._at_work.clear()


def asked() -> tuple[int, dict[str, Any]]:
    answer = Client().get("/readyz")
    return answer.status_code, json.loads(answer.content)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("ready")
def test_ready_says_what_is_not(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = dict.fromkeys(("database", "broker", "disk", "worker", "sweeper"), "ok")
    status, said = asked()
    assert (status, said["ready"]) == (503, False)
    assert said["worker"] == said["sweeper"] == "none seen recently"
    listener_beat(name="host:1", queues=["cpu"])
    listener_beat(name="host:2", queues=[])
    assert asked() == (200, {"ready": True, **everything})
    settings.VAR_DIR = Path("/proc")
    status, said = asked()
    assert status == 503
    assert said["disk"] != "ok"
    assert said == {"ready": False, **everything, "disk": said["disk"]}
    settings.VAR_DIR = site_settings.VAR_DIR


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("ready")
def test_a_check_that_hangs_is_said_and_not_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, goes_on = [], threading.Event()

    def hangs() -> str:
        begun.append(1)
        goes_on.wait(30)
        return "ok"

    monkeypatch.setattr(readiness, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setitem(readiness.CHECKS, "broker", hangs)
    try:
        for _ in range(3):
            assert asked()[1]["broker"] == "does not answer"
        assert len(begun) == 1
        assert Client().get("/healthz").status_code == 200
    finally:
        goes_on.set()
