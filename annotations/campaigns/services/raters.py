"""Writes of raters: joining a campaign under a pseudonym."""

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Value
from django.db.models.functions import Coalesce

from annotations.audit.services import Deed, audit_note
from annotations.campaigns.models import Assignment, Campaign, ErasedId, Invitation, Item, NamedItem, Rater, Rating
from annotations.campaigns.outside_ids import check_outside_id, erased_digest, rater_signature
from annotations.campaigns.recruiting import Arrival, check_arrival
from annotations.campaigns.rounds import campaign_of_token, rater_of_hash
from annotations.campaigns.services.arrivals import check_may_join, participation_write
from annotations.campaigns.services.leases import assignments_lock, items_lock, turn_last
from annotations.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from annotations.storage.clock import from_now
from annotations.web.frequency import count_join
from texts.storable import is_blank, storable, text_problem

CODE_LETTERS, CODE_LENGTH = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ", 10  # fifty bits; none is taken for another
State, EndedBy = Assignment.State, Rater.EndedBy
SERVICE_REASONS = frozenset({EndedBy.RETURNED.label, EndedBy.TIMED_OUT.label})  # for which the service leaves out


def session_hash(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()


def campaign_by_token(token: str) -> Campaign:
    campaign = campaign_of_token(token) if storable(token) else None
    if campaign is None:
        raise no_campaign_error()
    return campaign


def no_campaign_error() -> NotFoundError:
    return NotFoundError("", "no campaign has this link")


def id_erased(campaign: Campaign, outside_id: str) -> bool:
    return bool(ids_erased(campaign, [outside_id]))


def ids_erased(campaign: Campaign, outside_ids: Iterable[str]) -> set[str]:
    """Those of the ids that were erased from the campaign."""
    gone = set(ErasedId.objects.filter(campaign=campaign).values_list("digest", flat=True))
    return {each for each in outside_ids if gone and erased_digest(campaign, each) in gone}


def same_secret(given: str, ours: str) -> bool:
    """In constant time, whatever characters were given."""
    return secrets.compare_digest(given.encode("utf-8", "surrogatepass"), ours.encode())


@transaction.atomic
def rater_join(
    *,
    token: str,
    outside_id: str | None = None,
    session: str | None = None,
    signature: str | None = None,
    address: str = "",
    study: str = "",
    submission: str = "",
) -> tuple[Rater, str]:
    """A rater of the campaign and a fresh session for them.

    An outside id that has joined already needs that rater's session or the signature of their link; the sessions
    before it end. One that was given a signed link needs the signature to join at all. `address` is the client's, from
    which only so many new raters come within an hour; `study` and `submission` are what a recruiting service calls
    where the rater comes from. Raises NotFoundError, as for an unknown link where the id was erased, ConflictError for
    a campaign that is not open or has all it needs, ForbiddenError, TooOftenError.
    """
    campaign = campaign_by_token(token)
    if outside_id is not None:
        outside_id = check_outside_id(outside_id)
        if id_erased(campaign, outside_id):
            raise no_campaign_error()
    if campaign.state not in (Campaign.State.OPEN, Campaign.State.PAUSED):
        raise ConflictError("", f"the campaign is {campaign.state} and takes no ratings")
    if campaign.simulation:
        raise ConflictError("", "this study is a rehearsal with simulated raters and takes no others", code="closed")
    signed = bool(outside_id and signature and same_secret(signature, rater_signature(campaign, outside_id)))
    if signature and not signed:
        raise ForbiddenError(
            "signature", "does not belong to this rater", "use the link exactly as it was given", code="signature"
        )
    fresh = secrets.token_urlsafe(32)
    arrival = Arrival(outside_id or "", study, submission)
    check_arrival(campaign.recruited, arrival)
    if outside_id:
        known = Rater.objects.select_for_update().filter(campaign=campaign, outside_id=outside_id).first()
        if known:
            theirs = session is not None and secrets.compare_digest(known.session_hash, session_hash(session))
            if not (signed or theirs):
                raise joined_already_error()
            known.session_hash = session_hash(fresh)
            known.save(update_fields=["session_hash"])
            return known, fresh
        if not signed and Invitation.objects.filter(campaign=campaign, outside_id=outside_id).exists():
            raise personal_error()
    if campaign.recruited.participants:
        Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)  # of two at once one is the last
    check_may_join(campaign, arrival)
    if not signed:
        count_join(campaign.pk, address)
    named = NamedItem.objects.filter(campaign=campaign, outside_id=outside_id).count() if signed else 0
    try:
        with transaction.atomic():
            rater = Rater.objects.create(
                campaign=campaign,
                outside_id=outside_id,
                session_hash=session_hash(fresh),
                named_items=named,
                forms_due=campaign.forms_due,
            )
            participation_write(rater=rater, arrival=arrival)
    except IntegrityError as error:  # somebody joined under the same id this very moment
        raise joined_already_error() from error
    if outside_id and id_erased(campaign, outside_id):  # by who held the campaign's row until now
        raise no_campaign_error()
    return rater, fresh


def joined_already_error() -> ForbiddenError:
    return ForbiddenError(
        "rater", "this id has already joined", "send its session, or use its signed link", code="joined"
    )


def personal_error() -> ForbiddenError:
    return ForbiddenError(
        "rater", "this id has a signed link, and nobody can join under it without that link", code="personal"
    )


def trial_join(*, campaign: Campaign) -> tuple[Rater, str]:
    """A rater for a dry run of a campaign that is not closed, and their session. What they answer never counts."""
    if campaign.state == Campaign.State.CLOSED:
        raise ConflictError("", f"campaign '{campaign.name}' is closed and takes no dry runs")
    session = secrets.token_urlsafe(32)
    due = campaign.forms_due
    return Rater.objects.create(
        campaign=campaign, session_hash=session_hash(session), trial=True, forms_due=due
    ), session


def simulated_join(*, campaign: Campaign, name: str) -> Rater:
    """A simulated rater of a campaign that is marked as simulated; their session is known to nobody. Where the campaign
    recruits, they come as a participant of its study."""
    rater = Rater.objects.create(
        campaign=campaign,
        outside_id=name,
        session_hash=session_hash(secrets.token_urlsafe(32)),
        forms_due=campaign.forms_due,
    )
    participation_write(rater=rater, arrival=Arrival(name, campaign.recruited.study or "", ""))
    return rater


@transaction.atomic
def rater_exclude(*, rater: Rater, reason: str, release: bool = False) -> Rater:
    """Leave a rater's answers out of the results and of feedback, for a reason that the report gives.

    With `release` their part ends: they get no more screens, and others may rate what they had rated. It may come
    later: since when and why the rater is left out then stays as it was. Whom the recruiting service alone left out can
    be left out for good. Raises InputError without a reason or with too long a one, ConflictError for a rater who is
    left out already, and for a release in a closed campaign.
    """
    reason, longest = " ".join(reason.split()), 300
    if problem := text_problem(reason):
        raise InputError("reason", problem)
    if is_blank(reason) or len(reason) > longest:
        raise InputError(
            "reason",
            f"give a reason of 1 to {longest} characters for leaving the rater out",
            "it appears in the report",
        )
    if any(names(reason, each) for each in outside_ids_of(rater.campaign_id)):
        raise InputError(
            "reason", "the reason contains a rater's id and would be published in the report", "state it without the id"
        )
    if release and Campaign.objects.filter(pk=rater.campaign_id, state=Campaign.State.CLOSED).exists():
        raise ConflictError("", "the campaign is closed, so nobody can rate these screens instead")
    this = Rater.objects.select_for_update().get(pk=rater.pk)
    alone = this.exclusion in SERVICE_REASONS and reason not in SERVICE_REASONS
    stays = this.replaced and this.ended_by not in (EndedBy.RETURNED, EndedBy.TIMED_OUT)
    ends = release and not (this.released or stays)
    if this.excluded_at and not (alone or ends):
        raise ConflictError("", "the rater is already left out")
    Rater.objects.filter(pk=rater.pk).update(
        excluded_at=this.excluded_at or from_now(),
        exclusion=reason if alone or not this.excluded_at else this.exclusion,
        replaced=this.replaced or release,
        released=this.released or release,
    )
    if release:
        places_move(rater, given_back=True)
    rater.refresh_from_db()
    audit_note(kind=Deed.EXCLUDE, about=named(rater), detail="their screens are free again" if release else "")
    return rater


@transaction.atomic
def rater_stop(*, rater: Rater, rule: str, reason: str) -> bool:
    """End the part of a rater who broke a rule of quality control: left out, with a completion code of their own, and
    their places are free for others. Says whether; not where they were left out or stopped before, or the campaign has
    closed meanwhile."""
    if Campaign.objects.select_for_update(no_key=True).get(pk=rater.campaign_id).state == Campaign.State.CLOSED:
        return False
    going = Rater.objects.filter(pk=rater.pk, excluded_at=None, rules_waived=False, erased_at=None)
    stopped = going.update(
        excluded_at=from_now(),
        exclusion=reason,
        replaced=True,
        stopped_by=rule,
        completion_code=Coalesce(F("completion_code"), Value(new_code())),
    )
    if stopped:
        places_move(rater, given_back=True)
        audit_note(kind=Deed.EXCLUDE, about=named(rater), detail=f"stopped by the rule {rule}")
        rater.refresh_from_db()
    return bool(stopped)


@transaction.atomic
def rater_readmit(*, rater: Rater) -> Rater:
    """Take an excluded rater's answers in again. Places that were given back are theirs again; an item that others have
    filled meanwhile then has more raters than the overlap, and their answers count all the same. The rules of quality
    control stop them no more."""
    back = {"excluded_at": None, "exclusion": "", "stopped_by": "", "ended_by": ""}
    here = Rater.objects.filter(pk=rater.pk).exclude(ended_by=EndedBy.WITHDRAWN)
    if not here.update(**back, replaced=False, released=False, rules_waived=True):
        raise ConflictError("", "the rater has withdrawn their answers", "ask them to take part anew, in another study")
    places_move(rater, given_back=False)
    rater.refresh_from_db()
    audit_note(kind=Deed.READMIT, about=named(rater))
    return rater


def outside_ids_of(campaign_id: int) -> set[str]:
    """The ids that a campaign knows, of who has joined and of who was invited."""
    joined = Rater.objects.filter(campaign=campaign_id).values_list("outside_id", flat=True)
    invited = Invitation.objects.filter(campaign=campaign_id).values_list("outside_id", flat=True)
    return {each for each in (*joined, *invited) if each}


def names(text: str, outside_id: str) -> bool:
    """Whether a text holds an id as a word; an id of one or two letters is no name."""
    return len(outside_id) > 2 and bool(as_word(outside_id).search(text))


def as_word(outside_id: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(outside_id)}(?!\w)", re.IGNORECASE)


def named(rater: Rater) -> str:
    return f"rater {rater.public_id} of campaign '{rater.campaign.name}'"


def places_move(rater: Rater, *, given_back: bool) -> None:
    """Give the places of what a rater has answered back, and a screen they have open with them; or take them again.

    Each answer says whether its place is given back, so that none moves twice. Of named items all that were kept go,
    answered or not, and each says whether it is kept.
    """
    theirs = Assignment.objects.filter(rater=rater)
    assignments_lock(Assignment.objects.filter(rater=rater))  # what is answered meanwhile is either in or refused
    moving = theirs.filter(state=State.DONE, place_given_back=not given_back)
    holding = moving | theirs.open() if given_back else moving
    kept = NamedItem.objects.filter(campaign=rater.campaign_id, outside_id=rater.outside_id, place_kept=given_back)
    items = list((kept if rater.named_items else holding).values_list("item", flat=True))
    items_lock(items)
    if given_back:
        Item.objects.filter(pk__in=items).update(taken=F("taken") - 1, turn=turn_last())
    else:
        Item.objects.filter(pk__in=items).update(taken=F("taken") + 1)
    kept.update(place_kept=not given_back)
    moving.update(place_given_back=given_back)
    if given_back:
        theirs.open().update(state=State.RELEASED, so_far=None)


def rater_of_session(session: str) -> Rater | None:
    return rater_of_hash(session_hash(session))


@dataclass(frozen=True)
class Completion:
    """How far a rater is towards their completion code, and the code once it is earned."""

    answers: int  # that stand: neither skipped nor taken back
    skipped: int
    needed: int
    code: str | None = None

    @property
    def missing(self) -> int:
        return max(0, self.needed - self.answers)


def completion_of(rater: Rater) -> Completion:
    """A dry run has no code."""
    states = Assignment.objects.filter(rater=rater).order_by().values_list("state").annotate(count=Count("pk"))
    counts = dict(states)
    return completion_with(rater, answers=counts.get(State.DONE, 0), skipped=counts.get(State.SKIPPED, 0))


def completion_with(rater: Rater, *, answers: int, skipped: int) -> Completion:
    """Of a rater who has answered and skipped so many."""
    needed = answers_needed(rater)
    earned = answers >= needed or rater.stopped_by
    code = rater.completion_code if earned and not rater.trial and not rater.owes_exit else None
    return Completion(answers, skipped, needed, code)


def answers_needed(rater: Rater) -> int:
    """The campaign's minimum; fewer are enough where nothing more was left for a rater who skipped nothing."""
    return min(rater.campaign.minimum_answers, rater.enough_answers or rater.campaign.minimum_answers)


def completion_reach(*, rater: Rater) -> Completion:
    """How far a rater is, and their code if they have earned it."""
    found = completion_of(rater)
    return replace(found, code=code_reach(rater=rater, answers=found.answers))


def code_reach(*, rater: Rater, answers: int) -> str | None:
    """The code of a rater with so many answers. It is made here, once, when it is earned: before that there is none.
    Whose part has ended earns none any more. With an exit questionnaire it is shown once that is filled in."""
    if rater.stopped_by:
        return rater.completion_code
    if rater.trial or answers < answers_needed(rater):
        return None
    if rater.completion_code is None and not rater.replaced:
        fresh = Rater.objects.filter(pk=rater.pk, completion_code=None, erased_at=None)
        fresh.update(completion_code=new_code())
        rater.refresh_from_db(fields=["completion_code"])
    return None if rater.owes_exit else rater.completion_code


def may_finish(*, rater: Rater, answers: int) -> bool:
    """Whether a rater with so many answers may go to the exit questionnaire, though screens are left."""
    return rater.owes_exit and answers >= answers_needed(rater)


def code_as_typed(typed: str) -> str:
    """A code as it is stored, whatever case, spaces and dashes it was typed with."""
    return "".join(letter for letter in typed.upper() if letter.isalnum())


def new_code() -> str:
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def rater_finish(*, rater: Rater) -> None:
    """Keep that nothing is left for a rater who is there. Who has skipped nothing and answered something has done all
    there was, and needs no more for their code; but who left before, and answered nothing for a lease, has not."""
    found = completion_of(rater)
    since = from_now(-settings.ASSIGNMENT_LEASE_SECONDS)
    here = Rating.objects.filter(assignment__rater=rater, created_at__gt=since).exists()
    if here and found.answers and not found.skipped and found.missing and not rater.trial:
        Rater.objects.filter(pk=rater.pk).update(enough_answers=found.answers)
        rater.enough_answers = found.answers


def raters_of_sessions(sessions: Sequence[str], campaign: Campaign) -> dict[str, Rater]:
    """The campaign's raters by session, in the order of the sessions. Those that are nobody's any more are left out."""
    hashes = {session_hash(session): session for session in sessions}
    rows = Rater.objects.select_related("campaign").filter(campaign=campaign, session_hash__in=hashes)
    raters = {hashes[rater.session_hash]: rater for rater in rows}
    return {session: raters[session] for session in sessions if session in raters}
