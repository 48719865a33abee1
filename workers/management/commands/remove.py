import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotations.management.base import AnswerCommand
from annotations.plurals import listed
from annotations.services.removal import named
from workers.removal import KINDS, all_rows_of, removable, remove


class Command(AnswerCommand):
    help = (
        "Remove a dataset, a system, or an import, which is named by its number, with all its rows. What something "
        "else depends on is not removed: the error says what depends. Asks first on a terminal."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=KINDS)
        parser.add_argument("name", metavar="NAME", help="of an import its number, which its dataset's page shows")
        parser.add_argument("--yes", action="store_true", help="do not ask; needed where there is no terminal")

    def answer(self, **options: Any) -> dict[str, Any]:
        target = removable(options["kind"], options["name"])
        what = named(target)
        if not options["yes"]:
            self.ask(what, all_rows_of(target))
        return {"removed": options["kind"], "name": options["name"], "rows": remove(target)}

    def ask(self, what: str, goes: dict[str, int]) -> None:
        if not sys.stdin.isatty():
            raise CommandError(f"{what} was not removed: say --yes where there is no terminal to ask on")
        rows = listed(goes) or "no rows"
        if input(f"Remove {what} with {rows}? This cannot be undone. [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError(f"{what} was not removed")
