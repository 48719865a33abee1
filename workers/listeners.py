"""Which worker processes listen to which queues, so that a person can be told when nobody takes a run.

Celery's own inspection asks through the broker, which a worker busy with a run does not answer; here each worker
process beats a row of its own from a thread.
"""

import threading
from collections import Counter
from collections.abc import Sequence

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from annotations.storage.clock import from_now
from modeling.bases import presets_there
from workers.lifecycle import stopping, this_process
from workers.models import Listener, Run

log = structlog.get_logger(__name__)

FORGOTTEN_AFTER = 24 * 3600.0  # seconds


def listen(*, queues: Sequence[str]) -> None:
    """Beat for this process until it ends, from a thread of its own."""

    def pulse() -> None:
        try:
            while True:
                try:
                    close_old_connections()
                    listener_beat(name=this_process(), queues=queues, presets=offered())
                except DatabaseError as error:  # busy, restarted or not migrated yet: the next beat may succeed
                    log.warning("listener's heartbeat missed", error=str(error))
                if stopping.wait(settings.LISTENER_BEAT_SECONDS):
                    Listener.objects.filter(name=this_process()).delete()
                    return
        finally:
            connection.close()

    threading.Thread(target=pulse, name="listener", daemon=True).start()


def offered() -> list[str]:
    """What the folder of models offers; nothing while it cannot be read, since a worker's beat goes on."""
    try:
        return presets_there()
    except OSError as error:
        log.warning("models cannot be listed", error=str(error))
        return []


def listener_beat(*, name: str, queues: Sequence[str], presets: Sequence[str] = ()) -> None:
    """`presets` train the pretrained models that its host has."""
    seen = {"queues": list(queues), "presets": list(presets), "seen_at": from_now()}
    Listener.objects.update_or_create(name=name, defaults=seen)


def listeners_forget() -> int:
    """Remove those not seen for a day. Returns how many."""
    gone, _ = Listener.objects.filter(seen_at__lt=from_now(-FORGOTTEN_AFTER)).delete()
    return gone


def unheard_queues() -> dict[str, int]:
    """Queues with runs that wait and no living worker listening, with the number of those runs."""
    heard = {queue for listener in Listener.objects.alive() for queue in listener.queues}
    waiting = Counter(Run.objects.claimable().values_list("queue", flat=True))
    return {queue: count for queue, count in sorted(waiting.items()) if queue not in heard}
