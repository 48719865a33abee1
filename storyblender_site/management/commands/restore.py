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
        "Restore the site from a backup, completely or not at all. Stop its processes first. The database may be of "
        "another kind than the one backed up, so this can also move a site."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="folder written by `backup`")
        parser.add_argument("--replace", action="store_true", help="delete what this site contains now")
        parser.add_argument(
            "--yes", action="store_true", help="do not ask before --replace; required without a terminal"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        folder, replace = options["folder"], options["replace"]
        if replace and not options["yes"]:
            self.ask(folder)
        with self.share() as watch:
            manifest = backup_restore(folder=folder, replace=replace, watch=watch)
        if key_lost(manifest):
            self.stderr.write(
                "warning: SECRET_KEY differs from that of the backed-up site, so personal links of raters made there "
                "will not work; set the same SECRET_KEY"
            )
        return {"restored": str(folder), "id": manifest.id, "made_at": manifest.made_at, **manifest.counts}

    def ask(self, folder: Path) -> None:
        if not sys.stdin.isatty():
            raise CommandError("nothing was restored: give --yes, as there is no terminal to ask on")
        question = f"Delete everything on this site and restore {folder}? This cannot be undone. [y/N] "
        if input(question).strip().lower() not in ("y", "yes"):
            raise CommandError("nothing was restored")


def key_lost(manifest: Manifest) -> bool:
    """Whether the site has another key than the backup's had, now that its files are in place."""
    kept = not os.environ.get("SECRET_KEY") and f"{FILES}/secret_key" in manifest.files
    return not kept and manifest.key != key_mark()
