"""What a campaign is made of: its systems, their decodings, and the sources of its items.

Of sentences a source is a caption or a photo; of stories it is a sequence of photos, and a system that wrote sentences
has for a story those of the sequence's photos.
"""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from annotations.campaigns.assignment.sampling import sample_sources
from annotations.campaigns.models import Campaign, Item
from annotations.campaigns.readers.named_items import NamedSource
from annotations.campaigns.services.items import Sources
from annotations.campaigns.services.planned_items import SPARE
from annotations.campaigns.spec import CampaignSpec
from annotations.corpora.models import Dataset, Photo, SequencePhoto, Source, Story
from annotations.corpora.selectors import references
from annotations.errors import InputError, NotFoundError
from annotations.protocols import protocol_named
from annotations.storage.bulk import batched
from annotations.storage.names import row_named
from annotations.systems.models import Decoding, Output, System
from annotations.systems.services import baseline_decoding, stories_decoding
from texts.stories import story_lines

SOURCE_BATCH_SIZE = 500
SEQUENCE = Source.Kind.SEQUENCE


def system_named(name: str) -> System:
    system = row_named(System.objects.all(), name)
    if system is None:
        there = ", ".join(System.objects.order_by("name").values_list("name", flat=True)[:20])
        raise NotFoundError("systems", f"'{name}' does not exist", f"available: {there}")
    return system


def content_choose(
    spec: CampaignSpec,
    dataset: Dataset,
    named: Sequence[NamedSource] = (),
    decodings: Mapping[str, Decoding] | None = None,
    instead_of: Campaign | None = None,
) -> tuple[list[System], dict[System, Decoding], Sources, dict[str, int]]:
    """The systems, their decodings, people's aside, the sources of the items, and by key those that were named;
    `decodings` are taken by system in place of the newest, and the albums of the draft `instead_of` count as unseen."""
    systems = [system_named(name) for name in spec.systems]
    if spec.unit == Campaign.Unit.STORY and not Source.objects.of_split(dataset, spec.split).of_kind(SEQUENCE).exists():
        where = f"{dataset.name}/{spec.split}"
        raise InputError(
            "unit", f"'{spec.unit}', and {where} has no sequence of photos", "import_vist brings them, with its --sis"
        )
    written = {
        system: (decodings or {}).get(system.name) or latest_decoding(system, dataset, spec.split)
        for system in systems
        if system.kind in (System.Kind.FILE, System.Kind.MODEL)
    }
    if spec.unit == Campaign.Unit.STORY:
        written = {system: decoding_of_stories(decoding) for system, decoding in written.items()}
    kind = common_kind(written, dataset, spec)
    written |= {
        system: baseline_decoding(system_name=system.name, dataset=dataset, split=spec.split, kind=kind)
        for system in systems
        if system.kind == System.Kind.BASELINE
    }
    with_human = any(system.kind == System.Kind.HUMAN for system in systems)
    return systems, written, *choose_sources(spec, dataset, kind, written, with_human, named, instead_of)


def latest_decoding(system: System, dataset: Dataset, split: str) -> Decoding:
    decoding: Decoding | None = Decoding.objects.latest_of(system, dataset, split)
    if decoding is None:
        raise InputError(
            "systems",
            f"'{system.name}' has no complete decoding of {dataset.name}/{split}",
            "decode or import one first",
        )
    return decoding


def decoding_of_stories(decoding: Decoding) -> Decoding:
    stories = stories_decoding(decoding=decoding)
    if not stories.outputs.exists():
        raise InputError(
            "systems",
            f"'{decoding.system.name}' wrote no story, nor for all photos of any sequence of "
            f"{decoding.dataset.name}/{decoding.split}",
        )
    return stories


def common_kind(decodings: Mapping[System, Decoding], dataset: Dataset, spec: CampaignSpec) -> str:
    """The kind of source that all systems wrote for: sequences where stories are shown; else captions, or photos.
    Without any system to say, what there is."""
    if spec.unit == Campaign.Unit.STORY:
        return SEQUENCE
    for decoding in decodings.values():
        kinds = set(Source.objects.filter(outputs__decoding=decoding).values_list("kind", flat=True).distinct())
        if "sequence" in kinds:
            raise InputError(
                "systems", f"'{decoding.system.name}' wrote whole stories, and unit is '{spec.unit}'", 'unit = "story"'
            )
        return "caption" if "caption" in kinds else "photo"
    sources = Source.objects.of_split(dataset, spec.split)
    return "caption" if sources.captions().exists() or spec.show in ("caption", "both") else "photo"


def choose_sources(
    spec: CampaignSpec,
    dataset: Dataset,
    kind: str,
    decodings: Mapping[System, Decoding],
    with_human: bool,
    named: Sequence[NamedSource],
    instead_of: Campaign | None,
) -> tuple[Sources, dict[str, int]]:
    """The sources of the campaign's items, in the order of the items; and by key those that were named."""
    eligible = with_what_is_shown(Source.objects.of_split(dataset, spec.split).of_kind(kind), spec, dataset, kind)
    if spec.layout == Campaign.Layout.PHOTOS:
        check_sentences(eligible, decodings)
    of = "album_id" if kind == SEQUENCE else "photo_id"  # an album's sequences share photos
    left: dict[int, int] = dict(eligible.values_list("pk", of))
    counts = [f"{len(left)} {kind}s"]
    for system, decoding in decodings.items():
        wrote = set(Output.objects.filter(decoding=decoding, rank=0).values_list("source_id", flat=True))
        counts.append(f"{len(wrote)} by {system.name}")
        left = {pk: photo for pk, photo in left.items() if pk in wrote}
    if with_human:
        referred = set(referred_to(eligible, kind).values_list("pk", flat=True))
        counts.append(f"{len(referred)} with a {'story' if kind == SEQUENCE else 'reference'}")
        left = {pk: photo for pk, photo in left.items() if pk in referred}
    if spec.unseen_albums:
        unseen = set(in_unseen_albums(eligible, instead_of).values_list("pk", flat=True))
        counts.append(f"{len(unseen)} in albums that no campaign has shown")
        left = {pk: photo for pk, photo in left.items() if pk in unseen}
    checks = spec.quality.sources
    if len(left) < spec.items + checks:
        beside = f" and {checks} for quality control" if checks else ""
        raise InputError(
            "items",
            f"{spec.items}{beside} requested, but {dataset.name}/{spec.split} has {len(left)} "
            f"{'unseen ' if spec.unseen_albums else ''}sources with a text from every system ({', '.join(counts)})",
            "ask for fewer items, or admit albums that were shown before" if spec.unseen_albums else "",
        )
    count = protocol_named(spec.protocol).sources_needed(spec.items, len(left))
    count = min(count + SPARE * checks, len(left))
    keys = sources_named(named, Source.objects.of_split(dataset, spec.split).of_kind(kind), left, spec)
    sources = sample_sources(list(left.items()), count, seed=spec.seed, named=set(keys.values()), first=spec.items)
    if spec.show in ("photo", "both"):
        check_pictures(sources)
    return sources, keys


def sources_named(
    named: Sequence[NamedSource], sources: QuerySet[Source], left: Container[int], spec: CampaignSpec
) -> dict[str, int]:
    """The named sources by their keys. Raises InputError, with the line, for a key that none has, or several, or whose
    source is not among those `left`."""
    found: dict[str, list[int]] = {row.source: [] for row in named}
    for part in batched(list(found), SOURCE_BATCH_SIZE):
        for pk, key in sources.filter(key__in=part).values_list("pk", "key"):
            found[key].append(pk)
    for row in named:
        pks = found[row.source]
        if not pks:
            such = sources.values_list("key", flat=True).first()
            problem, hint = "is the key of no source of the campaign's split", f"keys are such as '{such}'"
        elif len(pks) > 1:
            problem, hint = f"is the key of {len(pks)} sources, in different albums", "name sources whose key is unique"
        elif pks[0] not in left:
            seen = ", or is of an album that a campaign has shown" if spec.unseen_albums else ""
            problem = f"lacks a text of one of the systems, or what the campaign shows of it{seen}"
            hint = "name another"
        else:
            continue
        raise InputError("source", f"'{row.source}' {problem}", hint, where=row.where)
    return {key: pk for key, [pk] in found.items()}


def referred_to(sources: QuerySet[Source], kind: str) -> QuerySet[Any]:
    """The sources that people wrote for."""
    if kind != SEQUENCE:
        return references(sources)
    return sources.filter(Exists(Story.objects.filter(sequence=OuterRef("pk"), imported_by__state="complete")))


def in_unseen_albums(sources: QuerySet[Source], instead_of: Campaign | None) -> QuerySet[Source]:
    """The sources of albums of which no campaign has an item, but for the draft that is replaced."""
    items = Item.objects.filter(source__album=OuterRef("album"), campaign__unfinished_until=None)
    return sources.filter(~Exists(items.exclude(campaign=instead_of)))


def with_what_is_shown(sources: QuerySet[Source], spec: CampaignSpec, dataset: Dataset, kind: str) -> QuerySet[Source]:
    """The sources that have what raters are to see of them; of a sequence, all of its photos have. Raises InputError
    where none has."""
    where, of_each = f"{dataset.name}/{spec.split}", SequencePhoto.objects.filter(source=OuterRef("pk"))
    if spec.show in ("caption", "both"):
        if kind == Source.Kind.PHOTO:
            raise InputError(
                "show", f"'{spec.show}', and the systems wrote for {kind}s, which have no caption", 'show = "none"'
            )
        captions = Source.objects.visible().captions().filter(photo=OuterRef("photo"))
        sources = sources.filter(~Exists(of_each.filter(~Exists(captions))))
        if kind == SEQUENCE and not sources.exists():
            raise InputError(
                "show", f"'{spec.show}', and no sequence of {where} has a caption of each photo", 'show = "none"'
            )
    if spec.show in ("photo", "both"):
        if kind == SEQUENCE:
            sources = sources.filter(~Exists(of_each.filter(photo__image="")))
        else:
            sources = sources.exclude(photo__image="")
        if not sources.exists():
            lacking = "sequence of {} has a picture of each photo" if kind == SEQUENCE else "photo of {} has a picture"
            raise InputError(
                "show", f"'{spec.show}', and no {lacking.format(where)}", "attach_pictures gives photos theirs"
            )
    return sources


def check_sentences(sequences: QuerySet[Source], decodings: Mapping[System, Decoding]) -> None:
    """Raises InputError where a system's stories do not have a sentence for each photo."""
    photos: dict[int, int] = {}
    for pk in SequencePhoto.objects.filter(source__in=sequences.order_by()).values_list("source_id", flat=True):
        photos[pk] = photos.get(pk, 0) + 1
    for system, decoding in decodings.items():
        rows = Output.objects.filter(decoding=decoding, rank=0).values_list("source_id", "text")
        if any(pk in photos and len(story_lines(text)) != photos[pk] for pk, text in rows.iterator(chunk_size=5000)):
            raise InputError(
                "layout",
                f"'{Campaign.Layout.PHOTOS}' needs a sentence for each photo from every system, and stories of "
                f"'{system.name}' do not have as many lines as there are photos",
                f'layout = "{Campaign.Layout.PARAGRAPH}"',
            )


def check_pictures(sources: Sources) -> None:
    """Raises InputError where a picture that raters are to see is not there any more."""
    gone: dict[int, str] = {}  # by source
    for part in batched(sources, SOURCE_BATCH_SIZE):
        single = Source.objects.filter(pk__in=part, photo__isnull=False).values_list("pk", "photo__image")
        told = SequencePhoto.objects.filter(source__in=part).order_by("source", "position")
        for pk, image in (*single.order_by("photo"), *told.values_list("source_id", "photo__image")):
            if not Photo(image=image).picture.is_file():
                gone.setdefault(pk, image)
    if gone:
        raise InputError(
            "show",
            f"the pictures of {len(gone)} of the {len(sources)} items are not there any more, such as "
            f"{next(iter(gone.values()))}",
            "attach_pictures finds them where they are now",
        )
