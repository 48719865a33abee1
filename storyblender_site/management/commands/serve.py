from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from storyblender_site.addresses import in_address


class Command(BaseCommand):
    help = "Run only the web site; `up` also runs a worker and the sweeper. Static files must have been collected."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.LISTEN_HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--threads", type=int, default=8, help="number of requests answered in parallel")

    def handle(self, *args: Any, **options: Any) -> None:
        from storyblender_site.web_server import serve  # the whole site: not for the help of this command

        listen = f"{in_address(options['host'])}:{options['port']}"
        try:
            serve(listen, options["threads"])
        except (OSError, ValueError) as error:
            raise CommandError(f"cannot listen on {listen}: {error}") from error
