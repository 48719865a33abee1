"""The one Celery task. It takes a run's primary key, claims the run, does it and records how it ended."""

from typing import Any

from celery.signals import worker_init, worker_ready, worker_shutting_down
from django.conf import settings

from workers import lifecycle, listeners
from workers.celery import app
from workers.jobs import perform
from workers.priority import give_way


@app.task(name="workers.execute_run", ignore_result=True)
def execute_run(pk: int) -> None:
    """Do a run if it still waits; a message that comes twice, late or for a finished run does nothing."""
    claim = lifecycle.run_claim(pk)
    if claim is None:
        return
    try:
        with lifecycle.holding(claim):
            perform(claim)
    except lifecycle.RunStopped:
        return  # the row says how it ended


@worker_init.connect
def note_starting(**kwargs: Any) -> None:
    give_way(settings.WORKER_NICENESS)


@worker_shutting_down.connect
def note_stopping(**kwargs: Any) -> None:
    """A worker told to stop puts its run back at the next step, instead of holding the machine until the run ends."""
    lifecycle.stopping.set()


@worker_ready.connect
def note_listening(sender: Any, **kwargs: Any) -> None:
    listeners.listen(queues=sorted(sender.app.amqp.queues.consume_from))
