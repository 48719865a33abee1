from typing import Any

from django.core.management.base import CommandParser

from annotations.management.base import AnswerCommand
from annotations.models import Rating
from annotations.services.campaigns import campaign_close, campaign_named


class Command(AnswerCommand):
    help = "Close a campaign: no more ratings, and its results may be looked at."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def answer(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_close(campaign=campaign_named(options["name"]))
        return {
            "campaign": campaign.name,
            "state": campaign.state,
            "ratings": Rating.objects.counting(campaign).count(),
            "screens": campaign.screens,
        }
