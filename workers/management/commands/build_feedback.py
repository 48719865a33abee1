from typing import Any

from django.core.management.base import CommandParser

from workers.jobs import feedback
from workers.lifecycle import Claim
from workers.management.base import LaunchCommand
from workers.models import Run


class Command(LaunchCommand):
    help = "Make a frozen training set from the ratings of feedback campaigns."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")
        parser.add_argument("--campaign", dest="campaigns", action="append", required=True, help="repeatable")
        parser.add_argument("--beta", type=float, help="how strongly ratings weigh: weight = clip(exp(beta z), 0.1, 3)")

    def launch(self, *, claimed: bool, **options: Any) -> Run | Claim:
        return feedback.launch(
            name=options["name"],
            campaigns=options["campaigns"],
            beta=options["beta"],
            queue=options["queue"],
            claimed=claimed,
        )
