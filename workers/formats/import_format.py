"""What an import format is."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from workers.formats.form import ImportFields
from workers.formats.reading import Config, Reading


class ImportFormat(ABC):
    """A kind of files that can be imported, on a page by `Form` and by a command: what each asks for becomes one
    configuration, and `reading` says how the files that it names are imported."""

    name: ClassVar[str]
    help: ClassVar[str]  # of the command
    Form: ClassVar[type[ImportFields]]

    @abstractmethod
    def add_arguments(self, parser: CommandParser) -> None:
        """Those of the command, beside `--dataset`."""

    @abstractmethod
    def request(self, options: dict[str, Any]) -> dict[str, Any]:
        """The configuration that the command's options ask for: `files` by role, and what else `reading` needs."""

    @abstractmethod
    def reading(self, config: Config) -> Reading:
        """Raises InputError for what is wrong with the request itself, and for files that cannot be read."""


def add_dataset(parser: CommandParser) -> None:
    parser.add_argument("--dataset", required=True)


def add_update(parser: CommandParser) -> None:
    parser.add_argument(
        "--update", action="store_true", help="replace existing texts that differ, where nothing depends on them"
    )


def updated(options: dict[str, Any]) -> dict[str, bool]:
    return {"update": True} if options["update"] else {}
