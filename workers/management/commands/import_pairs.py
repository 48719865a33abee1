from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.importing.content import fingerprint
from annotations.importing.pairs import PairFields, parse_systems, read_pairs
from annotations.management.base import AnswerCommand
from annotations.models import Split
from workers.importing import import_albums


class Command(AnswerCommand):
    help = (
        "Import JSON lines of sources, references and other systems' outputs. A field is a dotted path to a string "
        "or a list of strings. Without an album field each line is a document of its own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dataset", required=True)
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

    def answer(self, **options: Any) -> dict[str, Any]:
        fields = PairFields(
            source=options["source_field"],
            reference=options["reference_field"],
            album=options["album_field"],
            photo=options["photo_field"],
            systems=parse_systems(options["systems"]),
        )
        file = options["file"]
        digest = fingerprint([file], [options["split"], *fields.options()])
        content = fingerprint([file], [])[:12]
        with self.share() as watch:
            return import_albums(
                dataset=options["dataset"],
                split=options["split"],
                files=[file],
                fingerprint=digest,
                read=lambda note: read_pairs(file, fields, unique_prefix=content, note=note),
                watch=watch,
            )
