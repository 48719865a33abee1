import socket
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workers.models import Listener


class Command(BaseCommand):
    help = "Say whether a worker or the sweeper of this host is alive, by its beat in the database: a health check."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        host = socket.gethostname()
        alive = Listener.objects.alive().filter(name__startswith=f"{host}:")
        if not alive:
            raise CommandError(f"no worker and no sweeper of {host} has shown life lately")
        for listener in alive:
            self.stdout.write(f"{listener.name}: {', '.join(listener.queues) or 'sweeps'}")
