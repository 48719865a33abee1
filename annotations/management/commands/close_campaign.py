import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotations.campaigns.models import Campaign, Rating
from annotations.campaigns.services.campaigns import campaign_close, campaign_named, closing_ends
from annotations.management.base import AnswerCommand


class Command(AnswerCommand):
    help = (
        "Close a campaign: it takes no more ratings, and its results can be seen. Asks for confirmation on a terminal."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation; scripts are never asked")

    def answer(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_named(options["name"])
        if not options["yes"] and sys.stdin is not None and sys.stdin.isatty():
            self.ask(campaign)
        campaign = campaign_close(campaign=campaign)
        return {
            "campaign": campaign.name,
            "state": campaign.state,
            "ratings": Rating.objects.counting(campaign).count(),
            "screens": campaign.screens,
        }

    def ask(self, campaign: Campaign) -> None:
        self.stderr.write(f"Close campaign '{campaign.name}'? {closing_ends(campaign)} [y/N] ", ending="")
        self.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise CommandError("Not closed.")
