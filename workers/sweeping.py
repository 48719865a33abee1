"""A round of the sweeper over runs: whose worker is gone is requeued or ended, and what waits is rung for."""

import os
import socket
import time

import structlog
from django.conf import settings
from django.db.models import F

from annotations.search.indexes import words_indexing
from annotations.storage.clock import from_now
from annotations.storage.outages import is_outage
from workers.heartbeats import HeartbeatWatch
from workers.lifecycle import doorbell_ring, leftovers_discard, requeue
from workers.models import Generation, Listener, Run

log = structlog.get_logger(__name__)
MAX_INDEXING_SECONDS = 2.0  # of a round
DIED = "worker processes died executing it, perhaps out of memory; fix the cause, then try again"


def claimant_died(run: Run) -> bool:
    """Whether the process that claimed the run is known to be gone: it was of this host, and is no more."""
    host, _, pid = run.claimed_by.rpartition(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def sweep(watch: HeartbeatWatch | None = None) -> dict[str, int]:
    """One round of the sweeper: requeue or end the runs whose heartbeat stopped, ring again for those that wait while a
    worker has nothing to do. (Where none hears or all are busy, messages would pile up.)

    Whose heartbeat stopped a `watch` over many rounds knows; a single round goes by the database's clock. A run that
    `RUN_MAX_STALLED_ATTEMPTS` workers died of, none getting it further, fails: it would take down the next. So does
    one, but for a training, which goes on from its last checkpoint, that `RUN_MAX_DEATHS` processes are known to have
    died of: whatever killed them will come again.
    """
    counts = {"requeued": 0, "ended": 0, "rung": 0}
    in_progress = list(Run.objects.in_progress().order_by("pk"))
    silent = watch.silent(in_progress) if watch else set(Run.objects.silent().values_list("pk", flat=True))
    for run in in_progress:
        if died := claimant_died(run):
            why = "is gone"
        elif run.pk in silent:
            why = "stopped sending heartbeats"
        else:
            continue
        mine = Run.objects.in_progress().filter(pk=run.pk, attempt=run.attempt, heartbeat_at=run.heartbeat_at)
        if run.cancel_requested:
            end, message = Run.State.CANCELLED, f"cancelled; its worker {why}"
        elif not run.repeatable:
            end, message = Run.State.FAILED, f"the process that executed it {why}; run the command again"
        elif died and run.kind != Run.Kind.TRAIN and run.deaths + 1 >= settings.RUN_MAX_DEATHS:
            end, message = Run.State.FAILED, f"given up: {run.deaths + 1} {DIED}"
        elif run.stalled_attempts + 1 >= settings.RUN_MAX_STALLED_ATTEMPTS:
            stalled = run.stalled_attempts + 1
            end, message = Run.State.FAILED, f"given up: {stalled} workers in a row were lost without progress"
        else:
            mine.update(stalled_attempts=F("stalled_attempts") + 1, deaths=F("deaths") + int(died))
            counts["requeued"] += requeue(run, mine, f"its worker {why}; queued again")
            continue
        if mine.update(state=end, message=message, finished_at=from_now()):
            counts["ended"] += 1
            leftovers_discard(run)
    idle = {queue for listener in Listener.objects.idle() for queue in listener.queues}
    for run in Run.objects.unheard().filter(queue__in=idle).order_by("pk"):
        doorbell_ring(run)
        counts["rung"] += 1
    return counts


def words_index() -> int:
    """Have texts found that were written since, for as long as a round may take. Returns how many."""
    last, rows = time.monotonic() + MAX_INDEXING_SECONDS, 0
    for read in words_indexing():
        rows += read
        if time.monotonic() > last:
            break
    return rows


def generations_advance() -> int:
    """Go on with the generations whose next run is due. Returns how many runs that makes."""
    due = list(Generation.objects.going_on().values_list("pk", flat=True))
    if not due:
        return 0
    from workers.generations.chain import generation_advance  # what launches runs, which few rounds need

    made = 0
    for pk in due:
        try:
            made += generation_advance(pk) is not None
        except Exception as error:
            if is_outage(error):
                raise
            log.exception("generation cannot go on", generation=pk)  # and no other thing is left undone for it
    return made
