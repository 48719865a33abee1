from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.management.base import AnswerCommand
from storyblender_site.keeping.backup import backup_make


class Command(AnswerCommand):
    help = (
        "Back up the site to a new folder: the rows of the database and the files under VAR_DIR. Raters and workers "
        "can continue meanwhile. `restore` reads it into SQLite or PostgreSQL, whichever it was made on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="must not exist yet")
        parser.add_argument(
            "--without-models", action="store_true", help="leave out pretrained models, which can be downloaded again"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        with self.share() as watch:
            manifest = backup_make(folder=options["out"], models=not options["without_models"], watch=watch)
        for lost in manifest.lost:
            self.stderr.write(f"warning: {lost} is not in the backup: its files are missing or were altered")
        return {
            "backup": str(options["out"]),
            "id": manifest.id,
            "bytes": manifest.size,
            "files": len(manifest.files),
            **manifest.counts,
        }
