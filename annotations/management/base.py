"""What every command of the project shares: `--json`, one clear line for bad input, a progress bar on a terminal."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from annotations.audit.services import acting, this_shell
from annotations.errors import InputError
from annotations.progress import OnProgress
from annotations.reasons import Reason, as_json


class AnswerCommand(BaseCommand):
    """A command that answers with a mapping: printed line by line, or with `--json` as the last line of stdout.

    Subclasses write `answer`. Bad input is an `InputError`: its message goes to stderr and the exit status is 1.
    """

    requires_system_checks: list[str] = []
    errors: tuple[type[Exception], ...] = (InputError,)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line of stdout")
        return parser

    def answer(self, **options: Any) -> dict[str, Any]:
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with acting(this_shell()):
                result = self.answer(**options)
        except self.errors as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            if error.filename is None:
                raise
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        if options["json"]:
            self.stdout.write(json.dumps(result, ensure_ascii=False, default=plain))
        else:
            for line in self.shown(result):
                self.stdout.write(line)

    def shown(self, result: dict[str, Any]) -> Iterable[str]:
        """The answer's lines without `--json`."""
        return lines(result)

    @contextmanager
    def share(self) -> Iterator[OnProgress]:
        """A bar on a terminal, nothing in a pipe; it is moved by telling it the share done, and what is being done."""
        layout = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
        with tqdm(total=1.0, bar_format=layout, disable=not sys.stderr.isatty()) as bar:

            def show(share: float, message: str) -> None:
                bar.set_description_str(message, refresh=False)
                bar.update(share - bar.n)

            yield show


def plain(value: object) -> object:
    """As JSON has it."""
    return as_json(value) if isinstance(value, Reason) else str(value)


def lines(value: Any, place: str = "") -> Iterator[str]:
    """`place: value` for everything in nested mappings and lists of mappings, places joined by dots."""
    if isinstance(value, dict) and (value or not place):
        for key, inner in value.items():
            yield from lines(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list) and value and all(isinstance(inner, dict) for inner in value):
        for number, inner in enumerate(value, start=1):
            yield from lines(inner, f"{place}.{number}")
    else:
        yield f"{place}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)}"


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of right-aligned columns; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))


@contextmanager
def whole_file(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """A file to write text (`w`) or bytes (`wb`) into, which takes its name only once it is whole."""
    draft = path.with_name(f".{path.name}.part")
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    try:
        with draft.open(mode, **text) as out:
            yield out
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
