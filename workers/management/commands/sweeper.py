import signal
import threading
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections

from annotations.campaigns.services.leases import leases_release_expired
from annotations.storage.outages import is_outage
from workers.heartbeats import HeartbeatWatch
from workers.lifecycle import this_process
from workers.listeners import listener_beat, listeners_forget
from workers.recruiting import Asking
from workers.removal import removals_finish
from workers.sweeping import generations_advance, sweep, words_index

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = (
        "Requeue runs whose worker is gone, announce waiting runs again, go on with generations, release expired "
        "leases, finish removals, index new texts, and ask recruiting services about participants, until stopped."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then stop")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        if not options["once"] and settings.PROLIFIC_TOKEN:
            Asking(stop).start()
        watch = None if options["once"] else HeartbeatWatch(longest_gap=3 * settings.SWEEP_EVERY_SECONDS)
        while True:
            try:
                close_old_connections()
                listener_beat(name=this_process(), queues=[])
                counts = sweep(watch) | {
                    "leases": leases_release_expired(),
                    "listeners": listeners_forget(),
                    "removed": removals_finish(),
                    "generations": generations_advance(),
                    "indexed": words_index(),
                }
            except Exception as error:
                if not is_outage(error):
                    raise
                log.warning("round missed", error=str(error))
            else:
                if any(counts.values()):
                    log.info("swept", **counts)
            if options["once"] or stop.wait(settings.SWEEP_EVERY_SECONDS):
                return
