from typing import Any

from django.core.management.base import CommandParser

from annotations.links import rater_link
from annotations.management.base import AnswerCommand
from annotations.services.audit import Deed, audit_note
from annotations.services.campaigns import campaign_named, check_rated_here
from annotations.services.invitations import raters_invite


class Command(AnswerCommand):
    help = "Print the link of a campaign for raters, or a signed one for a single rater."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--rater", help="your own id of a rater: the link lets its holder come back as them")

    def answer(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_named(options["name"])
        check_rated_here(campaign, "rated here")
        rater = options["rater"]
        if rater is None:
            link = rater_link(campaign)
            audit_note(kind=Deed.LINK, about=f"campaign '{campaign.name}'", detail="the link for all raters")
        else:
            [link] = raters_invite(campaign=campaign, outside_ids=[rater])
        return {"campaign": campaign.name, "link": link}
