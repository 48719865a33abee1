"""The one Celery task. It takes a run's primary key, claims the run, does it and records how it ended."""

import socket
from typing import Any

from celery.signals import worker_init, worker_ready, worker_shutting_down
from django.conf import settings

from workers import lifecycle, listeners
from workers.celery import app
from workers.doorbell import TASK
from workers.jobs import perform
from workers.priority import give_way

KEEPALIVE = {  # a broker's host that went away is noticed within two minutes
    getattr(socket, name): seconds
    for name, seconds in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
    if hasattr(socket, name)
}


@app.task(name=TASK, ignore_result=True)
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
    if claim.run.generation_id:
        from workers.generations.chain import generation_advance  # what launches runs, which few workers need

        generation_advance(claim.run.generation_id)


@worker_init.connect
def note_starting(sender: Any, **kwargs: Any) -> None:
    """A worker may wait for a broker that hangs: its beats come from threads of their own. Were it to give up instead,
    a message that it could not acknowledge would count as one in hand for ever, and it would take no other."""
    give_way(settings.WORKER_NICENESS)
    options = sender.app.conf.broker_transport_options
    sender.app.conf.broker_transport_options = {
        **options,
        "socket_timeout": None,
        "socket_keepalive_options": KEEPALIVE,
    }


@worker_shutting_down.connect
def note_stopping(**kwargs: Any) -> None:
    """A worker told to stop puts its run back at the next step, instead of holding the machine until the run ends."""
    lifecycle.stopping.set()


@worker_ready.connect
def note_listening(sender: Any, **kwargs: Any) -> None:
    listeners.listen(queues=sorted(sender.app.amqp.queues.consume_from))
