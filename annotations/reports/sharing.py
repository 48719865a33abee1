"""Links for co-authors: to a closed campaign's report, made and withdrawn by a researcher."""

from django.db import transaction

from annotations.audit.services import Deed, audit_note, of_campaign
from annotations.campaigns.models import Campaign
from annotations.errors import ConflictError
from annotations.reports.models import ReportLink


@transaction.atomic
def report_share(*, campaign: Campaign) -> ReportLink:
    """The link, the same one until it is withdrawn. Raises ConflictError before the close."""
    if campaign.state != Campaign.State.CLOSED:
        raise ConflictError(
            "", f"campaign '{campaign.name}' is {campaign.state}; its report can be shared once it is closed"
        )
    link, made = ReportLink.objects.get_or_create(campaign=campaign)
    if made:
        audit_note(kind=Deed.LINK, about=of_campaign(campaign.name), detail="a link for co-authors to its report")
    return link


@transaction.atomic
def report_unshare(*, campaign: Campaign) -> None:
    """Whoever has the link reads nothing any more; another one can be made."""
    deleted, _ = ReportLink.objects.filter(campaign=campaign).delete()
    if deleted:
        audit_note(kind=Deed.LINK, about=of_campaign(campaign.name), detail="the link for co-authors was withdrawn")
