import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotations.management.base import AnswerCommand
from storyblender_site.keeping.manifest import FILES, Manifest, key_mark
from storyblender_site.keeping.restore import backup_restore


class Command(AnswerCommand):
    help = (
        "Make the site what it was when a backup was made: all of it or nothing. Stop its processes first. The "
        "database may be another kind than the backup's, so that this also moves a site."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="which `backup` wrote")
        parser.add_argument("--replace", action="store_true", help="give up what this site holds now")
        parser.add_argument("--yes", action="store_true", help="do not ask before --replace; needed without a terminal")

    def answer(self, **options: Any) -> dict[str, Any]:
        folder, replace = options["folder"], options["replace"]
        if replace and not options["yes"]:
            self.ask(folder)
        with self.share() as watch:
            manifest = backup_restore(folder=folder, replace=replace, watch=watch)
        if key_lost(manifest):
            self.stderr.write(
                "warning: SECRET_KEY is not that of the backup's site: raters' personal links made there do not open; "
                "set the same SECRET_KEY"
            )
        return {"restored": str(folder), "id": manifest.id, "made_at": manifest.made_at, **manifest.counts}

    def ask(self, folder: Path) -> None:
        if not sys.stdin.isatty():
            raise CommandError("nothing was restored: say --yes where there is no terminal to ask on")
        question = f"Give up all that this site holds, and restore {folder}? This cannot be undone. [y/N] "
        if input(question).strip().lower() not in ("y", "yes"):
            raise CommandError("nothing was restored")


def key_lost(manifest: Manifest) -> bool:
    """Whether the site has another key than the backup's had, now that its files are in place."""
    kept = not os.environ.get("SECRET_KEY") and f"{FILES}/secret_key" in manifest.files
    return not kept and manifest.key != key_mark()
