from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from annotations.campaigns.services.campaigns import campaign_named
from annotations.management.base import AnswerCommand, whole_file
from annotations.reports.preregistration import preregistration


class Command(AnswerCommand):
    help = "Write what a campaign declares before its results are known, with the hash of what it shows to raters."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--out", type=Path, required=True, help="Markdown")

    def answer(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_named(options["name"])
        sheet = preregistration(campaign, at=timezone.now())
        with whole_file(options["out"]) as out:
            out.write(sheet)
        return {"campaign": campaign.name, "file": str(options["out"]), "state": campaign.state}
