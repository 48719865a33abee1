from typing import Any

from django.core.management.base import CommandParser

from workers.jobs import training
from workers.lifecycle import Claim
from workers.management.base import LaunchCommand
from workers.models import Run


class Command(LaunchCommand):
    help = "Train a model on a dataset's split `train`, and watch it on `valid`."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dataset", required=True)
        parser.add_argument("--preset", required=True, help="a named set of model settings, such as gru-luong")
        parser.add_argument(
            "--set",
            dest="overrides",
            metavar="KEY=VALUE",
            action="extend",
            nargs="+",
            default=[],
            help="model settings (budget=240 is CPU or GPU seconds), pairing=aligned|positional, "
            "source=caption|SYSTEM|* (what the model is given), sources=all|own, init=SYSTEM (which it goes on from)",
        )
        parser.add_argument("--feedback", metavar="NAME", help="a feedback set to mix with the pairs")
        parser.add_argument("--name", metavar="SYSTEM", help="the new system's name (default: preset and dataset)")

    def launch(self, *, claimed: bool, **options: Any) -> Run | Claim:
        return training.launch(
            dataset=options["dataset"],
            preset=options["preset"],
            overrides=options["overrides"],
            feedback=options["feedback"],
            name=options["name"],
            queue=options["queue"],
            claimed=claimed,
        )
