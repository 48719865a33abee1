from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.management.base import AnswerCommand
from workers.jobs import pictures


class Command(AnswerCommand):
    help = "Attach a folder's pictures, named after the photos' ids, to the photos that a dataset has."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--dataset", required=True)
        parser.add_argument("--update", action="store_true", help="in place of other pictures that photos have")

    def answer(self, **options: Any) -> dict[str, Any]:
        config = {"dataset": options["dataset"], "folder": str(options["folder"]), "update": options["update"]}
        with self.share() as watch:
            return pictures.attach_here(config=config, watch=watch)
