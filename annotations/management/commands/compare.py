from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.errors import InputError
from annotations.management.base import AnswerCommand, lines, whole_file
from annotations.reports.comparison import comparison_build
from annotations.reports.comparison_formats import FORMATS, lines_of
from annotations.services.audit import Deed, audit_note


class Command(AnswerCommand):
    help = "Compare closed campaigns: systems side by side on the items they share, where they asked the same."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+", metavar="NAME")
        parser.add_argument("--out", type=Path, help="write it into a file")
        parser.add_argument("--format", choices=list(FORMATS), help="of the file; the ending of --out says it too")

    def answer(self, **options: Any) -> dict[str, Any]:
        out, form = options["out"], options["format"]
        if form and not out:
            raise InputError(f"--format {form}: say with --out where to write it")
        form = form or (out and out.suffix.lower().removeprefix("."))
        if out and form not in FORMATS:
            raise InputError(f"--out {out}: say with --format which of {', '.join(FORMATS)} it shall be")
        comparison = comparison_build(options["names"])
        if not out:
            return comparison
        audit_note(kind=Deed.EXPORT, about="comparison of campaigns", detail=", ".join(options["names"]))
        with whole_file(out, "wb") as file:
            file.write(FORMATS[form].write(comparison))
        names = [campaign["name"] for campaign in comparison["campaigns"]]
        return {"campaigns": names, "file": str(out), "left_out": comparison["left_out"]}

    def shown(self, result: dict[str, Any]) -> Iterable[str]:
        return lines(result) if "file" in result else lines_of(result)
