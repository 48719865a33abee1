"""Writes of reports: every look at a campaign's result is kept, byte for byte."""

import hashlib
import json

import structlog
from django.db import transaction

from annotations.errors import ConflictError
from annotations.models import Campaign, Rating, Report
from annotations.reports.build import report_build

log = structlog.get_logger(__name__)


def check_unblinded(campaign: Campaign, unblind: bool) -> None:
    """Results show who leads, and are shown after the close; an early look has to be asked for, and is logged."""
    if campaign.state == Campaign.State.CLOSED:
        return
    if not unblind:
        raise ConflictError(
            f"campaign '{campaign.name}' is {campaign.state}: close it first; --unblind looks early, and is kept"
        )
    log.warning("campaign unblinded before its close", campaign=campaign.name, state=campaign.state)


@transaction.atomic
def report_freeze(*, campaign: Campaign, unblind: bool = False) -> Report:
    """The campaign's report as it stands now. The same numbers give the row that was kept before."""
    check_unblinded(campaign, unblind)
    content = json.dumps(report_build(campaign), ensure_ascii=False, indent=1).encode()
    revision = str(Rating.objects.filter(assignment__item__campaign=campaign).count())
    report, _ = Report.objects.get_or_create(
        campaign=campaign,
        sha256=hashlib.sha256(content).hexdigest(),
        defaults={"revision": revision, "content": content},
    )
    return report
