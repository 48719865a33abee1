from typing import Any

from django.core.management.base import CommandParser

from workers.jobs import decoding
from workers.lifecycle import Claim
from workers.management.base import LaunchCommand
from workers.models import Run


class Command(LaunchCommand):
    help = "Let a trained system write a text for every source of a split."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--system", required=True)
        parser.add_argument("--dataset", required=True)
        parser.add_argument("--split", required=True)
        parser.add_argument(
            "--set",
            dest="overrides",
            metavar="KEY=VALUE",
            action="extend",
            nargs="+",
            default=[],
            help="decoding settings, such as method=greedy; source=SYSTEM for another input; ensemble=SYSTEM,SYSTEM "
            "for models that write together with it",
        )

    def launch(self, *, claimed: bool, **options: Any) -> Run | Claim:
        return decoding.launch(
            system=options["system"],
            dataset=options["dataset"],
            split=options["split"],
            overrides=options["overrides"],
            queue=options["queue"],
            claimed=claimed,
        )
