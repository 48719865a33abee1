import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.management.base import AnswerCommand, whole_file
from annotations.reports.formats import FORMATS, NAMES
from annotations.services.campaigns import campaign_named
from annotations.services.reports import report_freeze


class Command(AnswerCommand):
    help = "Write a campaign's report."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--format", choices=NAMES, required=True)
        parser.add_argument("--out", type=Path, required=True)
        parser.add_argument("--unblind", action="store_true", help="look before the campaign is closed; this is kept")

    def answer(self, **options: Any) -> dict[str, Any]:
        frozen = report_freeze(campaign=campaign_named(options["name"]), unblind=options["unblind"])
        content, form = bytes(frozen.content), options["format"]
        report = json.loads(content)
        with whole_file(options["out"], "wb") as out:
            out.write(content if form == "json" else FORMATS[form].write(report))
        campaign = report["campaign"]
        return {
            "campaign": campaign["name"],
            "file": str(options["out"]),
            "sha256": frozen.sha256,
            "ratings": campaign["ratings"],
            "raters": campaign["raters"],
            "interim": campaign["interim"],
        }
