"""What a recruiting service says of a participant's submission, whenever and however often it says it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q

from annotations.campaigns.models import Campaign, Participation, Rater
from annotations.campaigns.recruiting import MAX_SERVICE_ID_LENGTH
from annotations.campaigns.services.raters import SERVICE_REASONS, places_move
from annotations.storage.clock import from_now
from texts.storable import storable, without_unstorable

EndedBy = Rater.EndedBy
# By Prolific's states of a submission: those by which a part ends, and those by which it did not end after all.
ENDS = {"RETURNED": EndedBy.RETURNED, "TIMED-OUT": EndedBy.TIMED_OUT}
STANDS = frozenset({"AWAITING REVIEW", "APPROVED", "PARTIALLY APPROVED"})
NOT_PAID = frozenset({*ENDS, "REJECTED"})
MAX_STATUS_LENGTH = 40


class Submission(NamedTuple):
    """As the service shows it: its id, whose it is, and how far it is."""

    pk: str
    participant: str
    status: str


def submission_read(said: Submission) -> Submission | None:
    """With its status as the service's reference spells it: its events write AWAITING_REVIEW for AWAITING REVIEW. None
    where its ids are such as no rater can come with."""
    if not (storable(said.pk) and storable(said.participant) and len(said.pk) <= MAX_SERVICE_ID_LENGTH):
        return None
    status = without_unstorable(said.status).upper().replace("_", " ").replace("TIMED OUT", "TIMED-OUT")
    return said._replace(status=status[:MAX_STATUS_LENGTH])


def submissions_note(*, campaign: Campaign, said: Iterable[Submission], at: datetime) -> int:
    """Keep what the service said `at` a time of all submissions of a campaign's study: for how many raters something
    changed. Of what stands as it stood nothing is written: that all were asked for then is kept once."""
    older = Q(submissions_asked_at=None) | Q(submissions_asked_at__lt=at)
    Campaign.objects.filter(older, pk=campaign.pk).update(submissions_asked_at=at)
    theirs = Participation.objects.filter(campaign=campaign).values_list("participant", "submission", "status")
    kept = {participant: (submission, status) for participant, submission, status in theirs}
    read = filter(None, map(submission_read, said))
    news = [each for each in read if kept.get(each.participant, each[::2]) != each[::2]]
    return sum(submission_note(campaign=campaign, said=each, at=at) for each in news)


def submission_event(*, service: str, said: Submission, at: datetime) -> int:
    """Keep what an event of a service said, which happened `at` a time: for how many raters something changed. It names
    no study, so that it is held against no submission but the very one that a rater came with."""
    if (read := submission_read(said)) is None:
        return 0
    named = Participation.objects.filter(submission=read.pk, participant=read.participant)
    campaigns = [each.campaign for each in named.exclude(submission="").select_related("campaign")]
    ours = [campaign for campaign in campaigns if campaign.recruited.service == service]
    return sum(submission_note(campaign=campaign, said=read, at=at) for campaign in ours)


@transaction.atomic
def submission_note(*, campaign: Campaign, said: Submission, at: datetime) -> bool:
    """Keep what the service said `at` a time, and end the rater's part where it says so: their places are free. Says
    whether anything changed for a rater.

    What is said again changes nothing, nor does what was said before something newer that is known. It is held against
    the submission that the rater came with; where their link named none, against the participant's id. Who is done or
    approved though their time had run out is in again. Once the campaign is closed nothing but the status is kept.
    """
    if (read := submission_read(said)) is None:
        return False
    ours = Campaign.objects.select_for_update(no_key=True).values_list("state", "submissions_asked_at")
    state, asked_at = ours.get(pk=campaign.pk)
    theirs = Participation.objects.select_for_update(of=("self",)).filter(campaign=campaign)
    of_link = Q(submission="", participant=read.participant)
    kept = theirs.filter(of_link | Q(submission=read.pk, participant=read.participant)).first()
    if kept is None or any(known and at < known for known in (kept.status_at, asked_at)):
        return False
    if (kept.submission, kept.status) != read[::2] or at != asked_at:  # from now on this submission alone is theirs
        Participation.objects.filter(pk=kept.pk).update(status=read.status, status_at=at, submission=read.pk)
    if read.status == kept.status or kept.rater_id is None or state == Campaign.State.CLOSED:
        return False
    rater = Rater.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=kept.rater_id)
    if read.status in ENDS:
        return part_end(rater, ENDS[read.status])
    return read.status in STANDS and part_go_on(rater)


def part_end(rater: Rater, ended_by: Rater.EndedBy) -> bool:
    """End a rater's part, unless they have withdrawn or were erased; of who was stopped or excluded before only how it
    ended is noted."""
    if rater.erased_at or rater.ended_by in (EndedBy.WITHDRAWN, ended_by):
        return False
    ours = not rater.exclusion or rater.exclusion in SERVICE_REASONS
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
    """Take back that the service ended a rater's part: whoever was neither stopped nor released by the researcher has
    their screens again, and whom the service alone left out is in again."""
    if rater.erased_at or rater.ended_by not in ENDS.values():
        return False
    ended = bool(rater.released or rater.stopped_by)
    back: dict[str, Any] = {"ended_by": "", "replaced": ended}
    if rater.exclusion in SERVICE_REASONS and not ended:
        back |= {"excluded_at": None, "exclusion": ""}
    Rater.objects.filter(pk=rater.pk).update(**back)
    if not ended:
        places_move(rater, given_back=False)
    return True
