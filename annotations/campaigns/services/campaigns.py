"""Writes of campaigns that are there: opened, paused, extended, closed, archived."""

from collections.abc import Sequence

from django.db import transaction

from annotations.audit.services import Deed, audit_note, of_campaign
from annotations.campaigns.models import Assignment, Campaign, Rating
from annotations.campaigns.selectors import raters_without_screens, screens_answered
from annotations.campaigns.services.leases import assignment_release, assignments_lock
from annotations.campaigns.services.raters import rater_finish
from annotations.campaigns.spec import CampaignSpec
from annotations.campaigns.wording import CriterionWords
from annotations.errors import ConflictError, InputError, NotFoundError
from annotations.protocols import protocol_named
from annotations.storage.clock import database_now, from_now
from annotations.storage.names import row_named

MAX_OVERLAP = 1000


def campaign_named(name: str) -> Campaign:
    campaign = row_named(Campaign.objects.all(), name)
    if campaign is None:
        there = ", ".join(Campaign.objects.order_by("name").values_list("name", flat=True)[:20])
        raise NotFoundError("", f"campaign '{name}' does not exist", f"available: {there or 'none yet'}")
    return campaign


def check_rated_here(campaign: Campaign, what: str) -> None:
    """Raises ConflictError, saying that it cannot be `what`, for a campaign whose ratings were imported."""
    if campaign.imported_by_id:
        raise ConflictError(
            "", f"campaign '{campaign.name}' was rated elsewhere and imported: it has a report, but cannot be {what}"
        )


def spec_of(campaign: Campaign) -> CampaignSpec:
    """What the campaign was made from. Raises ConflictError for one whose ratings were imported."""
    check_rated_here(campaign, "copied or written as a campaign file")
    entries = list(campaign.entries.order_by("pk").values_list("system__name", flat=True))
    protocol, shown = protocol_named(campaign.protocol), campaign.texts_per_screen
    return CampaignSpec.model_construct(
        name=campaign.name,
        purpose=campaign.purpose,
        dataset=campaign.dataset.name,
        split=campaign.split,
        systems=tuple(entries),
        criteria=tuple(campaign.criteria),
        cannot_say=tuple(campaign.cannot_say),
        comments=campaign.comments,
        items=campaign.item_count,
        protocol=campaign.protocol,
        points=int(campaign.scale[1]) if campaign.scale else None,
        ties=None if campaign.ties else False,
        categories=tuple(campaign.categories) or None,
        texts_per_screen=None if shown == protocol.texts_shown(None, len(entries)) else shown or len(entries),
        unit=campaign.unit,
        layout=None if campaign.layout == Campaign.Layout.PARAGRAPH else campaign.layout,
        show=campaign.show,
        overlap=campaign.overlap,
        seed=campaign.seed,
        unseen_albums=campaign.unseen_albums,
        quality=campaign.quality_control,
        recruiting=campaign.recruited,
        screens_per_rater=campaign.screens_per_rater or None,
        minimum_answers=campaign.minimum_answers,
        entry=tuple(campaign.questions("entry")),
        comprehension=tuple(campaign.questions("comprehension")),
        exit=tuple(campaign.questions("exit")),
        primary=tuple(campaign.primary),
        family=campaign.family,
        looks=campaign.looks,
        spending=campaign.spending,
        equivalence_margin=campaign.equivalence_margin,
        instructions=campaign.instructions,
        example=campaign.worked_example,
        consent=campaign.consent,
        organizer=campaign.organizer or None,
        contact=campaign.contact or None,
        minutes=campaign.minutes,
        criterion={
            name: CriterionWords.model_validate(words)
            for name in campaign.criteria
            if (words := campaign.criterion_words.get(name))
        },
    )


def deleting_ends(draft: Campaign) -> str:
    """What goes with a draft, in words. Raises ConflictError where it cannot be deleted."""
    check_deletable(draft)
    items = f"{draft.item_count} item{'' if draft.item_count == 1 else 's'}"
    return (
        f"The draft '{draft.name}' with its {items} will be deleted, and its link will stop working. This cannot be "
        "undone."
    )


def check_deletable(draft: Campaign) -> None:
    if draft.state != Campaign.State.DRAFT:
        raise ConflictError(
            "", f"campaign '{draft.name}' is {draft.state}: its content is locked", "copy it to make changes"
        )
    if Rating.objects.filter(assignment__item__campaign=draft).exists():
        raise ConflictError(
            "",
            f"campaign '{draft.name}' has answers from a dry run, and answers are never deleted",
            "copy it to make changes, and archive this one",
        )


@transaction.atomic
def campaign_move(campaign: Campaign, *, to: str, allowed: Sequence[str], what: str) -> Campaign:
    """Set the state if it is one of the allowed. Raises ConflictError."""
    moved = Campaign.objects.current().filter(pk=campaign.pk, state__in=allowed).update(state=to)
    campaign.refresh_from_db()
    if not moved:
        state = "archived" if campaign.archived_at else campaign.state
        raise ConflictError("", f"campaign '{campaign.name}' is {state} and cannot be {what}")
    audit_note(kind=Deed.CAMPAIGN_CHANGE, about=of_campaign(campaign.name), detail=what)
    return campaign


def campaign_open(*, campaign: Campaign) -> Campaign:
    """Let raters in: a draft for the first time, which locks its content, or a paused campaign again."""
    return campaign_move(campaign, to=Campaign.State.OPEN, allowed=["draft", "paused"], what="opened")


def campaign_pause(*, campaign: Campaign) -> Campaign:
    """Take no answers for now; raters are told so, and half answers are kept."""
    return campaign_move(campaign, to=Campaign.State.PAUSED, allowed=["open"], what="paused")


@transaction.atomic
def campaign_extend(*, campaign: Campaign, overlap: int) -> Campaign:
    """More raters per item. Raises ConflictError for a closed campaign, InputError for fewer than there are."""
    if not campaign.overlap < overlap <= MAX_OVERLAP:
        raise InputError("overlap", f"{overlap} must be a number from {campaign.overlap + 1} to {MAX_OVERLAP}")
    going = Campaign.objects.current().filter(pk=campaign.pk, overlap__lt=overlap).exclude(state=Campaign.State.CLOSED)
    if not going.update(overlap=overlap):
        raise ConflictError("", f"campaign '{campaign.name}' has ended and cannot be extended")
    campaign.refresh_from_db()
    audit_note(kind=Deed.CAMPAIGN_CHANGE, about=of_campaign(campaign.name), detail=f"{overlap} raters per item")
    return campaign


@transaction.atomic
def campaign_archive(*, campaign: Campaign, archived: bool = True) -> Campaign:
    """Put a draft or closed campaign away from the list, or take it out again."""
    if archived and campaign.state not in (Campaign.State.DRAFT, Campaign.State.CLOSED):
        raise ConflictError("", f"campaign '{campaign.name}' is {campaign.state}; close it before archiving it")
    campaign.archived_at = database_now() if archived else None
    campaign.save(update_fields=["archived_at"])
    what = "archived" if archived else "taken out of the archive"
    audit_note(kind=Deed.CAMPAIGN_CHANGE, about=of_campaign(campaign.name), detail=what)
    return campaign


def closing_ends(campaign: Campaign) -> str:
    """What ends with a campaign's close, in words. Raises ConflictError where it is closed already."""
    check_not_closed(campaign)
    left = campaign.screens - screens_answered(campaign)
    working = Assignment.objects.open().filter(item__campaign=campaign, rater__trial=False).count()
    screens = f"{left} screen is" if left == 1 else f"{left} screens are"
    raters = f"{working} rater is" if working == 1 else f"{working} raters are"
    return f"{screens} still open, {raters} at work. No more answers are taken. This cannot be undone."


def check_not_closed(campaign: Campaign) -> None:
    if campaign.state == Campaign.State.CLOSED:
        raise ConflictError("", f"campaign '{campaign.name}' is already closed")


@transaction.atomic
def campaign_close(*, campaign: Campaign) -> Campaign:
    """End a campaign: nothing more is accepted, open assignments are given back, results may be looked at.

    Answers that are being stored are waited for; whatever comes later sees the close. Who had no screen left, since
    others had the last ones open, has done all there was for them (`rater_finish`).
    """
    for rater in raters_without_screens(campaign):
        rater_finish(rater=rater)
    closed = Campaign.objects.filter(pk=campaign.pk).exclude(state=Campaign.State.CLOSED)
    if not closed.update(state=Campaign.State.CLOSED, closed_at=from_now()):
        raise ConflictError("", f"campaign '{campaign.name}' is already closed")
    given = Assignment.objects.filter(rater__campaign=campaign)
    assignments_lock(given)
    for assignment in given.open().select_related("rater"):
        assignment_release(assignment)
    campaign.refresh_from_db()
    audit_note(kind=Deed.CAMPAIGN_CLOSE, about=of_campaign(campaign.name))
    return campaign
