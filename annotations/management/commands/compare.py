from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.audit.services import Deed, audit_note
from annotations.errors import InputError
from annotations.management.base import AnswerCommand, lines, whole_file
from annotations.reports.comparison import comparison_build
from annotations.reports.comparison_formats import FORMATS, text
from annotations.reports.comparison_schema import CampaignComparison


class Command(AnswerCommand):
    help = "Compare closed campaigns: systems side by side on the items they share, for criteria they share."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+", metavar="NAME")
        parser.add_argument("--out", type=Path, help="file to write")
        parser.add_argument(
            "--format", choices=list(FORMATS), help="format of the file; default: from the ending of --out"
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        out, form = options["out"], options["format"]
        if form and not out:
            raise InputError("--format", "give the file to write with --out")
        if out and not form:
            ending = out.suffix.lower().removeprefix(".")
            form = next((name for name, made in FORMATS.items() if ending in (name, made.suffix)), None)
        if out and not form:
            raise InputError("--out", f"{out}: choose its format with --format: {', '.join(FORMATS)}")
        comparison = comparison_build(options["names"])
        if not out:
            return comparison.model_dump(mode="json")
        audit_note(kind=Deed.EXPORT, about="comparison of campaigns", detail=", ".join(options["names"]))
        with whole_file(out, "wb") as file:
            file.write(FORMATS[form].write(comparison))
        names = [campaign.name for campaign in comparison.campaigns]
        return {"campaigns": names, "file": str(out), "left_out": comparison.left_out}

    def shown(self, result: dict[str, Any]) -> Iterable[str]:
        return lines(result) if "file" in result else text(CampaignComparison.model_validate(result)).splitlines()
