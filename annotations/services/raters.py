"""Writes of raters: joining a campaign under a pseudonym."""

import hashlib
import secrets

from django.core import signing
from django.db import IntegrityError, transaction
from django.utils import timezone

from annotations.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from annotations.models import Campaign, Rater
from annotations.texts import is_blank, storable, text_problem

SALT = "annotations.rater"
LONGEST_OUTSIDE_ID = 200


def session_hash(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()


def check_outside_id(outside_id: str) -> str:
    """The id without blanks around it. Raises InputError for one that cannot be stored."""
    outside_id = outside_id.strip()
    if is_blank(outside_id) or len(outside_id) > LONGEST_OUTSIDE_ID:
        raise InputError(f"rater: must have 1 to {LONGEST_OUTSIDE_ID} characters, or be left out")
    if problem := text_problem(outside_id):
        raise InputError(f"rater: {problem}")
    return outside_id


def rater_signature(campaign: Campaign, outside_id: str) -> str:
    """What a link for one outside id carries, so that only its holder can join again under it."""
    return signing.Signer(salt=SALT).signature(f"{campaign.token}:{outside_id}")


def campaign_by_token(token: str) -> Campaign:
    campaign = Campaign.objects.filter(token=token).first() if storable(token) else None
    if campaign is None:
        raise NotFoundError("there is no campaign behind this link")
    return campaign


@transaction.atomic
def rater_join(
    *, token: str, outside_id: str | None = None, session: str | None = None, signature: str | None = None
) -> tuple[Rater, str]:
    """A rater of the campaign and a fresh session for them.

    An outside id that has joined already needs that rater's session or the signature of their link; the sessions
    before it end. Raises NotFoundError, ConflictError for a campaign that is not open, ForbiddenError.
    """
    campaign = campaign_by_token(token)
    if campaign.state not in (Campaign.State.OPEN, Campaign.State.PAUSED):
        raise ConflictError(f"the campaign is {campaign.state} and takes no ratings")
    if outside_id is not None:
        outside_id = check_outside_id(outside_id)
    signed = bool(outside_id and signature and secrets.compare_digest(signature, rater_signature(campaign, outside_id)))
    if signature and not signed:
        raise ForbiddenError("signature: does not fit the rater; use the link as it was given")
    fresh = secrets.token_urlsafe(32)
    if outside_id:
        known = Rater.objects.select_for_update().filter(campaign=campaign, outside_id=outside_id).first()
        if known:
            theirs = session is not None and secrets.compare_digest(known.session_hash, session_hash(session))
            if not (signed or theirs):
                raise ForbiddenError("rater: this id has joined already; send its session, or use its signed link")
            known.session_hash = session_hash(fresh)
            known.save(update_fields=["session_hash"])
            return known, fresh
    try:
        with transaction.atomic():
            rater = Rater.objects.create(campaign=campaign, outside_id=outside_id, session_hash=session_hash(fresh))
    except IntegrityError as error:  # somebody joined under the same id this very moment
        raise ForbiddenError("rater: this id has joined already; send its session, or use its signed link") from error
    return rater, fresh


def trial_join(*, campaign: Campaign) -> tuple[Rater, str]:
    """A rater for a dry run of a campaign that is not closed, and their session. What they answer never counts."""
    if campaign.state == Campaign.State.CLOSED:
        raise ConflictError(f"campaign '{campaign.name}' is closed and takes no dry run")
    session = secrets.token_urlsafe(32)
    return Rater.objects.create(campaign=campaign, session_hash=session_hash(session), trial=True), session


def rater_exclude(*, rater: Rater, reason: str) -> Rater:
    """Leave a rater's answers out of the results and of feedback, for a reason that the report gives.

    Raises InputError without a reason or with too long a one, ConflictError for a rater who is left out already.
    """
    reason, longest = " ".join(reason.split()), 300
    if problem := text_problem(reason):
        raise InputError(f"reason: {problem}")
    if is_blank(reason) or len(reason) > longest:
        raise InputError(f"reason: say in 1 to {longest} characters why the rater is left out; the report gives it")
    left_out = Rater.objects.filter(pk=rater.pk, excluded_at=None)
    if not left_out.update(excluded_at=timezone.now(), exclusion=reason):
        raise ConflictError("the rater is left out already")
    rater.refresh_from_db()
    return rater


def rater_readmit(*, rater: Rater) -> Rater:
    """Take an excluded rater's answers in again."""
    Rater.objects.filter(pk=rater.pk).update(excluded_at=None, exclusion="")
    rater.refresh_from_db()
    return rater


def rater_of_session(session: str) -> Rater | None:
    return Rater.objects.select_related("campaign").filter(session_hash=session_hash(session)).first()


def completion_code(rater: Rater) -> str:
    """What a rater shows to prove that they took part: ten letters and digits that only this site can work out."""
    digest = signing.Signer(salt=f"{SALT}.completion").signature(str(rater.public_id))
    return hashlib.sha256(digest.encode()).hexdigest()[:10].upper()
