from django.core.management.base import CommandParser

from workers.jobs import decoding
from workers.management.base import LaunchCommand


class Command(LaunchCommand):
    help = "Have a trained system write a text for every source of a split."
    launch = staticmethod(decoding.launch)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--system", required=True)
        parser.add_argument("--dataset", required=True)
        parser.add_argument("--split", required=True)
        self.add_settings(
            parser,
            "decoding settings, such as method=greedy; source=SYSTEM for a different input; "
            "ensemble=SYSTEM,SYSTEM for models to decode together with; rerank=reward:NAME for the order of a reward "
            "model",
        )
