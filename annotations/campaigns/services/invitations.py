"""Writes of invitations: outside ids that only the holder of a signed link can join under."""

from collections.abc import Sequence

from django.db import transaction

from annotations.audit.services import Deed, audit_note, of_campaign
from annotations.campaigns.links import rater_link
from annotations.campaigns.models import Campaign, Invitation
from annotations.campaigns.outside_ids import check_outside_id
from annotations.campaigns.services.raters import ids_erased
from annotations.errors import InputError
from annotations.plurals import counted


@transaction.atomic
def raters_invite(*, campaign: Campaign, outside_ids: Sequence[str]) -> list[str]:
    """The signed link of each id, which from now on nobody can join under without it. Raises InputError."""
    checked = [check_outside_id(each) for each in outside_ids]
    Invitation.objects.bulk_create(
        [Invitation(campaign=campaign, outside_id=each) for each in dict.fromkeys(checked)], ignore_conflicts=True
    )
    for each in ids_erased(campaign, checked):  # after the write, which waits for an erasure that is under way
        raise InputError("rater", f"'{each}' was erased from this campaign, and nobody can join under this id any more")
    audit_note(kind=Deed.LINK, about=of_campaign(campaign.name), detail=counted(len(checked), "personal links"))
    return [rater_link(campaign, each) for each in checked]
