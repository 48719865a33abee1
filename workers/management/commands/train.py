from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from annotations.management.base import lines
from workers.guarding import guarding_lines
from workers.jobs import training
from workers.management.base import LaunchCommand


class Command(LaunchCommand):
    help = "Train a model on a dataset's split `train` and validate it on `valid`."
    launch = staticmethod(training.launch)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dataset", required=True)
        parser.add_argument("--preset", required=True, help="a named set of model settings, such as gru-luong")
        self.add_settings(
            parser,
            "model settings (budget=240 is CPU or GPU seconds), pairing=aligned|positional, "
            "source=caption|SYSTEM|* (what the model is given), sources=all|own, init=SYSTEM (the checkpoint to "
            "continue from), reward=NAME with draws=N (the reward model that judges what is drawn)",
        )
        parser.add_argument(
            "--feedback", metavar="NAME",
            help="a feedback set: mixed with the pairs by its weights, or what --set objective=dpo|kto|… learns from",
        )  # fmt: skip
        parser.add_argument(
            "--name", metavar="SYSTEM", help="name of the new system; default: made from preset and dataset"
        )

    def shown(self, result: dict[str, Any]) -> Iterator[str]:
        yield from lines({key: value for key, value in result.items() if key != "guarding"})
        if "guarding" in result:
            yield from guarding_lines(result["guarding"])
