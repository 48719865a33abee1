import socket
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workers.models import Listener


class Command(BaseCommand):
    help = (
        "Health check: report whether a worker or the sweeper on this host is alive, by its heartbeat in the database."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        host = socket.gethostname()
        alive = Listener.objects.alive().filter(name__startswith=f"{host}:")
        if not alive:
            raise CommandError(f"no worker or sweeper on {host} has sent a heartbeat lately")
        for listener in alive:
            self.stdout.write(f"{listener.name}: {', '.join(listener.queues) or 'sweeps'}")
