import io
import os
import signal
import socket
import sys
import threading
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotations.management.base import whole_file
from storyblender_site.addresses import in_address, mismatches, served_at, site_address
from workers.supervisor import Child, supervise


class Command(BaseCommand):
    help = "Migrate, then run the site, a worker and the sweeper together; one Ctrl-C stops them all."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host", default=settings.LISTEN_HOST, help="where to listen; 0.0.0.0 or :: for other machines"
        )
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument(
            "--samples", action="store_true", help="on the first start: an admin's account and a synthetic campaign"
        )
        parser.add_argument("--threads", type=int, default=8, help="requests the site answers at a time")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        check_port_free(host, port)
        site = settings.SITE if os.environ.get("SITE_URL") else site_address(served_at(host, port))
        os.environ |= {"LISTEN_HOST": host, "PORT": str(port), "SITE_URL": str(site)}  # for what is started here
        with whole_file(settings.ADDRESS_FILE) as file:  # for commands in other shells
            file.write(f"{site}\n")
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        call_command("check", databases=["default"], stdout=io.StringIO())
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        for mismatch in mismatches(site, host, port):
            self.stderr.write(f"warning: {mismatch}")
        self.stdout.write(f"Story Blender serves {site} with a worker and the sweeper (Ctrl-C stops them)")
        self.stdout.flush()
        supervise(children(host, port, options["threads"], samples=options["samples"]), stop)
        self.stdout.write("stopped")


def children(host: str, port: int, threads: int, *, samples: bool) -> list[Child]:
    python, manage = sys.executable, str(settings.BASE_DIR / "manage.py")
    web = [python, "-m", "gunicorn", "storyblender_site.wsgi", "--bind", f"{in_address(host)}:{port}", "--chdir"]
    worker = [
        python,
        "-m",
        "celery",
        "--quiet",
        "--workdir",
        str(settings.BASE_DIR),
        "-A",
        "storyblender_site",
        "worker",
    ]
    first_start = [Child("first start", [python, manage, "first_start"], once=True)] if samples else []
    return [
        Child(
            "web", [*web, str(settings.BASE_DIR), "--workers", "1", "--threads", str(threads), "--log-level", "warning"]
        ),
        # Solo: one run at a time in the worker's own process, which a signal reaches at once.
        Child(
            "worker", [*worker, "--pool", "solo", "--queues", "cpu,gpu", "--loglevel", "WARNING", "--without-mingle"]
        ),
        Child("sweeper", [python, manage, "sweeper"]),
        *first_start,
    ]


def check_port_free(host: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError) as error:
        problem = getattr(error, "strerror", None) or error
        raise CommandError(
            f"cannot listen on {in_address(host)}:{port} ({problem}); choose another with LISTEN_HOST=… or PORT=…"
        ) from error
