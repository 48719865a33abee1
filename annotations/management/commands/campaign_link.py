from typing import Any

from django.core.management.base import CommandParser

from annotations.audit.services import Deed, audit_note, of_campaign
from annotations.campaigns.links import rater_link
from annotations.campaigns.services.campaigns import campaign_named, check_rated_here
from annotations.campaigns.services.invitations import raters_invite
from annotations.management.base import AnswerCommand


class Command(AnswerCommand):
    help = "Print a campaign's link for raters, or a signed link for one rater."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--rater", help="your own id for a rater; whoever has the link can return as this rater")

    def answer(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_named(options["name"])
        check_rated_here(campaign, "rated here")
        rater = options["rater"]
        if rater is None:
            link = rater_link(campaign)
            audit_note(kind=Deed.LINK, about=of_campaign(campaign.name), detail="the link for all raters")
        else:
            [link] = raters_invite(campaign=campaign, outside_ids=[rater])
        return {"campaign": campaign.name, "link": link}
