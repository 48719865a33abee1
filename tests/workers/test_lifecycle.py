"""A run is done once, by whoever holds it, whatever is lost, doubled or late on the way."""

import os
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from annotations.errors import ConflictError
from tests.factories import DatasetFactory, DecodingFactory, ImportFactory
from workers import lifecycle, sweeping
from workers.lifecycle import (
    Claim,
    RunCancelled,
    RunLost,
    WorkerStopping,
    holding,
    run_claim,
    run_create,
    run_retry,
)
from workers.models import Run

pytestmark = pytest.mark.django_db


def queued(**fields: object) -> Run:
    return Run.objects.create(kind="score", config={}, **fields)


def silence(run: Run) -> None:
    """As if the process that held the run had stopped a minute ago, on another host."""
    Run.objects.filter(pk=run.pk).update(
        heartbeat_at=timezone.now() - timedelta(seconds=60), claimed_by="another-host:1"
    )


def test_a_run_is_claimed_once() -> None:
    run = queued()
    first = run_claim(run.pk)
    assert first is not None
    assert first.attempt == 1
    assert run_claim(run.pk) is None


def test_a_late_workers_error_discards_nothing_of_its_successor() -> None:
    claim = run_claim(queued().pk)
    assert claim is not None
    rows = {
        "import_row": ImportFactory(state="writing", completed_at=None),
        "decoding": DecodingFactory(completed_at=None),
    }
    Run.objects.update(attempt=claim.attempt + 1, **rows)
    with pytest.raises(ConflictError), holding(claim):
        raise ConflictError("", "what it wrote into is not there any more")
    for row in rows.values():
        row.refresh_from_db()


@pytest.mark.django_db(transaction=True)
def test_of_many_claims_at_once_one_wins() -> None:
    run = queued()
    start, won = threading.Barrier(8), []

    def claim() -> None:
        try:
            start.wait()
            won.append(run_claim(run.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 8
    assert len([claim for claim in won if claim]) == 1
    assert Run.objects.get(pk=run.pk).attempt == 1


def test_a_silent_run_is_requeued_and_its_late_writes_are_refused() -> None:
    late = run_claim(queued().pk)
    assert late is not None
    silence(late.run)
    assert sweeping.sweep()["requeued"] == 1
    again = run_claim(late.run.pk)
    assert again is not None
    assert again.attempt == 2

    with pytest.raises(RunLost), late.fenced():
        pytest.fail("the block of a claim given up must not run")
    with pytest.raises(RunLost):
        late.save(message="I am still here")
    assert late.finish(Run.State.DONE) is False
    row = Run.objects.get(pk=late.run.pk)
    assert (row.state, row.message) == ("running", "")
    assert again.finish(Run.State.DONE) is True


def test_a_beating_run_is_left_alone() -> None:
    claim = run_claim(queued().pk)
    assert claim is not None
    assert sweeping.sweep()["requeued"] == 0
    Run.objects.filter(pk=claim.run.pk).update(
        claimed_by=f"{lifecycle.this_process().rpartition(':')[0]}:{os.getpid()}"
    )
    assert sweeping.sweep()["requeued"] == 0


def test_a_run_that_kills_every_worker_is_given_up(settings: pytest.FixtureRequest) -> None:
    settings.RUN_MAX_STALLED_ATTEMPTS = 3
    run = queued()
    for _ in range(3):
        assert run_claim(run.pk)
        silence(run)
        sweeping.sweep()
    run.refresh_from_db()
    assert (run.state, run.attempt) == ("failed", 3)
    assert "3 workers in a row were lost" in run.message


@pytest.mark.parametrize(("kind", "state"), [("import", "failed"), ("decode", "failed"), ("train", "queued")])
def test_what_begins_anew_is_not_given_to_a_third_process(kind: str, state: str) -> None:
    """However far each came before it died. A training goes on from its checkpoint, and is tried again."""
    run = Run.objects.create(kind=kind, config={"uploaded": True})
    for deaths in (1, 2):
        claim = run_claim(run.pk)
        assert claim is not None
        claim.progress(deaths / 10)
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        claim.save(claimed_by=f"{lifecycle.this_process().rpartition(':')[0]}:{dead.pid}")
        sweeping.sweep()
    run.refresh_from_db()
    assert run.state == state
    if state == "failed":
        assert "2 worker processes died executing it" in run.message
        run_retry(run)
        run.refresh_from_db()
        assert (run.state, run.deaths) == ("queued", 0)


def test_progress_forgives_the_deaths_before_it(settings: pytest.FixtureRequest) -> None:
    settings.RUN_MAX_STALLED_ATTEMPTS = 3
    run = queued()
    for n in range(6):
        claim = run_claim(run.pk)
        assert claim is not None
        claim.progress((n + 1) / 10)
        silence(run)
        sweeping.sweep()
    run.refresh_from_db()
    assert run.state == "queued"


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (KeyboardInterrupt(), "queued"),
        (WorkerStopping(), "queued"),
        (RunCancelled(), "cancelled"),
        (ValueError("line 3: no such key"), "failed"),
    ],
)
def test_how_a_run_ends_is_on_its_row(error: BaseException, state: str) -> None:
    claim = Claim(run_create(kind="score", config={}, claimed=True))
    with pytest.raises(type(error)), holding(claim):
        raise error
    row = Run.objects.get(pk=claim.run.pk)
    assert row.state == state
    if state == "failed":
        assert row.message == "ValueError: line 3: no such key"


def test_a_finished_run_is_done_with_its_result() -> None:
    claim = Claim(run_create(kind="score", config={}, claimed=True))
    with holding(claim):
        claim.run.result = {"answer": 42}
    row = Run.objects.get(pk=claim.run.pk)
    assert (row.state, row.result, row.fraction) == ("done", {"answer": 42}, 1.0)


def test_an_import_that_lost_its_process_fails_instead_of_starting_again() -> None:
    claim = Claim(run_create(kind="import", config={}, dataset=DatasetFactory(), claimed=True))
    silence(claim.run)
    sweeping.sweep()
    row = Run.objects.get(pk=claim.run.pk)
    assert row.state == "failed"
    assert "run the command again" in row.message


def test_cancel_and_retry() -> None:
    run = queued()
    lifecycle.run_cancel(run)
    run.refresh_from_db()
    assert run.state == "cancelled"
    with pytest.raises(ConflictError, match="only a queued or running"):
        lifecycle.run_cancel(run)
    lifecycle.run_retry(run)
    run.refresh_from_db()
    assert run.state == "queued"
    with pytest.raises(ConflictError, match="only a failed or cancelled run can be retried"):
        lifecycle.run_retry(run)


@pytest.mark.django_db(transaction=True)
def test_a_running_run_is_cancelled_at_its_next_step(settings: pytest.FixtureRequest) -> None:
    settings.RUN_HEARTBEAT_SECONDS = 0.05
    claim = Claim(run_create(kind="score", config={}, claimed=True))
    lifecycle.run_cancel(claim.run)

    def work() -> None:
        with holding(claim):
            assert claim.cancelled.wait(10)
            claim.progress(0.5)

    with pytest.raises(RunCancelled):
        work()
    assert Run.objects.get(pk=claim.run.pk).state == "cancelled"
