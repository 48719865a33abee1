from collections.abc import Iterable, Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotations.management.base import lines
from workers.formats.ratings import ratings_preview
from workers.management.base import import_command

MAX_SHOWN = 50  # bad rows; with --json all that were kept


class Command(import_command("ratings")):  # type: ignore[misc]
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="show how the file is understood and list every invalid row; write nothing",
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        if options["dry_run"]:
            found = ratings_preview(self.format.request(options))
            self.bad_rows = found["defect_count"]
            return found
        return super().answer(**{**options, "dataset": options["dataset"] or options["campaign"]})

    def handle(self, *args: Any, **options: Any) -> None:
        self.bad_rows = 0
        super().handle(*args, **options)
        if self.bad_rows:
            raise CommandError(f"{self.bad_rows:,} {defects(self.bad_rows)}: fix {it(self.bad_rows)} before importing")

    def shown(self, result: dict[str, Any]) -> Iterable[str]:
        return preview_lines(result) if "defect_count" in result else lines(result)


def defects(count: int) -> str:
    return "defect" if count == 1 else "defects"


def it(count: int) -> str:
    return "it" if count == 1 else "them"


def preview_lines(found: dict[str, Any]) -> Iterator[str]:
    """A preview as a person reads it."""
    yield f"{', '.join(found['files'])}: {found['read_as']}; {found['rows']:,} rows of {found['form']}"
    rows = [[each["column"], each["taken_as"] or "not used", "; ".join(each["examples"])] for each in found["columns"]]
    rows += [[f"(every row: {value})", role, ""] for role, value in found["fixed"].items()]
    widths = [max((len(row[place]) for row in rows), default=0) for place in (0, 1)]
    yield from (f"  {name.ljust(widths[0])}  {role.ljust(widths[1])}  {text}".rstrip() for name, role, text in rows)
    for key in ("protocol", "scale", "criteria", "systems", "items", "albums", "raters", "ratings"):
        if key in found:
            value = found[key]
            yield f"{key}: {', '.join(f'{each}' for each in value) if isinstance(value, list | tuple) else value}"
    yield from found["notes"]
    if found["defects"]:
        yield f"{found['defect_count']:,} {defects(found['defect_count'])}:"
        for defect in found["defects"][:MAX_SHOWN]:
            yield f"  {defect['at']}: {defect['problem']}" if defect["at"] else f"  {defect['problem']}"
        if found["defect_count"] > MAX_SHOWN:
            yield f"  … and {found['defect_count'] - MAX_SHOWN:,} more"
    else:
        yield "No defects. Nothing was written."
