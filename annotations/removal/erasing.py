"""Erasing a person: who they are goes, and what they typed. Their numbers stay, under the pseudonym they have.

A person is erased in one short transaction from all campaigns that were asked for, and so stays one person in
comparisons. Who is killed on the way has erased nobody.
"""

import secrets
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, Q, QuerySet
from django.dispatch import Signal

from annotations.audit.models import AuditEntry
from annotations.audit.services import Deed, audit_note, of_campaign
from annotations.campaigns.models import (
    Assignment,
    Campaign,
    ErasedId,
    Invitation,
    NamedItem,
    Participation,
    QuestionnaireAnswer,
    Rater,
    Remark,
    Rewrite,
)
from annotations.campaigns.models.campaigns import new_secret
from annotations.campaigns.outside_ids import erased_digest
from annotations.campaigns.services.leases import assignment_release, assignments_lock
from annotations.campaigns.services.named_items import named_items_forget
from annotations.campaigns.services.raters import id_erased, named, session_hash
from annotations.errors import NotFoundError
from annotations.feedback.models import FeedbackExample, FeedbackSet
from annotations.plurals import counted
from annotations.storage.clock import from_now
from texts.storable import storable

PATIENCE_MS, TRIES = 200, 10  # for readers, until SQLite's log of writes can be emptied
LOG_LEFT = (
    "another process was reading, so SQLite's write-ahead log still contains what was removed; erase again to empty it"
)
outside_id_erased = Signal()  # of a `campaign`, the `outside_id`: sent in the transaction, for other apps' tables
words_erased = Signal()  # of the primary keys of feedback `sets` that held them: sent in the transaction, for files


@dataclass(frozen=True)
class Identity:
    """Who a person is in one campaign: a rater, or an id that nobody has joined under: of a personal link, or of who
    does not take part."""

    campaign: Campaign
    rater: Rater | None
    outside_id: str | None

    def __str__(self) -> str:
        if self.rater:
            return named(self.rater)
        return f"the id of a person who has not joined campaign '{self.campaign.name}'"


def identities(name: str, campaigns: Sequence[Campaign] = ()) -> list[Identity]:
    """All that an outside id names, or the one rater of a pseudonym, in these campaigns; without any, in all.

    Empty where it was all erased before. Raises NotFoundError where nobody was ever known by that name.
    """
    name = name.strip() if storable(name) else ""
    within = Q(campaign__in=campaigns) if campaigns else Q()
    raters = Rater.objects.filter(within, trial=False).select_related("campaign").order_by("pk")
    if theirs := raters.filter(public_id=pseudonym).first() if (pseudonym := as_uuid(name)) else None:
        return [] if theirs.erased_at else [Identity(theirs.campaign, theirs, theirs.outside_id)]
    joined = [Identity(rater.campaign, rater, name) for rater in raters.filter(outside_id=name)]
    invited = Invitation.objects.filter(within, outside_id=name).select_related("campaign").order_by("pk")
    declined = Participation.objects.filter(within, participant=name, rater=None).select_related("campaign")
    known, found = {identity.campaign.pk for identity in joined}, joined
    for campaign in [*(row.campaign for row in invited), *(row.campaign for row in declined.order_by("pk"))]:
        if campaign.pk not in known:
            known.add(campaign.pk)
            found.append(Identity(campaign, None, name))
    if not found and not erased_in(name, campaigns):
        where = ", ".join(f"'{campaign.name}'" for campaign in campaigns)
        raise NotFoundError("rater", f"nobody with that id or pseudonym was found in {where or 'any campaign'}")
    return found


def as_uuid(name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(name)
    except ValueError:
        return None


def erased_in(outside_id: str, campaigns: Sequence[Campaign] = ()) -> list[Campaign]:
    """The campaigns from which an id was erased."""
    some = campaigns or Campaign.objects.filter(erased_ids__isnull=False).distinct()
    return [campaign for campaign in some if outside_id and id_erased(campaign, outside_id)]


def elsewhere(identity: Identity) -> list[Identity]:
    """What the same outside id names in other campaigns."""
    if identity.outside_id is None:
        return []
    return [each for each in identities(identity.outside_id) if each.campaign.pk != identity.campaign.pk]


class Erased(NamedTuple):
    """Where there was somebody to erase, and whether nothing is left of it in SQLite's log of writes either."""

    identities: list[Identity]
    log_emptied: bool


def person_erase(found: Sequence[Identity]) -> Erased:
    """Erase a person from these campaigns: from all, or where it fails from none."""
    person = uuid.uuid4()
    with overwritten(), transaction.atomic():
        in_order = sorted(found, key=lambda identity: identity.campaign.pk)
        done = [identity_erase(identity=identity, person=person) for identity in in_order]
    return Erased([identity for identity in done if identity], log_empty())


@transaction.atomic
def identity_erase(*, identity: Identity, person: uuid.UUID) -> Identity | None:
    """Who was erased: of an id with a personal link, the rater who has joined meanwhile. None where nobody was left.
    `person` is what raters of one person have in common from now on.

    The campaign's row is locked first, so that who joins or is invited at the same time is there already, or comes when
    the id is known to be erased.
    """
    campaign = Campaign.objects.select_for_update().get(pk=identity.campaign.pk)
    of_id = Q(pk=identity.rater.pk) if identity.rater else Q(campaign=campaign, outside_id=identity.outside_id)
    rater = Rater.objects.select_for_update().filter(of_id, trial=False, erased_at=None).first()
    outside_id = rater.outside_id if rater else None if identity.rater else identity.outside_id
    invited = Invitation.objects.filter(campaign=campaign, outside_id=outside_id).delete()[0]
    declined = Participation.objects.filter(campaign=campaign, rater=None, participant=outside_id or "").delete()[0]
    if not rater and not invited and not declined:
        return None
    if outside_id:
        ErasedId.objects.get_or_create(campaign=campaign, digest=erased_digest(campaign, outside_id))
        outside_id_erased.send(sender=Rater, campaign=campaign, outside_id=outside_id)
    if rater:
        rater_erase(rater, person)
    if outside_id:
        named_items_forget(campaign=campaign, outside_id=outside_id, rater=rater)
    erased = replace(identity, rater=rater)
    audit_note(kind=Deed.ERASE, about=str(erased))
    return erased


def rater_erase(rater: Rater, person: uuid.UUID) -> None:
    """Their part ends as well: no session is theirs any more. Call it with the rater's row locked."""
    theirs = Assignment.objects.filter(rater=rater)
    assignments_lock(theirs)  # what is sent meanwhile is either in or refused
    for assignment in theirs.open():
        assignment_release(assignment)
    Rater.objects.filter(pk=rater.pk).update(
        outside_id=None,
        named_items=0,
        completion_code=None,
        session_hash=session_hash(secrets.token_urlsafe(32)),
        digest_key=new_secret(),
        erased_at=from_now(),
        erased_as=person,
    )
    Participation.objects.filter(rater=rater).delete()
    words_blank(rater)


def words_blank(rater: Rater, **kwargs: Any) -> None:
    """What a rater typed, who is erased or has withdrawn their answers. Also the receiver of `answers_withdrawn`."""
    drafts_of(rater).update(draft={})
    remarks_of(rater).update(comment="")
    rewrites_of(rater).update(text="")
    questionnaires_of(rater).update(answers={})
    words = list(words_of(rater).values_list("pk", flat=True))
    sets = list(FeedbackSet.all_rows.filter(examples__in=words).values_list("pk", flat=True).distinct())
    FeedbackSet.all_rows.filter(pk__in=sets).update(valid=False)
    FeedbackExample.objects.filter(pk__in=words).update(text="")
    words_erased.send(sender=Rater, sets=sets)


def drafts_of(rater: Rater) -> QuerySet[Assignment]:
    return Assignment.objects.filter(rater=rater).exclude(draft={})


def remarks_of(rater: Rater) -> QuerySet[Remark]:
    """What they typed of screens, answered or skipped."""
    return Remark.objects.filter(rating__assignment__rater=rater).exclude(comment="")


def rewrites_of(rater: Rater) -> QuerySet[Rewrite]:
    return Rewrite.objects.filter(rating__assignment__rater=rater).exclude(text="")


def questionnaires_of(rater: Rater) -> QuerySet[QuestionnaireAnswer]:
    """What they answered before and after the screens, which can tell who they are even where they chose."""
    return QuestionnaireAnswer.objects.filter(rater=rater).exclude(answers={})


def words_of(rater: Rater) -> QuerySet[FeedbackExample]:
    """Examples of feedback sets that hold words of theirs: texts that stand on their ratings and are none of those that
    raters were shown."""
    return FeedbackExample.objects.filter(ratings__assignment__rater=rater).exclude(text=F("candidate__text"))


@dataclass(frozen=True)
class Erasure:
    """What erasing somebody from a campaign takes away, and what it leaves."""

    identity: Identity
    goes: list[str]
    answers: int
    feedback_sets: list[str]
    exports: int


def erasure_of(identity: Identity) -> Erasure:
    rater, campaign = identity.rater, identity.campaign
    invited = Invitation.objects.filter(campaign=campaign, outside_id=identity.outside_id).exists()
    exports = AuditEntry.objects.filter(kind=Deed.EXPORT, about=of_campaign(campaign.name)).count()
    named = NamedItem.objects.filter(campaign=campaign, outside_id=identity.outside_id).exists()
    recruited = Participation.objects.filter(campaign=campaign, participant=identity.outside_id or "").exists()
    goes = ["the id"] * bool(identity.outside_id) + ["the personal link"] * invited + ["that items were named"] * named
    goes += ["what the recruiting service calls their visit and says of it"] * recruited
    if rater is None:
        return Erasure(identity, goes, 0, [], exports)
    goes += ["the session, so that no browser or program can continue as this rater"]
    goes += ["the completion code"] * bool(rater.completion_code)
    goes += ["unsent answers on screens they did not submit"] if drafts_of(rater).exists() else []
    goes += [f"what they typed in {counted(count, 'remarks')}"] if (count := remarks_of(rater).count()) else []
    goes += [f"{counted(count, 'texts')} they rewrote"] if (count := rewrites_of(rater).count()) else []
    goes += ["what they answered of questionnaires"] if questionnaires_of(rater).exists() else []
    sets = FeedbackSet.objects.filter(examples__in=words_of(rater)).distinct().order_by("name")
    done = Assignment.objects.filter(rater=rater, state=Assignment.State.DONE)
    answers = done.aggregate(count=Count("pk"))["count"]
    return Erasure(identity, goes, answers, list(sets.values_list("name", flat=True)), exports)


@contextmanager
def overwritten() -> Iterator[None]:
    """What the block removes is overwritten in SQLite's file. PostgreSQL does it when it vacuums."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA secure_delete").fetchone()[0]
        cursor.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA secure_delete = {before}")


def log_empty() -> bool:
    """Empty SQLite's log of writes, and say whether it is: a reader who is at work keeps it, and so does a transaction
    that is not over."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return True
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        try:
            return any(not cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] for _ in range(TRIES))
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {1000 * settings.DATABASES['default']['OPTIONS']['timeout']}")
