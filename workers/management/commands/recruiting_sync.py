from typing import Any

from django.core.management.base import CommandParser

from annotations.campaigns.services.campaigns import campaign_named
from annotations.management.base import AnswerCommand
from workers.recruiting import recruiting_sync


class Command(AnswerCommand):
    help = (
        "Ask a campaign's recruiting service once what has become of its participants, as the sweeper does all the "
        "time; who returned the study, or whose time is over, gives their screens back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def answer(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_named(options["name"])
        return {"campaign": campaign.name} | recruiting_sync(campaign=campaign)._asdict()
