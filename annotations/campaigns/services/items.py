"""Writes of a new campaign's items, with their candidates and the references drawn for them.

Texts are read and set outside of the transactions that write.
"""

import random
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from annotations.campaigns.models import Campaign, Candidate, CandidateOutput, Item
from annotations.campaigns.normalisation import normalise, normalise_story, sentences
from annotations.corpora.models import Source
from annotations.corpora.selectors import references, story_references
from annotations.errors import InputError
from annotations.protocols import protocol_named
from annotations.storage.bulk import batched, ids_reserve, rows_insert
from annotations.storage.fields import digest_of
from annotations.storage.short_writes import rows_a_write, short_write, uncollected
from annotations.storage.unfinished import lease_renew
from annotations.systems.models import Decoding, Output
from texts.stories import story_lines

SOURCE_BATCH_SIZE, TEXT_BATCH_SIZE = 10_000, 40_000  # at most
DRAWN = 0  # in place of the primary key of the output that quotes the drawn reference, which is written with the item
Sources = Sequence[int]  # primary keys, in the order of the campaign's items
Reference = tuple[int, str]  # primary key of the sentence, of a story its first, and the text

ToldAs = Callable[[str], str]  # how a story is set


class TextsRead(NamedTuple):
    """What the database has of a few sources."""

    sources: Sources
    outputs: list[tuple[int, int, str]]  # primary key, source and text
    references: list[tuple[int, int, str]]  # source, primary key and text, where one is to be drawn


class ReadyCandidate(NamedTuple):
    public_id: str
    text: str
    digest: str
    outputs: list[int]


class ReadyItem(NamedTuple):
    source: int
    drawn: Reference | None
    candidates: list[ReadyCandidate]


@uncollected()
def items_write(
    *, campaign: Campaign, sources: Sources, decodings: Sequence[int], drawn: Decoding | None = None
) -> None:
    """An item per source, as many as the campaign has, of the first sources with as many different texts as a screen of
    its protocol needs. Its candidates are the different texts, each of them once for every system that wrote it. With
    `drawn`, people's decoding, one reference per source is written into it, and is a candidate too. Raises InputError
    where the sources make too few."""
    texts_per_source = len(decodings) + bool(drawn)
    rows_per_item = 2 + 2 * texts_per_source
    sources_a_read = min(SOURCE_BATCH_SIZE, TEXT_BATCH_SIZE // texts_per_source)
    draw, least_texts = random.Random(campaign.seed), protocol_named(campaign.protocol).least_texts
    told_as, written = told_in(campaign), 0
    for read in texts_read(sources, decodings, max(sources_a_read, 1), bool(drawn), stories=told_as is not None):
        ready = items_ready(read, draw, least_texts, with_drawn=bool(drawn), told_as=told_as)
        items = ready[: campaign.item_count - written]
        for part in batched(items, max(rows_a_write() // rows_per_item, 1)):
            with short_write():
                lease_renew(campaign)
                items_insert(campaign, part, drawn, place=written)
            written += len(part)
        if written == campaign.item_count:
            return
    raise InputError(
        "items",
        f"{campaign.item_count} requested, but of {len(sources)} sources with a text from every system only {written} "
        f"have {least_texts} different ones",
    )


def told_in(campaign: Campaign) -> ToldAs | None:
    """How the campaign's stories are set; None where its texts are sentences."""
    if campaign.unit != Campaign.Unit.STORY:
        return None
    return partial(normalise_story, by_photo=campaign.layout == Campaign.Layout.PHOTOS)


def texts_read(
    sources: Sources, decodings: Sequence[int], sources_a_read: int, with_references: bool, *, stories: bool = False
) -> Iterator[TextsRead]:
    for pks in batched(sources, sources_a_read):
        outputs = Output.objects.filter(decoding__in=decodings, source__in=pks, rank=0).order_by("pk")
        rows = Source.objects.filter(pk__in=pks)
        quotable: Iterable[dict[str, Any]] = story_references(rows) if stories else references(rows)
        yield TextsRead(
            pks,
            list(outputs.values_list("pk", "source_id", "text")),
            [(row["source_pk"], row["sentence_id"], row["sentence"]) for row in quotable] if with_references else [],
        )


def items_ready(
    read: TextsRead, draw: random.Random, least_texts: int, *, with_drawn: bool, told_as: ToldAs | None = None
) -> list[ReadyItem]:
    """One drawn reference per source, which the campaign's metrics then withhold from the references of all systems: of
    those of a single sentence where there are any, since two sentences tell a person from most machines. Of stories,
    which `told_as` sets, of those of a single sentence for each photo."""
    set_as = told_as or normalise
    shown: dict[int, dict[str, list[int]]] = {source: defaultdict(list) for source in read.sources}
    for pk, source, text in read.outputs:
        shown[source][set_as(text)].append(pk)
    quotable: dict[int, list[tuple[str, Reference]]] = defaultdict(list)
    for source, pk, text in read.references:
        quotable[source].append((set_as(text), (pk, text)))
    ready = []
    for source in read.sources:
        reference = None
        if with_drawn:
            single = [
                each
                for each in quotable[source]
                if sentences(each[0]) == (len(story_lines(each[1][1])) if told_as else 1)
            ]
            text, reference = draw.choice(single or quotable[source])
            shown[source][text].append(DRAWN)
        if len(texts := shown[source]) >= least_texts:
            candidates = [
                ReadyCandidate(uuid.uuid4().hex, text, digest_of(text), outputs) for text, outputs in texts.items()
            ]
            ready.append(ReadyItem(source, reference, candidates))
    return ready


def items_insert(campaign: Campaign, items: Sequence[ReadyItem], drawn: Decoding | None, *, place: int) -> None:
    """From this place in the campaign on."""
    item_ids = ids_reserve(Item, len(items))
    quoting = ids_reserve(Output, len(items)) if drawn else [DRAWN] * len(items)
    if drawn:
        rows_insert(
            Output,
            ("id", "decoding", "source", "rank", "sentence", "text"),
            [
                (pk, drawn.pk, item.source, 0, *item.drawn)
                for pk, item in zip(quoting, items, strict=True)
                if item.drawn
            ],
        )
    rows_insert(
        Item,
        ("id", "public_id", "campaign", "kind", "source", "position", "taken"),
        [
            (pk, uuid.uuid4().hex, campaign.pk, Item.Kind.REGULAR.value, item.source, position, 0)
            for position, (pk, item) in enumerate(zip(item_ids, items, strict=True), start=place)
        ],
    )
    # By the random id, so that no number follows who wrote the text.
    candidates = sorted(
        (*candidate, pk, output)
        for pk, output, item in zip(item_ids, quoting, items, strict=True)
        for candidate in item.candidates
    )
    ids = ids_reserve(Candidate, len(candidates))
    rows_insert(
        Candidate,
        ("id", "public_id", "item", "text", "digest"),
        [
            (pk, public_id, item, text, digest)
            for pk, (public_id, text, digest, _, item, _) in zip(ids, candidates, strict=True)
        ],
    )
    rows_insert(
        CandidateOutput,
        ("candidate", "output"),
        [
            (pk, output or quoting_pk)
            for pk, (_, _, _, outputs, _, quoting_pk) in zip(ids, candidates, strict=True)
            for output in outputs
        ],
    )
