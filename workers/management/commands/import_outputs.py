from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from workers.management.base import ImportCommand, updated


class Command(ImportCommand):
    help = "Import a system's outputs: JSON lines or CSV with id (a source's key) and text, or VIST challenge JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dataset", required=True)
        self.add_update(parser)
        parser.add_argument("--system", required=True)

    def request(self, **options: Any) -> dict[str, Any]:
        return {
            "form": "outputs",
            "files": {"file": [str(options["file"])]},
            "system": options["system"],
            **updated(options),
        }
