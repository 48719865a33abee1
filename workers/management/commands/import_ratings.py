from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotations.importing.campaign_file import CHOICES
from annotations.importing.ratings.options import OPTIONS, POSITIONS, ROLES, ROWS
from annotations.importing.ratings.values import DECIMALS
from annotations.management.base import lines
from workers.jobs import importing
from workers.management.base import ImportCommand

MAX_SHOWN = 50  # bad rows; with --json all that were kept


class Command(ImportCommand):
    help = (
        "Import the ratings of a study run elsewhere as a closed campaign, which gets the same report. The file may be "
        "as it was published: --column says what it calls item, system, rater, criterion and score, or item, system_a "
        "(shown first), system_b, rater, criterion and choice, and so on. --dry-run shows how it is understood."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("file", type=Path, nargs="+", help=".csv, .tsv or .txt, .xlsx, .json or .jsonl")
        add("--campaign", required=True, metavar="NAME", help="the new campaign")
        add("--dataset", metavar="NAME", help="for its items; default: called like the campaign")
        add("--dry-run", action="store_true", help="show how the file is understood and every bad row; write nothing")
        columns = parser.add_argument_group("columns")
        add = columns.add_argument
        add(
            "--column",
            action="append",
            default=[],
            dest="columns",
            metavar="ROLE=NAME",
            help="what the file calls it; ROLE==VALUE is one value for all rows, ROLE=# the number of the row, "
            "ROLE=#file the file's name, ROLE= nothing; several of one role are joined. The roles: " + ", ".join(ROLES),
        )
        for name, what in (("criteria", "criterion"), ("raters", "rater"), ("systems", "system")):
            add(f"--{name}", nargs="+", default=[], metavar="COLUMN", help=f"columns with the value of a {what} each")
        add(
            "--wide",
            action="append",
            default=[],
            metavar="PATTERN",
            help="columns with a value each by a pattern of their names, such as '{criterion}_{rater}'; repeatable",
        )
        add(
            "--split",
            action="append",
            default=[],
            metavar="COLUMN=PATTERN",
            help="what a column holds that is several things, such as 'id={item}_{system}'; repeatable",
        )
        add("--rows", choices=ROWS, default="", help="what the rows are, where the columns do not say it")
        add(
            "--where",
            action="append",
            default=[],
            metavar="COLUMN=VALUE",
            help="keep only such rows, with != only others; repeatable, several values of a column are alternatives",
        )
        add("--no-header", action="store_true", help="the first row is of values; columns are called 1, 2, 3 …")
        add("--sheet", default="", metavar="NAME", help="of a workbook; default: the first")
        values = parser.add_argument_group("values")
        add = values.add_argument
        add(
            "--value",
            action="append",
            default=[],
            dest="values",
            metavar="WORD=VALUE",
            help="what a word stands for: 'Strongly agree=5', or for a choice 'better=A'; repeatable",
        )
        add("--lists", default="", metavar="SIGN", help="what parts several ratings in one cell")
        add("--shared", default="", metavar="SIGN", help="what parts the systems that wrote the same text, in a cell")
        add("--positions", choices=POSITIONS, default="rater", help="what a place in such a list is; default: rater")
        add("--decimal", choices=DECIMALS, default="", help="the decimal sign; default: found")
        add(
            "--dates",
            default="iso",
            metavar="ORDER",
            help="iso (the default), day-first, month-first, year-first, epoch, or a format such as '%%d.%%m.%%Y'",
        )
        add("--encoding", default="", metavar="NAME", help="such as utf-8 or cp1252; default: found")
        add(
            "--weight",
            action="append",
            default=[],
            dest="weights",
            metavar="SEVERITY[/CATEGORY]=NUMBER",
            help="of error spans; default: as in MQM (Freitag et al. 2021); repeatable",
        )
        add("--highest-best", action="store_true", help="the highest rank is the best; default: 1 is")
        add(
            "--scale",
            type=float,
            nargs=2,
            default=[],
            metavar=("LOW", "HIGH"),
            help="the ends of the scale; default: the smallest and the largest score there is",
        )
        add(
            "--keep-apart",
            action="store_true",
            help="a text that several systems wrote for an item stays several texts, with the systems' names behind",
        )
        declared = parser.add_argument_group("what the study had declared")
        add = declared.add_argument
        add("--primary", nargs=3, default=[], metavar=("SYSTEM", "SYSTEM", "CRITERION"), help="the primary contrast")
        add("--family", choices=CHOICES["family"], default="criterion", help="what Holm adjusts together")
        add("--looks", type=int, default=1, help="at the results, with the primary contrast")
        add("--spending", choices=CHOICES["spending"], default="obrien-fleming", help="how the looks share out alpha")
        add(
            "--equivalence-margin",
            type=float,
            metavar="POINTS",
            help="within which two systems count as equivalent: points, or of choices a share won around one half",
        )

    def request(self, **options: Any) -> dict[str, Any]:
        return {
            "form": "ratings",
            "files": {"file": [str(file) for file in listed(options["file"])]},
            **{key: options[key] for key in ("campaign", *OPTIONS)},
        }

    def answer(self, **options: Any) -> dict[str, Any]:
        if options["dry_run"]:
            found = importing.ratings_preview(self.request(**options))
            self.bad_rows = found["defect_count"]
            return found
        return super().answer(**{**options, "dataset": options["dataset"] or options["campaign"]})

    def handle(self, *args: Any, **options: Any) -> None:
        self.bad_rows = 0
        super().handle(*args, **options)
        if self.bad_rows:
            raise CommandError(
                f"{self.bad_rows:,} {defects(self.bad_rows)}: nothing can be imported before {it(self.bad_rows)} mended"
            )

    def shown(self, result: dict[str, Any]) -> Iterable[str]:
        return preview_lines(result) if "defect_count" in result else lines(result)


def listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def defects(count: int) -> str:
    return "defect" if count == 1 else "defects"


def it(count: int) -> str:
    return "it is" if count == 1 else "they are"


def preview_lines(found: dict[str, Any]) -> Iterator[str]:
    """A preview as a person reads it."""
    yield f"{', '.join(found['files'])}: {found['read_as']}; {found['rows']:,} rows of {found['form']}"
    rows = [
        [each["column"], each["taken_as"] or "left aside", "; ".join(each["examples"])] for each in found["columns"]
    ]
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
