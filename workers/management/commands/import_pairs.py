from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.models import Split
from workers.management.base import ImportCommand, updated


class Command(ImportCommand):
    help = (
        "Import JSON lines of sources, references and other systems' outputs. A field is a dotted path to a string "
        "or a list of strings. Without an album field each line is a document of its own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dataset", required=True)
        self.add_update(parser)
        parser.add_argument("--split", required=True, choices=Split.values)
        parser.add_argument(
            "--source-field", help="default: 'caption' where the first line has it; without one the photo is the source"
        )
        parser.add_argument("--reference-field", default="story")
        parser.add_argument("--album-field")
        parser.add_argument("--photo-field")
        parser.add_argument(
            "--system",
            dest="systems",
            metavar="NAME=FIELD",
            action="append",
            default=[],
            help="another system's outputs; '*=FIELD' makes each key of the object in the field a system; repeatable",
        )

    def request(self, **options: Any) -> dict[str, Any]:
        fields = {
            "source": options["source_field"],
            "reference": options["reference_field"],
            "album": options["album_field"],
            "photo": options["photo_field"],
            "systems": options["systems"],
        }
        return {
            "form": "pairs",
            "files": {"file": [str(options["file"])]},
            "fields": fields,
            "split": options["split"],
            **updated(options),
        }
