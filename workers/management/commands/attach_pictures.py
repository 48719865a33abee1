from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.management.base import AnswerCommand
from workers.jobs import pictures


class Command(AnswerCommand):
    help = "Attach the pictures in a folder, named after the photo ids, to the photos of a dataset."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--dataset", required=True)
        parser.add_argument("--update", action="store_true", help="replace other pictures that photos already have")

    def answer(self, **options: Any) -> dict[str, Any]:
        config = {"dataset": options["dataset"], "folder": str(options["folder"]), "update": options["update"]}
        with self.share() as watch:
            return pictures.attach_here(config=config, watch=watch)
