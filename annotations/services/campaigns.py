"""Writes of campaigns: made whole from a spec, and closed."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

from django.db import transaction

from annotations.assignment.sampling import sample_sources
from annotations.clock import database_now, from_now
from annotations.errors import ConflictError, InputError, NotFoundError
from annotations.importing.campaign_file import CampaignSpec
from annotations.models import (
    Assignment,
    Campaign,
    CampaignSystem,
    Candidate,
    CandidateOutput,
    Dataset,
    Decoding,
    Item,
    Output,
    Rating,
    Source,
    System,
)
from annotations.normalisation import normalise, sentences
from annotations.protocols import check_shown_here
from annotations.querysets.campaigns import raters_without_screens, screens_answered
from annotations.querysets.datasets import references
from annotations.querysets.names import row_named
from annotations.services.locks import dataset_lock
from annotations.services.outputs import (
    baseline_decoding,
    decoding_begin,
    decoding_complete,
    settings_fingerprint,
)
from annotations.services.raters import rater_finish

T = TypeVar("T")
ROWS_A_WRITE = 1000
LARGEST_OVERLAP = 1000
SOURCES_A_READ = 500


@transaction.atomic
def campaign_create(*, spec: CampaignSpec, state: str = Campaign.State.OPEN) -> Campaign:
    """A campaign with its frozen decodings, items and candidates, open to raters or a draft.

    Raises InputError, naming the key of the spec, where a name is unknown, a system has no outputs, or the split has
    too few sources that all systems wrote for.
    """
    check_shown_here(spec.protocol)
    dataset = Dataset.objects.filter(name=spec.dataset).first()
    if dataset is None:
        there = ", ".join(Dataset.objects.order_by("name").values_list("name", flat=True)[:20])
        raise NotFoundError(f"dataset: '{spec.dataset}' does not exist; there is: {there or 'none yet'}")
    dataset_lock(dataset=dataset)
    if Campaign.objects.filter(name=spec.name).exists():
        raise ConflictError(f"name: campaign '{spec.name}' exists already, and its content is frozen; choose another")
    systems = [system_named(name) for name in spec.systems]
    decodings = {
        system: latest_decoding(system, dataset, spec.split)
        for system in systems
        if system.kind in (System.Kind.FILE, System.Kind.MODEL)
    }
    kind = common_kind(decodings, dataset, spec)
    decodings |= {
        system: baseline_decoding(system_name=system.name, dataset=dataset, split=spec.split, kind=kind)
        for system in systems
        if system.kind == System.Kind.BASELINE
    }
    human = next((system for system in systems if system.kind == System.Kind.HUMAN), None)
    sources = choose_sources(spec, dataset, kind, decodings, human is not None)
    if human:
        decodings[human] = human_decoding(human, spec, dataset, sources)
    campaign = Campaign.objects.create(
        name=spec.name,
        purpose=spec.purpose,
        dataset=dataset,
        split=spec.split,
        unit=spec.unit,
        protocol=spec.protocol,
        show=spec.show,
        criteria=list(spec.criteria),
        instructions=spec.instructions,
        consent=spec.consent,
        overlap=spec.overlap,
        seed=spec.seed,
        minimum_answers=spec.minimum_answers,
        primary=list(spec.primary),
        family=spec.family,
        looks=spec.looks,
        spending=spec.spending,
        equivalence_margin=spec.equivalence_margin,
        item_count=len(sources),
        state=state,
    )
    CampaignSystem.objects.bulk_create(
        CampaignSystem(campaign=campaign, system=system, decoding=decodings[system]) for system in systems
    )
    items_create(campaign, sources, list(decodings.values()))
    return campaign


def campaign_named(name: str) -> Campaign:
    campaign = row_named(Campaign.objects.all(), name)
    if campaign is None:
        there = ", ".join(Campaign.objects.order_by("name").values_list("name", flat=True)[:20])
        raise NotFoundError(f"campaign '{name}' does not exist; there is: {there or 'none yet'}")
    return campaign


def check_rated_here(campaign: Campaign, what: str) -> None:
    """Raises ConflictError, saying that it cannot be `what`, for a campaign whose ratings were imported."""
    if campaign.imported_by_id:
        raise ConflictError(
            f"campaign '{campaign.name}' was rated elsewhere and imported: it has a report, and cannot be {what}"
        )


def spec_of(campaign: Campaign) -> CampaignSpec:
    """What the campaign was made from. Raises ConflictError for one whose ratings were imported."""
    check_rated_here(campaign, "copied or written as a campaign file")
    entries = campaign.entries.order_by("pk").values_list("system__name", flat=True)
    return CampaignSpec(
        name=campaign.name,
        purpose=campaign.purpose,
        dataset=campaign.dataset.name,
        split=campaign.split,
        systems=tuple(entries),
        criteria=tuple(campaign.criteria),
        items=campaign.item_count,
        protocol=campaign.protocol,
        unit=campaign.unit,
        show=campaign.show,
        overlap=campaign.overlap,
        seed=campaign.seed,
        minimum_answers=campaign.minimum_answers,
        primary=tuple(campaign.primary),
        family=campaign.family,
        looks=campaign.looks,
        spending=campaign.spending,
        equivalence_margin=campaign.equivalence_margin,
        instructions=campaign.instructions,
        consent=campaign.consent,
    )


def system_named(name: str) -> System:
    system = row_named(System.objects.all(), name)
    if system is None:
        there = ", ".join(System.objects.order_by("name").values_list("name", flat=True)[:20])
        raise NotFoundError(f"systems: '{name}' does not exist; there is: {there}")
    return system


def latest_decoding(system: System, dataset: Dataset, split: str) -> Decoding:
    decoding: Decoding | None = Decoding.objects.latest_of(system, dataset, split)
    if decoding is None:
        raise InputError(
            f"systems: '{system.name}' has no complete decoding of {dataset.name}/{split}; decode or import one first"
        )
    return decoding


def common_kind(decodings: dict[System, Decoding], dataset: Dataset, spec: CampaignSpec) -> str:
    """The kind of source that all systems wrote for: captions, or photos. Without any system to say, what there is."""
    for decoding in decodings.values():
        kinds = set(Source.objects.filter(outputs__decoding=decoding).values_list("kind", flat=True).distinct())
        if "sequence" in kinds:
            raise InputError(f"systems: '{decoding.system.name}' wrote whole stories, and unit is '{spec.unit}'")
        return "caption" if "caption" in kinds else "photo"
    sources = Source.objects.of_split(dataset, spec.split)
    return "caption" if sources.captions().exists() or spec.show in ("caption", "both") else "photo"


def choose_sources(
    spec: CampaignSpec, dataset: Dataset, kind: str, decodings: dict[System, Decoding], with_human: bool
) -> list[Source]:
    """The sources of the campaign's items, in the order of the items."""
    if spec.show in ("caption", "both") and kind != "caption":
        raise InputError(
            f"show: '{spec.show}', and the systems wrote for {kind}s, which have no caption; show = \"none\""
        )
    eligible = Source.objects.of_split(dataset, spec.split).of_kind(kind).select_related("photo")
    if spec.show in ("photo", "both"):
        eligible = eligible.exclude(photo__image="")
        if not eligible.exists():
            raise InputError(
                f"show: '{spec.show}', and no photo of {dataset.name}/{spec.split} has a picture; attach_pictures"
                " gives photos theirs"
            )
    left = {source.pk: source for source in eligible}
    counts = [f"{len(left)} {kind}s"]
    for system, decoding in decodings.items():
        wrote = set(Output.objects.filter(decoding=decoding, rank=0).values_list("source_id", flat=True))
        counts.append(f"{len(wrote)} by {system.name}")
        left = {pk: source for pk, source in left.items() if pk in wrote}
    if with_human:
        referred = {row["source_pk"] for row in references(eligible)}
        counts.append(f"{len(referred)} with a reference")
        left = {pk: source for pk, source in left.items() if pk in referred}
    if len(left) < spec.items:
        raise InputError(
            f"items: {spec.items} asked for, and {dataset.name}/{spec.split} has {len(left)} sources with a text of "
            f"every system ({', '.join(counts)})"
        )
    chosen = sample_sources([(pk, source.photo_id) for pk, source in left.items()], spec.items, seed=spec.seed)
    sources = [left[pk] for pk in chosen]
    if spec.show in ("photo", "both"):
        check_pictures(sources)
    return sources


def check_pictures(sources: Sequence[Source]) -> None:
    """Raises InputError where a picture that raters are to see is not there any more."""
    gone = [source.photo.image for source in sources if source.photo and not source.photo.picture.is_file()]
    if gone:
        raise InputError(
            f"show: the pictures of {len(gone)} of the {len(sources)} items are not there any more, such as {gone[0]}; "
            "attach_pictures finds them where they are now"
        )


def human_decoding(human: System, spec: CampaignSpec, dataset: Dataset, sources: Sequence[Source]) -> Decoding:
    """One drawn reference a source, which the campaign's metrics then withhold from the references of all systems.

    It is drawn from those of a single sentence where there are any: two sentences tell a person from most machines.
    """
    settings = {"campaign": spec.name, "seed": spec.seed}
    decoding = decoding_begin(
        system=human,
        dataset=dataset,
        split=spec.split,
        settings=settings,
        fingerprint=settings_fingerprint(settings),
    )
    written: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for part in batched(sources, SOURCES_A_READ):
        for row in references(Source.objects.filter(pk__in=[source.pk for source in part])):
            written[row["source_pk"]].append((row["sentence_id"], row["sentence"]))
    draw, outputs = random.Random(spec.seed), []
    for source in sources:
        single = [row for row in written[source.pk] if sentences(row[1]) == 1]
        sentence_id, text = draw.choice(single or written[source.pk])
        outputs.append(Output(decoding=decoding, source=source, text=text, sentence_id=sentence_id))
    Output.objects.bulk_create(outputs, batch_size=ROWS_A_WRITE)
    decoding_complete(decoding=decoding)
    return decoding


def items_create(campaign: Campaign, sources: Sequence[Source], decodings: Sequence[Decoding]) -> None:
    """An item a source; its candidates are the different texts, each shown once for every system that wrote it."""
    for part in batched(list(enumerate(sources)), SOURCES_A_READ):
        outputs: dict[int, list[Output]] = defaultdict(list)
        pks = [source.pk for _, source in part]
        for output in Output.objects.filter(decoding__in=decodings, source__in=pks, rank=0).order_by("pk"):
            outputs[output.source_id].append(output)
        items = Item.objects.bulk_create(
            [Item(campaign=campaign, source=source, position=position) for position, source in part]
        )
        texts: dict[tuple[int, str], list[Output]] = defaultdict(list)
        for item in items:
            for output in outputs[item.source_id]:
                texts[item.pk, normalise(output.text)].append(output)
        drawn = [Candidate(item_id=item, text=text) for item, text in texts]
        drawn.sort(key=lambda candidate: candidate.public_id)  # so that no number follows who wrote the text
        candidates = Candidate.objects.bulk_create(drawn, batch_size=ROWS_A_WRITE)
        shown = [
            CandidateOutput(candidate=candidate, output=output)
            for candidate in candidates
            for output in texts[candidate.item_id, candidate.text]
        ]
        CandidateOutput.objects.bulk_create(shown, batch_size=ROWS_A_WRITE)


def batched(rows: Sequence[T], size: int) -> Iterator[list[T]]:
    waiting = iter(rows)
    while part := list(islice(waiting, size)):
        yield part


@transaction.atomic
def draft_replace(*, draft: Campaign, spec: CampaignSpec) -> Campaign:
    """Make a draft anew from another spec, under its link. Content is locked once raters may have seen it.

    Raises ConflictError for a campaign that is no draft or was tried out already: those answers are never deleted.
    """
    token = draft.token
    draft_delete(draft=draft)
    campaign = campaign_create(spec=spec, state=Campaign.State.DRAFT)
    campaign.token = token
    campaign.save(update_fields=["token"])
    return campaign


@transaction.atomic
def draft_delete(*, draft: Campaign) -> None:
    check_deletable(draft)
    drawn = list(draft.entries.filter(system__kind=System.Kind.HUMAN).values_list("decoding", flat=True))
    draft.delete()
    Decoding.objects.filter(pk__in=drawn).delete()  # the human candidates, drawn for this draft alone


def deleting_ends(draft: Campaign) -> str:
    """What goes with a draft, in words. Raises ConflictError where it cannot be deleted."""
    check_deletable(draft)
    items = f"{draft.item_count} item{'' if draft.item_count == 1 else 's'}"
    return (
        f"The draft '{draft.name}' with its {items} will be deleted, and its link stops working. This cannot be undone."
    )


def check_deletable(draft: Campaign) -> None:
    if draft.state != Campaign.State.DRAFT:
        raise ConflictError(f"campaign '{draft.name}' is {draft.state}: its content is locked; copy it to change it")
    if Rating.objects.filter(assignment__item__campaign=draft).exists():
        raise ConflictError(
            f"campaign '{draft.name}' was tried out, and answers are never deleted; copy it to change it, and archive "
            "this one"
        )


def campaign_move(campaign: Campaign, *, to: str, allowed: Sequence[str], what: str) -> Campaign:
    """Set the state if it is one of the allowed. Raises ConflictError."""
    moved = Campaign.objects.current().filter(pk=campaign.pk, state__in=allowed).update(state=to)
    campaign.refresh_from_db()
    if not moved:
        state = "archived" if campaign.archived_at else campaign.state
        raise ConflictError(f"campaign '{campaign.name}' is {state} and cannot be {what}")
    return campaign


def campaign_open(*, campaign: Campaign) -> Campaign:
    """Let raters in: a draft for the first time, which locks its content, or a paused campaign again."""
    return campaign_move(campaign, to=Campaign.State.OPEN, allowed=["draft", "paused"], what="opened")


def campaign_pause(*, campaign: Campaign) -> Campaign:
    """Take no answers for now; raters are told so, and half answers are kept."""
    return campaign_move(campaign, to=Campaign.State.PAUSED, allowed=["open"], what="paused")


def campaign_extend(*, campaign: Campaign, overlap: int) -> Campaign:
    """More raters an item. Raises ConflictError for a closed campaign, InputError for fewer than there are."""
    if not campaign.overlap < overlap <= LARGEST_OVERLAP:
        raise InputError(f"overlap: {overlap} must be a number from {campaign.overlap + 1} to {LARGEST_OVERLAP}")
    going = Campaign.objects.current().filter(pk=campaign.pk, overlap__lt=overlap).exclude(state=Campaign.State.CLOSED)
    if not going.update(overlap=overlap):
        raise ConflictError(f"campaign '{campaign.name}' is over, and cannot be extended")
    campaign.refresh_from_db()
    return campaign


def campaign_archive(*, campaign: Campaign, archived: bool = True) -> Campaign:
    """Put a draft or closed campaign away from the list, or take it out again."""
    if archived and campaign.state not in (Campaign.State.DRAFT, Campaign.State.CLOSED):
        raise ConflictError(f"campaign '{campaign.name}' is {campaign.state}: close it before it is archived")
    campaign.archived_at = database_now() if archived else None
    campaign.save(update_fields=["archived_at"])
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
        raise ConflictError(f"campaign '{campaign.name}' is closed already")


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
        raise ConflictError(f"campaign '{campaign.name}' is closed already")
    given = Assignment.objects.filter(item__in=Item.objects.filter(campaign=campaign))
    list(given.select_for_update().order_by("pk").values_list("pk"))
    given.open().update(state=Assignment.State.RELEASED)
    campaign.refresh_from_db()
    return campaign
