"""The life of a run: created, claimed, beating, finished, or requeued.

The row is the truth and the broker only a doorbell. A run is claimed by one atomic UPDATE that raises its attempt
number; every later write of the claim carries that number and is refused once somebody else holds the run. A claim
whose heartbeat stops is requeued by the sweeper. A lost message, a doubled one, a dead worker or a late write does no
harm.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, close_old_connections, connection, transaction
from django.db.models import F, QuerySet

from annotations.audit.services import Deed, audit_note
from annotations.errors import ConflictError, InputError
from annotations.imports.writing import import_discard
from annotations.models import Import
from annotations.progress import OnProgress
from annotations.storage.clock import database_now, from_now
from annotations.storage.outages import is_outage
from annotations.systems.services import decoding_discard
from texts.disk import disk_line
from texts.storable import escaped, value_problem
from workers import doorbell
from workers.models import Run

log = structlog.get_logger(__name__)

PROGRESS_SECONDS = 1.0
HISTORY_ROWS = 500
LOG_LINES = 100
JOIN_SECONDS = 30.0


class RunStopped(Exception):
    """Raised inside a run's work when it must not go on."""


class RunLost(RunStopped):
    """The claim is no longer ours: the heartbeat stopped for too long, and the run was requeued or given to another."""


class RunCancelled(RunStopped):
    """A person asked for it."""


class WorkerStopping(RunStopped):
    """The worker was told to stop: the run goes back to the queue."""


stopping = threading.Event()  # set when this worker process was told to stop


def run_create(*, kind: str, config: dict[str, Any], claimed: bool = False, **links: Any) -> Run:
    """Queue a run; its doorbell is rung once the transaction is committed. Where it is `claimed`, this process does it
    itself, and no worker ever sees it queued. Raises InputError for a request that holds what cannot be stored."""
    if problem := value_problem(config, "request"):
        raise InputError(*problem)
    if claimed:
        now = database_now()
        links |= {"state": Run.State.RUNNING, "attempt": 1, "claimed_by": this_process()}
        links |= {"heartbeat_at": now, "started_at": now}
    with transaction.atomic():
        run = Run.objects.create(kind=kind, config=config, **links)
        audit_note(kind=Deed.RUN_LAUNCH, about=named(run))
    if not claimed:
        transaction.on_commit(lambda: doorbell_ring(run))
    return run


def named(run: Run) -> str:
    return f"{run.kind} run {run.public_id} {run.about}".strip()


def shortened(message: str) -> str:
    """A message as a row holds it, whatever an error quotes."""
    return escaped(message)[:500]


def doorbell_ring(run: Run) -> None:
    """Tell the workers, without waiting for the broker. Nothing is lost if that fails: the sweeper rings again."""
    from workers import celery  # noqa: F401  which few processes need; the bell's thread may be waited for

    if doorbell.bell.ring(run.pk, run.queue):
        Run.objects.filter(pk=run.pk).update(rung_at=from_now())


def this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


class Claim:
    """A run in the hands of this process, under one attempt number."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.attempt = run.attempt
        self.lost = threading.Event()
        self.cancelled = threading.Event()
        self.listener: OnProgress | None = None  # told of the progress, for a terminal
        self._saved_at = float("-inf")

    def rows(self) -> QuerySet[Run]:
        """The run's row while the claim holds, else nothing."""
        return Run.objects.filter(pk=self.run.pk, attempt=self.attempt, state=Run.State.RUNNING)

    def beat(self) -> None:
        """Show life; called by the heartbeat's own thread."""
        if not self.rows().update(heartbeat_at=from_now()):
            self.lost.set()
        elif self.rows().filter(cancel_requested=True).exists():
            self.cancelled.set()

    def check(self) -> None:
        """Raises a RunStopped when the work must not go on."""
        if self.lost.is_set():
            raise RunLost(f"run {self.run.public_id} no longer belongs to this worker (attempt {self.attempt})")
        if self.cancelled.is_set():
            raise RunCancelled(f"run {self.run.public_id} was cancelled")
        if stopping.is_set():
            raise WorkerStopping(f"run {self.run.public_id} is going back to the queue")

    def progress(self, fraction: float, message: str = "", row: dict[str, Any] | None = None) -> None:
        """Note how far the work is, at most once a second, and with `row` a point of the run's curve.

        Raises a RunStopped when the work must not go on.
        """
        self.check()
        if time.monotonic() - self._saved_at < PROGRESS_SECONDS:
            return
        self._saved_at = time.monotonic()
        if self.listener:
            self.listener(fraction, message)
        history = self.run.history + ([row] if row else [])
        if len(history) > HISTORY_ROWS:
            history = history[::2]
        fraction = min(max(fraction, 0.0), 1.0)
        further: dict[str, Any] = {"stalled_attempts": 0} if fraction > self.run.fraction else {}
        if message != self.run.message:
            further["log"] = log_with(self.run, message)
        self.save(fraction=fraction, message=shortened(message), history=history, **further)

    def save(self, **fields: Any) -> None:
        """Write fields of the run's row, fenced by the attempt number. Raises RunLost if the claim is gone."""
        for name, value in fields.items():
            setattr(self.run, name, value)
        if not self.rows().update(**fields):
            self.lost.set()
        self.check()

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """A transaction that commits only while the claim holds: the late writes of a claim given up are refused.

        The run's row stays locked until the commit, so the sweeper cannot put the run back in between.
        """
        with transaction.atomic():
            held = self.rows().select_for_update() if connection.vendor == "postgresql" else self.rows()
            if held.first() is None:
                self.lost.set()
            self.check()
            yield

    def finish(self, state: str, message: str = "", result: dict[str, Any] | None = None) -> bool:
        """End the run, if it is still ours. Says whether it was."""
        lines = log_with(self.run, f"{state}: {message}".removesuffix(": "))
        fields: dict[str, Any] = {
            "state": state,
            "message": shortened(message),
            "log": lines,
            "finished_at": from_now(),
        }
        if state == Run.State.DONE:
            fields |= {"fraction": 1.0, "result": result or {}}
        return bool(self.rows().update(**fields))

    def release(self, message: str) -> None:
        """Put the run back in the queue, for whoever comes next."""
        requeue(self.run, self.rows(), message)


def log_with(run: Run, text: str) -> list[list[str]]:
    """The run's last lines with one more."""
    line = [database_now().isoformat(timespec="seconds"), shortened(text)]
    return [*run.log, line][-LOG_LINES:] if text else run.log


def requeue(run: Run, rows: QuerySet[Run], message: str) -> int:
    """Queue the run again, if `rows` still holds it. Says whether it did."""
    lines = log_with(run, message)
    return rows.update(
        state=Run.State.QUEUED, claimed_by="", heartbeat_at=None, rung_at=None, message=shortened(message), log=lines
    )


def run_claim(pk: int) -> Claim | None:
    """Claim a queued run: one atomic UPDATE. None when it is not there to be claimed any more."""
    claimed = (
        Run.objects.claimable()
        .filter(pk=pk)
        .update(
            state=Run.State.RUNNING,
            attempt=F("attempt") + 1,
            claimed_by=this_process(),
            heartbeat_at=from_now(),
            started_at=from_now(),
            fraction_at_claim=F("fraction"),
            message="",
        )
    )
    if not claimed:
        return None
    claim = Claim(Run.objects.get(pk=pk))
    with suppress(RunStopped):  # lost already: its holder is told at the first step
        claim.save(log=log_with(claim.run, f"claimed by {claim.run.claimed_by}, attempt {claim.attempt}"))
    return claim


@contextmanager
def heartbeat(claim: Claim) -> Iterator[None]:
    """Beat from a thread of its own, with a database connection of its own, until the block ends."""
    stopped = threading.Event()

    def pulse() -> None:
        try:
            while not stopped.wait(settings.RUN_HEARTBEAT_SECONDS):
                try:
                    close_old_connections()
                    claim.beat()
                except Exception as error:
                    if not is_outage(error):
                        raise
                    log.warning("heartbeat missed", run=str(claim.run.public_id), error=str(error))
        finally:
            connection.close()

    thread = threading.Thread(target=pulse, name=f"heartbeat-{claim.run.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(JOIN_SECONDS)  # it may wait for a database that hangs


def in_words(run: Run, error: BaseException) -> str:
    """How a run's row says why it failed."""
    if line := disk_line(error):
        again = "try the run again" if run.repeatable else "run the command again"
        further = "; it resumes from its last checkpoint" if run.kind == Run.Kind.TRAIN else ""
        return f"{line}. Fix this and {again}{further}"
    return f"{type(error).__name__}: {error}"


@contextmanager
def holding(claim: Claim) -> Iterator[None]:
    """Do a claimed run's work in the block: its heartbeat goes on, and however the block ends, the row says so.

    The block's end is `done` with `claim.run.result`. A cancelled run ends so; Ctrl-C, a stopping worker and a database
    that went away put it back in the queue (an import is discarded); any other error fails it and is raised again.
    """
    run, log_ = claim.run, log.bind(run=str(claim.run.public_id), kind=claim.run.kind, attempt=claim.attempt)
    with heartbeat(claim):
        try:
            yield
        except RunLost:
            log_.warning("run lost: its late writes are refused")
            raise
        except RunCancelled:
            if claim.finish(Run.State.CANCELLED, "cancelled"):
                leftovers_discard(run)
            raise
        except (KeyboardInterrupt, Exception) as error:
            stopped = isinstance(error, KeyboardInterrupt | WorkerStopping)
            if not stopped and (disk_line(error) or not is_outage(error)):
                if claim.finish(Run.State.FAILED, in_words(run, error)):
                    leftovers_discard(run)
            elif run.repeatable:
                claim.release(f"back in the queue: {type(error).__name__} {error}".strip())
            else:
                if claim.finish(Run.State.CANCELLED, "interrupted"):
                    leftovers_discard(run)
            raise
        claim.finish(Run.State.DONE, claim.run.message, result=claim.run.result)
    log_.info("run done")


@contextmanager
def run_here(*, kind: str, config: dict[str, Any], **links: Any) -> Iterator[Claim]:
    """A run that this process does itself, in the block; see `holding` for how it ends."""
    claim = Claim(run_create(kind=kind, config=config, claimed=True, **links))
    with holding(claim):
        yield claim


@transaction.atomic
def run_cancel(run: Run) -> None:
    """Ask a run to stop: at once if it is queued, at its next step if it is running."""
    cancelled = Run.objects.filter(pk=run.pk, state=Run.State.QUEUED).update(
        state=Run.State.CANCELLED, finished_at=from_now(), message="cancelled before it started"
    )
    if not cancelled and not Run.objects.filter(pk=run.pk, state=Run.State.RUNNING).update(cancel_requested=True):
        run.refresh_from_db()
        raise ConflictError("", f"run {run.public_id} is {run.state}; only a queued or running run can be cancelled")
    audit_note(kind=Deed.RUN_CANCEL, about=named(run))


@transaction.atomic
def run_retry(run: Run) -> None:
    """Queue a failed or cancelled run again. A training goes on from its last checkpoint."""
    if not run.repeatable:
        raise ConflictError("", f"run {run.public_id} cannot be retried: its files are gone", "import them again")
    ended = Run.objects.filter(pk=run.pk, state__in=[Run.State.FAILED, Run.State.CANCELLED])
    try:
        with transaction.atomic():
            again = ended.update(
                state=Run.State.QUEUED,
                finished_at=None,
                cancel_requested=False,
                claimed_by="",
                heartbeat_at=None,
                stalled_attempts=0,
                deaths=0,
                message="",
                log=log_with(run, "queued again by a user"),
            )
    except IntegrityError as error:  # of a training
        raise ConflictError("", f"system '{run.system}' was trained by another run meanwhile") from error
    if not again:
        run.refresh_from_db()
        raise ConflictError("", f"run {run.public_id} is {run.state}; only a failed or cancelled run can be retried")
    audit_note(kind=Deed.RUN_RETRY, about=named(run))
    transaction.on_commit(lambda: doorbell_ring(run))


def leftovers_discard(run: Run) -> None:
    """Remove what an unfinished run wrote and nobody may see."""
    run.refresh_from_db()
    if run.state == Run.State.DONE:
        return
    if run.import_row and run.import_row.state != Import.State.COMPLETE:
        import_discard(import_row=run.import_row)
    if run.decoding and run.decoding.completed_at is None:
        decoding_discard(decoding=run.decoding)
