from typing import Any

from django.core.management.base import CommandParser

from annotations.management.base import AnswerCommand
from workers.lineage import lineage
from workers.lookup import system_named


class Command(AnswerCommand):
    help = "Show where a system comes from: ratings, feedback set, run, checkpoint, decodings."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("system")

    def answer(self, **options: Any) -> dict[str, Any]:
        return lineage(system_named(options["system"]))
