from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.errors import InputError
from annotations.importing.content import fingerprint
from annotations.importing.vist import read_vist
from annotations.management.base import AnswerCommand
from annotations.models import Split
from workers.importing import import_albums


class Command(AnswerCommand):
    help = "Import VIST's annotation files in their official layout: captions (DII), stories (SIS), or both."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dii", type=Path, nargs="+", default=[], metavar="FILE", help="descriptions in isolation")
        parser.add_argument("--sis", type=Path, nargs="+", default=[], metavar="FILE", help="stories in sequence")
        parser.add_argument("--images", type=Path, metavar="DIR", help="pictures named after the photos' ids")
        parser.add_argument("--split", required=True, choices=Split.values)
        parser.add_argument("--dataset", required=True)

    def answer(self, **options: Any) -> dict[str, Any]:
        dii, sis, images = options["dii"], options["sis"], options["images"]
        if not dii and not sis:
            raise InputError("import_vist: name at least one file with --dii or --sis")
        roles = [f"dii {len(dii)}", f"split {options['split']}", f"images {images or ''}"]
        with self.share() as watch:
            return import_albums(
                dataset=options["dataset"],
                split=options["split"],
                files=[*dii, *sis],
                fingerprint=fingerprint([*dii, *sis], roles),
                read=lambda note: read_vist(dii, sis, images=images, note=note),
                watch=watch,
            )
