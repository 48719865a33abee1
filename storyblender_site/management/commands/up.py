import os
import socket
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotations.management.base import whole_file
from storyblender_site.addresses import in_address, mismatches, served_at, site_address
from storyblender_site.preparation import prepare
from workers.supervisor import Command as Process
from workers.supervisor import become_supervisor

WEB_SECONDS = 1.0  # that the site takes to answer, for which a person waits


class Command(BaseCommand):
    help = "Migrate, then run the site, a worker and the sweeper together; one Ctrl-C stops them all."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host",
            default=settings.LISTEN_HOST,
            help="address to listen on; 0.0.0.0 or :: for access from other machines",
        )
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument(
            "--samples",
            action="store_true",
            help="on the first start: create an admin account and a synthetic campaign",
        )
        parser.add_argument("--threads", type=int, default=8, help="number of requests answered in parallel")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        check_port_free(host, port)
        site = settings.SITE if os.environ.get("SITE_URL") else site_address(served_at(host, port))
        os.environ |= {"LISTEN_HOST": host, "PORT": str(port), "SITE_URL": str(site)}  # for what is started here
        os.environ["CELERY_SKIP_CHECKS"] = "1"  # the worker would check once more, and load every page for it
        with whole_file(settings.ADDRESS_FILE) as file:  # for commands in other shells
            file.write(f"{site}\n")
        prepare()
        for mismatch in mismatches(site, host, port):
            self.stderr.write(f"warning: {mismatch}")
        self.stdout.write(f"Story Blender serves {site} with a worker and the sweeper (Ctrl-C stops them)")
        become_supervisor(processes(host, port, options["threads"], samples=options["samples"]))


def processes(host: str, port: int, threads: int, *, samples: bool) -> list[Process]:
    python, manage = sys.executable, str(settings.BASE_DIR / "manage.py")
    web = [python, manage, "serve", "--host", host, "--port", str(port), "--threads", str(threads)]
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
    first_start = (
        [Process("first start", [python, manage, "first_start"], once=True, after=WEB_SECONDS)] if samples else []
    )
    return [
        Process("web", web),
        # Solo: one run at a time in the worker's own process, which a signal reaches at once.
        Process(
            "worker",
            [*worker, "--pool", "solo", "--queues", "cpu,gpu", "--loglevel", "WARNING", "--without-mingle"],
            after=WEB_SECONDS,
        ),
        Process("sweeper", [python, manage, "sweeper"], after=WEB_SECONDS),
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
