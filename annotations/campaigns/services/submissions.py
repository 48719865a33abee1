"""What a recruiting service says of a participant's submission, whenever and however often it says it."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q

from annotations.campaigns.models import Campaign, Participation, Rater
from annotations.campaigns.recruiting import MAX_SERVICE_ID_LENGTH
from annotations.campaigns.services.raters import places_move
from annotations.storage.clock import from_now
from texts.storable import without_unstorable

EndedBy = Rater.EndedBy
# By Prolific's states of a submission: those by which a part ends, and those by which it did not end after all.
ENDS = {"RETURNED": EndedBy.RETURNED, "TIMED-OUT": EndedBy.TIMED_OUT}
STANDS = frozenset({"AWAITING REVIEW", "APPROVED", "PARTIALLY APPROVED"})
NOT_PAID = frozenset({*ENDS, "REJECTED"})
REASONS = frozenset(ended_by.label for ended_by in ENDS.values())  # for which nobody else left them out
MAX_STATUS_LENGTH = 40


class Submission(NamedTuple):
    """As the service shows it: its id, whose it is, and how far it is."""

    pk: str
    participant: str
    status: str


@transaction.atomic
def submission_note(*, campaign: Campaign, said: Submission, at: datetime) -> bool:
    """Keep what the service said `at` a time, and end the rater's part where it says so: their places are free. Says
    whether anything changed for a rater.

    What is said again changes nothing, nor does what was said before something newer that is known. It is held against
    the submission that the rater came with; where their link named none, against the participant's id. Who is done or
    approved though their time had run out is in again. Once the campaign is closed nothing but the status is kept.
    """
    state = Campaign.objects.select_for_update(no_key=True).values_list("state", flat=True).get(pk=campaign.pk)
    theirs = Participation.objects.select_for_update(of=("self",)).filter(campaign=campaign)
    of_link = Q(submission="", participant=said.participant)
    kept = theirs.filter(of_link | Q(submission=said.pk, participant=said.participant)).first()
    status = without_unstorable(said.status)[:MAX_STATUS_LENGTH]
    if kept is None or (kept.status_at and at < kept.status_at):
        return False
    before = kept.status
    named = kept.submission or without_unstorable(said.pk)[:MAX_SERVICE_ID_LENGTH]  # from now on it alone is theirs
    Participation.objects.filter(pk=kept.pk).update(status=status, status_at=at, submission=named)
    if status == before or kept.rater_id is None or state == Campaign.State.CLOSED:
        return False
    rater = Rater.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=kept.rater_id)
    if status in ENDS:
        return part_end(rater, ENDS[status])
    return status in STANDS and part_go_on(rater)


def part_end(rater: Rater, ended_by: Rater.EndedBy) -> bool:
    """End a rater's part, unless they have withdrawn or were erased; of who was stopped or excluded before only how it
    ended is noted."""
    if rater.erased_at or rater.ended_by in (EndedBy.WITHDRAWN, ended_by):
        return False
    ours = not rater.exclusion or rater.exclusion in REASONS
    Rater.objects.filter(pk=rater.pk).update(
        ended_by=ended_by,
        replaced=True,
        excluded_at=rater.excluded_at or from_now(),
        exclusion=ended_by.label if ours else rater.exclusion,
    )
    if not rater.replaced:
        places_move(rater, given_back=True)
    return True


def part_go_on(rater: Rater) -> bool:
    """Take in again whose part had ended by the service alone, with the screens that they had answered."""
    if rater.erased_at or rater.ended_by not in ENDS.values():
        return False
    back: dict[str, Any] = {"ended_by": ""}
    if rater.exclusion in REASONS:
        back |= {"replaced": False, "excluded_at": None, "exclusion": ""}
    Rater.objects.filter(pk=rater.pk).update(**back)
    if rater.exclusion in REASONS:
        places_move(rater, given_back=False)
    return True
