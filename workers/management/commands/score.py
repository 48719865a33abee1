from django.core.management.base import CommandParser

from workers.jobs import scoring
from workers.management.base import LaunchCommand


class Command(LaunchCommand):
    help = "Score the decodings of a split or a campaign with automatic metrics."
    launch = staticmethod(scoring.launch)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dataset")
        parser.add_argument("--split")
        parser.add_argument(
            "--campaign", help="score the items of a campaign, withholding the human candidate's references"
        )
        parser.add_argument("--system", dest="systems", action="append", default=[], help="repeatable; default: all")
        parser.add_argument(
            "--metric",
            dest="metrics",
            action="append",
            default=[],
            help="repeatable; default: all but the judges; reward:NAME: learned",
        )
