import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotations.campaigns.links import rater_link
from annotations.campaigns.readers.named_items import read_named_items
from annotations.campaigns.services.invitations import raters_invite
from annotations.campaigns.services.making import campaign_create
from annotations.campaigns.spec import SCHEMA
from annotations.campaigns.spec_files import read_campaign_file
from annotations.errors import InputError
from annotations.management.base import AnswerCommand


class Command(AnswerCommand):
    help = "Create a campaign from its file: items, candidates, and the link for raters."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help="TOML file; see docs/researcher.md")
        parser.add_argument(
            "--named-items",
            type=Path,
            metavar="NAMED",
            help="table of 'rater' and 'source': who gets which sources, by their keys; others get the other places",
        )
        parser.add_argument("--schema", action="store_true", help="print the JSON schema of campaign files instead")

    def answer(self, **options: Any) -> dict[str, Any]:
        if options["schema"]:
            return SCHEMA
        if not options["file"]:
            raise InputError("", "give a campaign file or --schema")
        spec, file = read_campaign_file(options["file"]), options["named_items"]
        named = read_named_items(file) if file else []
        campaign = campaign_create(spec=spec, named=named)
        raters = list(dict.fromkeys(row.rater for row in named))
        links = zip(raters, raters_invite(campaign=campaign, outside_ids=raters), strict=True) if raters else ()
        return {
            "campaign": campaign.name,
            "items": campaign.item_count,
            "overlap": campaign.overlap,
            "screens": campaign.screens,
            "systems": [entry.system.name for entry in campaign.entries.select_related("system")],
            "link": rater_link(campaign),
            **({"personal_links": dict(links)} if raters else {}),
        }

    def shown(self, result: dict[str, Any]) -> Iterable[str]:
        return [json.dumps(result, indent=2)] if result is SCHEMA else super().shown(result)
