from typing import Any

from django.core.management.base import CommandParser

from annotations.links import rater_link
from annotations.management.base import AnswerCommand
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
        link = rater_link(campaign) if rater is None else raters_invite(campaign=campaign, outside_ids=[rater])[0]
        return {"campaign": campaign.name, "link": link}
