"""Writes of invitations: outside ids that only the holder of a signed link can join under."""

from collections.abc import Sequence

from django.db import transaction

from annotations.errors import InputError
from annotations.links import rater_link
from annotations.models import Campaign, Invitation
from annotations.plurals import counted
from annotations.services.audit import Deed, audit_note
from annotations.services.raters import check_outside_id, ids_erased


@transaction.atomic
def raters_invite(*, campaign: Campaign, outside_ids: Sequence[str]) -> list[str]:
    """The signed link of each id, which from now on nobody can join under without it. Raises InputError."""
    checked = [check_outside_id(each) for each in outside_ids]
    Invitation.objects.bulk_create(
        [Invitation(campaign=campaign, outside_id=each) for each in dict.fromkeys(checked)], ignore_conflicts=True
    )
    for each in ids_erased(campaign, checked):  # after the write, which waits for an erasure that is under way
        raise InputError(f"rater: '{each}' was erased from this campaign, and nobody joins under it any more")
    audit_note(kind=Deed.LINK, about=f"campaign '{campaign.name}'", detail=counted(len(checked), "personal links"))
    return [rater_link(campaign, each) for each in checked]
