from typing import Any

from django.core.management.base import CommandParser

from workers.jobs import scoring
from workers.lifecycle import Claim
from workers.management.base import LaunchCommand
from workers.models import Run


class Command(LaunchCommand):
    help = "Score decodings of a split, or of a campaign, by automatic metrics."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dataset")
        parser.add_argument("--split")
        parser.add_argument("--campaign", help="score a campaign's items, the human candidate's references withheld")
        parser.add_argument("--system", dest="systems", action="append", default=[], help="repeatable; default: all")
        parser.add_argument(
            "--metric", dest="metrics", action="append", default=[], help="repeatable; default: all but the judges"
        )

    def launch(self, *, claimed: bool, **options: Any) -> Run | Claim:
        return scoring.launch(
            dataset=options["dataset"],
            split=options["split"],
            campaign=options["campaign"],
            systems=options["systems"],
            metrics=options["metrics"],
            queue=options["queue"],
            claimed=claimed,
        )
