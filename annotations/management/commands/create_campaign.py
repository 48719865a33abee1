from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.importing.campaign_file import read_campaign_file
from annotations.links import rater_link
from annotations.management.base import AnswerCommand
from annotations.services.campaign_making import campaign_create


class Command(AnswerCommand):
    help = "Make a campaign from its file: items, candidates, and the link for raters."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="TOML; see docs/researcher.md")

    def answer(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_create(spec=read_campaign_file(options["file"]))
        return {
            "campaign": campaign.name,
            "items": campaign.item_count,
            "overlap": campaign.overlap,
            "screens": campaign.screens,
            "systems": [entry.system.name for entry in campaign.entries.select_related("system")],
            "link": rater_link(campaign),
        }
