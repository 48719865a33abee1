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
            "--criterion", dest="criteria", action="append", default=[], help="that counts, in place of all; repeatable"
        )
        parser.add_argument("--admit-pasted", action="store_true", help="rewrites with pasted text count as well")
        parser.add_argument(
            "--simulated", action="store_true", help="campaigns of simulated raters count; the set then says it is so"
        )
        parser.add_argument(
            "--beta", type=float, help="of weighted likelihood: a text's weight = clip(exp(beta score), 0.1, 3)"
        )
