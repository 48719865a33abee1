"""Writes of new campaigns, and of drafts that go: in many short writes, none of which anybody sees (`unfinished`)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from secrets import token_hex

from django.db import IntegrityError, transaction

from annotations.audit.services import Deed, audit_note, of_campaign
from annotations.campaigns.models import (
    Assignment,
    Campaign,
    CampaignSystem,
    Candidate,
    CandidateOutput,
    ErasedId,
    Invitation,
    Item,
    NamedItem,
    QuestionnaireAnswer,
    Rater,
    Rating,
)
from annotations.campaigns.models.campaigns import new_token
from annotations.campaigns.readers.named_items import NamedSource
from annotations.campaigns.services.campaigns import check_deletable
from annotations.campaigns.services.choosing import content_choose, system_named
from annotations.campaigns.services.items import items_write
from annotations.campaigns.services.leases import assignments_lock
from annotations.campaigns.services.named_items import check_named, named_items_write
from annotations.campaigns.services.planned_items import planned_items_write
from annotations.campaigns.spec import CampaignSpec
from annotations.corpora.locks import dataset_lock
from annotations.corpora.models import Dataset
from annotations.errors import ConflictError, NotFoundError
from annotations.protocols import protocol_named
from annotations.storage.bulk import exhaust, rows_deleting, statistics_gather
from annotations.storage.clock import database_now
from annotations.storage.short_writes import short_write
from annotations.storage.unfinished import finish, give_up, hide, lease_fields, lease_renew, unfinished_name
from annotations.systems.models import Decoding, Output, System
from annotations.systems.services import decoding_begin, settings_fingerprint

ITEM_BATCH_SIZE = 250
LastWrite = Callable[[Campaign], AbstractContextManager[None]]


def campaign_create(
    *,
    spec: CampaignSpec,
    state: str = Campaign.State.OPEN,
    instead_of: Campaign | None = None,
    named: Sequence[NamedSource] = (),
    decodings: Mapping[str, Decoding] | None = None,
    last_write: LastWrite = lambda row: transaction.atomic(),
) -> Campaign:
    """A campaign with its frozen decodings, items and candidates, open to raters or a draft; `instead_of` a draft,
    which goes, under that one's link. `named` are sources that named raters get; others get the other places.
    `decodings` are shown, by system, in place of the newest.

    It shows with the last write, within `last_write`, and where making it fails nothing is left. Raises InputError,
    naming the key of the spec, where a name is unknown, a system has no outputs, or the split has too few sources that
    all systems wrote for; ConflictError where the draft is none or was tried out already, or the name was taken
    meanwhile.
    """
    check_named(named, spec)
    if instead_of:
        check_deletable(instead_of)
        check_unnamed(instead_of)
    campaign = campaign_begin(spec, state, instead_of)
    try:
        systems, written, sources, keys = content_choose(spec, campaign.dataset, named, decodings, instead_of)
        shown = [decoding.pk for decoding in written.values()]
        human = next((system for system in systems if system.kind == System.Kind.HUMAN), None)
        drawn: Decoding | None = None
        with short_write():
            lease_renew(campaign)
            if human:
                drawn = written[human] = human_decoding_begin(human, spec, campaign.dataset)
            CampaignSystem.objects.bulk_create(
                CampaignSystem(campaign=campaign, system=system, decoding=written[system]) for system in systems
            )
        items_write(campaign=campaign, sources=sources, decodings=shown, drawn=drawn)
        named_items_write(campaign=campaign, named=named, sources=keys)
        planned_items_write(campaign=campaign, sources=sources, decodings=shown, drawn=drawn)
        statistics_gather(len(sources), Item, Candidate, CandidateOutput, Output, Assignment, Rating)
        campaign_show(campaign, spec, drawn, instead_of, last_write)
    except BaseException:
        if give_up(campaign):
            exhaust(campaign_discarding(campaign=campaign))
        raise
    campaign.refresh_from_db()
    if instead_of:
        exhaust(campaign_discarding(campaign=instead_of))
    return campaign


def campaign_begin(spec: CampaignSpec, state: str, instead_of: Campaign | None) -> Campaign:
    """The row that nobody sees yet. From now on nothing that it may be made of is removed or replaced."""
    dataset = Dataset.objects.filter(name=spec.dataset).first()
    if dataset is None:
        there = ", ".join(Dataset.objects.order_by("name").values_list("name", flat=True)[:20])
        raise NotFoundError("dataset", f"'{spec.dataset}' does not exist", f"available: {there or 'none yet'}")
    for name in spec.systems:
        system_named(name)
    with transaction.atomic():
        dataset_lock(dataset=dataset)
        others = Campaign.objects.exclude(pk=instead_of.pk) if instead_of else Campaign.objects.all()
        if others.filter(name=spec.name).exists():
            raise name_taken(spec.name)
        return Campaign.all_rows.create(
            name=unfinished_name(spec.name),
            **lease_fields(),
            purpose=spec.purpose,
            dataset=dataset,
            split=spec.split,
            unit=spec.unit,
            layout=spec.layout or Campaign.Layout.PARAGRAPH,
            protocol=spec.protocol,
            scale=protocol_named(spec.protocol).scale_of_points(spec.points),
            ties=spec.ties is not False,
            categories=list(spec.categories or ()),
            texts_per_screen=protocol_named(spec.protocol).texts_shown(spec.texts_per_screen, len(spec.systems)),
            show=spec.show,
            criteria=list(spec.criteria),
            cannot_say=list(spec.cannot_say),
            comments=spec.comments,
            instructions=spec.instructions,
            example=spec.example.stored() if spec.example else {},
            consent=spec.consent,
            organizer=spec.organizer or "",
            contact=spec.contact or "",
            minutes=spec.minutes,
            criterion_words=spec.criterion_words,
            overlap=spec.overlap,
            seed=spec.seed,
            unseen_albums=spec.unseen_albums,
            quality=spec.quality.stored(),
            recruiting=spec.recruiting.stored(),
            questionnaires=spec.questionnaires,
            screens_per_rater=spec.screens_per_rater or 0,
            minimum_answers=spec.minimum_answers,
            primary=list(spec.primary),
            family=spec.family,
            looks=spec.looks,
            spending=spec.spending,
            equivalence_margin=spec.equivalence_margin,
            item_count=spec.items,
            state=state,
        )


def check_unnamed(draft: Campaign) -> None:
    """Raises ConflictError for a draft with named items, which are in none of its form's fields."""
    if NamedItem.objects.filter(campaign=draft).exists():
        message = f"draft '{draft.name}' has named items, which would be lost"
        raise ConflictError("", message, "delete it, and create another with create_campaign --named-items")


def name_taken(name: str) -> ConflictError:
    return ConflictError("name", f"campaign '{name}' already exists, and its content is frozen", "choose another")


def campaign_show(
    campaign: Campaign,
    spec: CampaignSpec,
    drawn: Decoding | None,
    instead_of: Campaign | None,
    last_write: LastWrite,
) -> None:
    """The last write, which makes the campaign visible under its name."""
    token = instead_of.token if instead_of else campaign.token
    try:
        with last_write(campaign):
            if instead_of:
                draft_hide(instead_of)
                for rows in (Invitation.objects, ErasedId.objects):  # their links stay good, or good for nothing
                    rows.filter(campaign=instead_of).update(campaign=campaign)
            if drawn:
                fingerprint = settings_fingerprint(drawn.settings)
                Decoding.objects.filter(pk=drawn.pk).update(fingerprint=fingerprint, completed_at=database_now())
            finish(campaign, name=spec.name, token=token)
            kind, how = (
                (Deed.CAMPAIGN_CHANGE, "draft replaced") if instead_of else (Deed.CAMPAIGN_CREATE, campaign.state)
            )
            audit_note(kind=kind, about=of_campaign(spec.name), detail=how)
    except IntegrityError as error:
        raise name_taken(spec.name) from error


def human_decoding_begin(human: System, spec: CampaignSpec, dataset: Dataset) -> Decoding:
    """Of the references that are drawn for the campaign. Its fingerprint is given as its campaign is shown."""
    return decoding_begin(
        system=human,
        dataset=dataset,
        split=spec.split,
        settings={"campaign": spec.name, "seed": spec.seed},
        fingerprint=token_hex(32),
    )


def draft_replace(*, draft: Campaign, spec: CampaignSpec) -> Campaign:
    """Make a draft anew from another spec, under its link. Content is locked once raters may have seen it.

    Raises ConflictError for a campaign that is no draft or was tried out already: those answers are never deleted.
    """
    return campaign_create(spec=spec, state=Campaign.State.DRAFT, instead_of=draft)


def draft_delete(*, draft: Campaign) -> None:
    """It goes from view at once, and its rows in short writes. Raises ConflictError as `draft_replace` does."""
    with transaction.atomic():
        audit_note(kind=Deed.CAMPAIGN_DELETE, about=of_campaign(draft.name))
        draft_hide(draft)
    exhaust(campaign_discarding(campaign=draft))


def draft_hide(draft: Campaign) -> None:
    """Take a draft from view, with its name, its link and what was drawn for it. Answers of dry runs that are being
    stored are waited for, and then keep it."""
    now = Campaign.objects.select_for_update(no_key=True).filter(pk=draft.pk).first()
    if now is None:
        raise ConflictError("", f"campaign '{draft.name}' does not exist any more")
    hide(now, token=new_token(), state=Campaign.State.CLOSED)
    assignments_lock(Assignment.objects.filter(rater__in=Rater.objects.filter(campaign=draft)))
    check_deletable(now)
    for decoding in drawn_for(draft):
        Decoding.objects.filter(pk=decoding).update(completed_at=None, fingerprint=token_hex(32))


def drawn_for(campaign: Campaign) -> list[int]:
    """The decoding of people's texts, drawn for this campaign alone. An imported one has none: all are the import's."""
    drawing = CampaignSystem.objects.filter(campaign=campaign, campaign__imported_by=None)
    people = drawing.filter(system__kind=System.Kind.HUMAN)
    return list(people.values_list("decoding", flat=True))


def campaign_discarding(*, campaign: Campaign) -> Iterator[None]:
    """Remove what is there of a campaign that nobody sees, children first, a short write a step."""
    if campaign.imported_by_id:
        yield from rows_deleting(Rating.objects.filter(assignment__rater__campaign=campaign))
    yield from rows_deleting(Assignment.objects.filter(rater__campaign=campaign))
    yield from rows_deleting(QuestionnaireAnswer.objects.filter(rater__campaign=campaign))
    yield from rows_deleting(Rater.objects.filter(campaign=campaign))
    yield from rows_deleting(NamedItem.objects.filter(campaign=campaign))
    items = Item.objects.filter(campaign=campaign).order_by("position").values_list("pk", flat=True)
    while part := list(items[:ITEM_BATCH_SIZE]):
        with short_write():
            for rows in (
                CandidateOutput.objects.filter(candidate__item__in=part),
                Candidate.objects.filter(item__in=part),
                Item.objects.filter(pk__in=part),
            ):
                rows._raw_delete(rows.db)
        yield
    drawn = drawn_for(campaign)
    yield from rows_deleting(Output.objects.filter(decoding__in=drawn))
    with short_write():
        CampaignSystem.objects.filter(campaign=campaign).delete()
        Decoding.objects.filter(pk__in=drawn).delete()
        Campaign.all_rows.filter(pk=campaign.pk).delete()
