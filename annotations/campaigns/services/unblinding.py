"""Who wrote what, and who leads, is hidden until a campaign closes. Looking earlier is kept in the audit log."""

import structlog

from annotations.audit.services import Deed, audit_note, of_campaign
from annotations.campaigns.models import Campaign
from annotations.errors import ConflictError

log = structlog.get_logger(__name__)
STILL_BLIND = "still blind"


def check_unblinded(campaign: Campaign, unblind: bool) -> None:
    """Results show who leads, and are shown after the close; an early look has to be asked for, and is logged."""
    if campaign.state == Campaign.State.CLOSED:
        return
    if not unblind:
        raise still_blind(campaign)
    log.warning("campaign unblinded before its close", campaign=campaign.name, state=campaign.state)
    audit_note(kind=Deed.UNBLIND, about=of_campaign(campaign.name), detail=f"while it was {campaign.state}")


def still_blind(campaign: Campaign) -> ConflictError:
    return ConflictError(
        "",
        f"campaign '{campaign.name}' is {campaign.state}: close it first, or use --unblind for an early report, "
        "which is kept and logged",
        code=STILL_BLIND,
    )
