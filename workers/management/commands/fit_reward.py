from django.core.management.base import CommandParser

from workers.jobs import reward
from workers.management.base import LaunchCommand


class Command(LaunchCommand):
    help = "Fit a reward model on a feedback set: it says how good raters would find a text for a source."
    launch = staticmethod(reward.launch)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")
        parser.add_argument("--feedback", metavar="SET", required=True, help="the feedback set to fit it on")
        self.add_settings(parser, "settings of the fit, such as folds=3 or l2=10")
