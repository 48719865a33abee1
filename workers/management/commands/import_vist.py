from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.models import Split
from workers.management.base import ImportCommand, updated


class Command(ImportCommand):
    help = "Import VIST's annotation files in their official layout: captions (DII), stories (SIS), or both."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dii", type=Path, nargs="+", default=[], metavar="FILE", help="descriptions in isolation")
        parser.add_argument("--sis", type=Path, nargs="+", default=[], metavar="FILE", help="stories in sequence")
        parser.add_argument("--images", type=Path, metavar="DIR", help="pictures named after the photos' ids")
        parser.add_argument("--split", required=True, choices=Split.values)
        parser.add_argument("--dataset", required=True)
        self.add_update(parser)

    def request(self, **options: Any) -> dict[str, Any]:
        files = {role: [str(file) for file in options[role]] for role in ("dii", "sis")}
        images = str(options["images"]) if options["images"] else ""
        return {"form": "vist", "files": files, "images": images, "split": options["split"], **updated(options)}
