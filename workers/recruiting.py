"""Asking recruiting services what has become of their participants."""

import threading
from typing import NamedTuple

import structlog
from django.conf import settings
from django.db import close_old_connections, connection

from annotations.campaigns.models import Campaign
from annotations.campaigns.services.submissions import ENDS, submissions_note
from annotations.errors import ConflictError
from annotations.storage.clock import database_now
from annotations.storage.outages import is_outage
from workers.prolific import ProlificError, submissions_of

log = structlog.get_logger(__name__)
MAX_BACK_OFF = 8  # rounds


class Asked(NamedTuple):
    """How many submissions the service listed, and for how many raters something changed."""

    submissions: int
    changed: int


def recruiting_sync(*, campaign: Campaign) -> Asked:
    """Ask a campaign's service once. Raises ConflictError where it has none that can be asked, ProlificError."""
    recruiting = campaign.recruited
    if recruiting.service != "prolific" or not recruiting.study:
        raise ConflictError(
            "", f"campaign '{campaign.name}' declares no study on Prolific", "give service and study under [recruiting]"
        )
    at = database_now()  # what changes while the service answers is newer
    # Of several submissions of one person the one that goes on or stands is theirs, and kept as such.
    said = sorted(submissions_of(recruiting.study), key=lambda each: each.status in ENDS)
    return Asked(len(said), submissions_note(campaign=campaign, said=said, at=at))


def campaigns_recruiting() -> list[Campaign]:
    """Those that take ratings and whose service can be asked."""
    going = Campaign.objects.filter(state__in=[Campaign.State.OPEN, Campaign.State.PAUSED]).order_by("pk")
    return [each for each in going if each.recruited.service == "prolific" and each.recruited.study]


class Asking(threading.Thread):
    """Asks for all campaigns every `RECRUITING_POLL_SECONDS`, beside the sweeper, which never waits for it. A service
    that was overloaded or down twice is asked less and less often, until it answers."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__(name="recruiting", daemon=True)
        self.stop, self.failures = stop, 0

    @property
    def interval(self) -> float:
        return settings.RECRUITING_POLL_SECONDS * min(2 ** max(0, self.failures - 1), MAX_BACK_OFF)

    def run(self) -> None:
        while not self.stop.wait(self.interval):
            answered = False
            try:
                answered = recruiting_round()
            except Exception as error:  # the next round may do better, and nobody would see the thread end
                if is_outage(error):
                    log.warning("recruiting round missed", error=str(error))
                else:
                    log.exception("recruiting round failed")
            finally:
                self.failures = 0 if answered else self.failures + 1
                close_old_connections()
        connection.close()


def recruiting_round() -> bool:
    """Ask for every campaign. Says whether all services answered; one that did not keeps none of the others waiting."""
    answered = True
    for campaign in campaigns_recruiting() if settings.PROLIFIC_TOKEN else ():
        try:
            asked = recruiting_sync(campaign=campaign)
        except ProlificError as error:
            log.warning("recruiting service not understood", campaign=campaign.pk, error=str(error))
            answered = answered and not error.passing
        else:
            if asked.changed:
                log.info("recruiting", campaign=campaign.pk, **asked._asdict())
    return answered
