from django.core.management.base import CommandParser

from workers.jobs import feedback
from workers.management.base import LaunchCommand


class Command(LaunchCommand):
    help = "Build a frozen feedback set from the ratings of feedback campaigns."
    launch = staticmethod(feedback.launch)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")
        parser.add_argument("--campaign", dest="campaigns", action="append", required=True, help="repeatable")
        parser.add_argument(
            "--beta", type=float, help="how strongly ratings are weighted: weight = clip(exp(beta z), 0.1, 3)"
        )
