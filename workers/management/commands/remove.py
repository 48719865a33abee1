import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotations.management.base import AnswerCommand
from annotations.plurals import listed
from annotations.removal.services import named
from workers.removal import KINDS, all_rows_of, removable, remove


class Command(AnswerCommand):
    help = (
        "Remove a dataset, a system or an import with all its rows. If something else depends on it, nothing is "
        "removed and the error lists what does. Asks for confirmation on a terminal."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=KINDS)
        parser.add_argument(
            "name",
            metavar="NAME",
            help="name of the dataset or system, or number of the import, as shown on its dataset's page",
        )
        parser.add_argument(
            "--yes", action="store_true", help="do not ask for confirmation; required without a terminal"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        target = removable(options["kind"], options["name"])
        what = named(target)
        if not options["yes"]:
            self.ask(what, all_rows_of(target))
        return {"removed": options["kind"], "name": options["name"], "rows": remove(target)}

    def ask(self, what: str, goes: dict[str, int]) -> None:
        if not sys.stdin.isatty():
            raise CommandError(f"{what} was not removed: give --yes, as there is no terminal to ask on")
        rows = listed(goes) or "no rows"
        if input(f"Remove {what} with {rows}? This cannot be undone. [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError(f"{what} was not removed")
