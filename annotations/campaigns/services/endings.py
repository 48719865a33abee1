"""How a rater's part ended, with which code and where that sends them; and who ends theirs: by not taking part, or by
withdrawing their answers."""

from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.dispatch import Signal

from annotations.audit.services import Deed, audit_write
from annotations.campaigns.models import Campaign, Invitation, Participation, Rater
from annotations.campaigns.models.campaigns import new_secret
from annotations.campaigns.outside_ids import check_outside_id, rater_signature
from annotations.campaigns.recruiting import Arrival, Leaving, check_arrival
from annotations.campaigns.services.arrivals import participation_declined
from annotations.campaigns.services.raters import (
    Completion,
    code_reach,
    completion_of,
    id_erased,
    joined_already_error,
    named,
    new_code,
    no_campaign_error,
    personal_error,
    places_move,
    same_secret,
)
from annotations.errors import ConflictError
from annotations.protocols.labels import translatable as _
from annotations.storage.clock import from_now
from annotations.web.frequency import count_join

EndedBy = Rater.EndedBy
answers_withdrawn = Signal()  # of a `rater`: sent in the transaction, for what holds words of theirs

# By how a part ended other than by a rule, what its rater reads.
ENDED: dict[str, str] = {
    EndedBy.RETURNED: _("You have returned this study to the service that invited you."),
    EndedBy.TIMED_OUT: _("The time that the service which invited you gives for this study has run out."),
    EndedBy.WITHDRAWN: _("You have withdrawn your answers. They do not count, and what you typed was deleted."),
}


class Ending(NamedTuple):
    """How a part ended: `completed`, `screened_out`, `no_consent`, `returned`, `timed_out`, `withdrawn`, `excluded` (by
    the researcher, before it was completed), or "" while it goes on; the code and the address that it leaves with, if
    any; and the pay, if one is declared and it is known. Who completed may go on."""

    how: str = ""
    code: str | None = None
    link: str = ""
    pay: float | None = None


def ending_of(rater: Rater, completion: Completion) -> Ending:
    """`completion` is how far the rater is towards their own code."""
    recruiting = rater.campaign.recruited
    if rater.trial:
        return Ending()
    ended_by = rater.ended_by if rater.replaced else ""
    leaving: Leaving = "screened_out" if rater.stopped_by else "completed"
    pay = recruiting.pay
    if rater.stopped_by and recruiting.pay_screened_out is not None:
        pay = recruiting.pay_screened_out
    if ended_by in (EndedBy.RETURNED, EndedBy.TIMED_OUT):
        return Ending(ended_by, pay=None if pay is None else 0.0)
    own, how = completion.code, str(leaving)
    if ended_by == EndedBy.WITHDRAWN:
        how = ended_by
        if not (rater.stopped_by or rater.completion_code):  # their part had ended before, without one
            pay, own = None if pay is None else 0.0, None
        elif recruiting.pay_withdrawn is not None and not rater.stopped_by:
            pay, own = recruiting.pay_withdrawn, rater.completion_code if recruiting.pay_withdrawn else None
    earned = own is not None or not (rater.replaced or completion.missing or rater.owes_exit)
    if not earned:
        pay = None if pay is None or not rater.replaced else 0.0
        return Ending(ended_by or ("excluded" if rater.replaced else ""), pay=pay)
    code = recruiting.code_for(leaving, own)  # none of their own yet where they did not come for it
    return Ending(how, code, recruiting.link_for(leaving, code, rater.outside_id), pay)


def ending_without_consent(campaign: Campaign, declined: Participation | None) -> Ending:
    """Of who does not take part; of whom nothing is kept where they came with no id."""
    recruiting = campaign.recruited
    code = declined.no_consent_code if declined else recruiting.no_consent_code
    code = recruiting.code_for("no_consent", code)
    link = recruiting.link_for("no_consent", code, declined.participant if declined else None)
    return Ending("no_consent", code, link, None if recruiting.pay is None else 0.0)


@transaction.atomic
def participation_decline(
    *, campaign: Campaign, arrival: Arrival, signature: str | None = None, address: str = ""
) -> Participation | None:
    """Keep that somebody does not take part, with a code of their own; the same again where they said so before. None
    where there is nothing to keep, since the campaign declares no recruiting or they came with no id.

    `address` is the client's. Raises ConflictError for a campaign that is not open, and ForbiddenError as joining does.
    """
    if campaign.state not in (Campaign.State.OPEN, Campaign.State.PAUSED):
        raise ConflictError("", f"the campaign is {campaign.state}: there is nothing to take part in")
    check_arrival(campaign.recruited, arrival)
    if not (campaign.recruiting and arrival.participant):
        return None
    participant = check_outside_id(arrival.participant)
    if said_before := participation_declined(campaign, arrival):
        return said_before
    if Rater.objects.filter(campaign=campaign, outside_id=participant).exists():
        raise joined_already_error()
    signed = bool(signature and same_secret(signature, rater_signature(campaign, participant)))
    if not signed and Invitation.objects.filter(campaign=campaign, outside_id=participant).exists():
        raise personal_error()
    count_join(campaign.pk, address)
    try:
        with transaction.atomic():
            made = Participation.objects.create(
                campaign=campaign,
                participant=participant,
                study=arrival.study,
                submission=arrival.submission,
                declined_at=from_now(),
                no_consent_code=new_code(),
            )
    except IntegrityError as error:  # this very moment they declined, or joined
        if said_before := participation_declined(campaign, arrival):
            return said_before
        raise joined_already_error() from error
    if id_erased(campaign, participant):  # by who held the campaign's row until now
        raise no_campaign_error()
    return made


@transaction.atomic
def rater_withdraw(*, rater: Rater) -> None:
    """Take all of a rater's answers out of the results, at their own wish: their part ends, others get their screens,
    and what they typed is blanked. Again it does nothing more. Raises ConflictError for a dry run, and once the
    campaign is closed: what its report says is fixed."""
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=rater.campaign_id)
    if rater.trial:
        raise ConflictError("", "a dry run has nothing to withdraw: its answers never count")
    if campaign.state == Campaign.State.CLOSED:
        raise ConflictError(
            "", "the study is closed, and its results are fixed",
            "write to the people who run it: they can still erase who you are and what you typed", code="fixed",
        )  # fmt: skip
    done = completion_of(rater)
    code_reach(rater=rater, answers=done.answers)  # what is earned by now stays earned
    going = Rater.objects.filter(pk=rater.pk, erased_at=None).exclude(ended_by=EndedBy.WITHDRAWN)
    paid = {"completion_code": Coalesce(F("completion_code"), Value(new_code()))}
    going_on = not Rater.objects.select_for_update().get(pk=rater.pk).replaced  # whose part had ended is paid no more
    withdrawn = going.update(
        excluded_at=Coalesce(F("excluded_at"), from_now()),
        exclusion=EndedBy.WITHDRAWN.label,
        replaced=True,
        ended_by=EndedBy.WITHDRAWN,
        digest_key=new_secret(),
        **(paid if going_on and campaign.recruited.pay_withdrawn else {}),
    )
    if withdrawn:
        places_move(rater, given_back=True)
        answers_withdrawn.send(sender=Rater, rater=rater)
        audit_write(kind=Deed.WITHDRAW, person="", address=None, about=named(rater))
    rater.refresh_from_db(fields=["replaced", "ended_by", "completion_code", "excluded_at", "exclusion", "digest_key"])
