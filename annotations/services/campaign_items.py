"""Writes of a new campaign's items, with their candidates and the references drawn for them.

Texts are read and set outside of the transactions that write.
"""

import random
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from annotations.fields import digest_of
from annotations.models import Campaign, Candidate, CandidateOutput, Decoding, Item, Output, Source
from annotations.normalisation import normalise, sentences
from annotations.querysets.datasets import references
from annotations.services.bulk import batched, ids_reserve, rows_insert
from annotations.services.short_writes import rows_a_write, short_write
from annotations.services.unfinished import lease_renew

SOURCES_A_READ, TEXTS_A_READ = 10_000, 40_000  # at most
DRAWN = 0  # in place of the primary key of the output that quotes the drawn reference, which is written with the item
Sources = Sequence[int]  # primary keys, in the order of the campaign's items
Reference = tuple[int, str]  # primary key of the sentence, and its text


class TextsRead(NamedTuple):
    """What the database has of a few items."""

    items: list[tuple[int, int]]  # place in the campaign, and source
    outputs: list[tuple[int, int, str]]  # primary key, source and text
    references: list[tuple[int, int, str]]  # source, primary key and text, where one is to be drawn


class ReadyCandidate(NamedTuple):
    public_id: str
    text: str
    digest: str
    outputs: list[int]


class ReadyItem(NamedTuple):
    place: int
    source: int
    drawn: Reference | None
    candidates: list[ReadyCandidate]


def items_write(
    *, campaign: Campaign, sources: Sources, decodings: Sequence[int], drawn: Decoding | None = None
) -> None:
    """An item a source; its candidates are the different texts, each shown once for every system that wrote it. With
    `drawn`, people's decoding, one reference a source is written into it, and is a candidate too."""
    texts_a_source = len(decodings) + bool(drawn)
    rows_an_item = 2 + 2 * texts_a_source
    sources_a_read = min(SOURCES_A_READ, TEXTS_A_READ // texts_a_source)
    draw = random.Random(campaign.seed)
    for read in texts_read(sources, decodings, max(sources_a_read, 1), with_references=bool(drawn)):
        items = items_ready(read, draw, with_drawn=bool(drawn))
        for part in batched(items, max(rows_a_write() // rows_an_item, 1)):
            with short_write():
                lease_renew(campaign)
                items_insert(campaign, part, drawn)


def texts_read(
    sources: Sources, decodings: Sequence[int], sources_a_read: int, with_references: bool
) -> Iterator[TextsRead]:
    for items in batched(enumerate(sources), sources_a_read):
        pks = [source for _, source in items]
        outputs = Output.objects.filter(decoding__in=decodings, source__in=pks, rank=0).order_by("pk")
        quotable = references(Source.objects.filter(pk__in=pks))
        yield TextsRead(
            items,
            list(outputs.values_list("pk", "source_id", "text")),
            list(quotable.values_list("pk", "sentence_id", "sentence")) if with_references else [],
        )


def items_ready(read: TextsRead, draw: random.Random, *, with_drawn: bool) -> list[ReadyItem]:
    """One drawn reference a source, which the campaign's metrics then withhold from the references of all systems: of
    those of a single sentence where there are any, since two sentences tell a person from most machines."""
    shown: dict[int, dict[str, list[int]]] = {source: defaultdict(list) for _, source in read.items}
    for pk, source, text in read.outputs:
        shown[source][normalise(text)].append(pk)
    quotable: dict[int, list[tuple[str, Reference]]] = defaultdict(list)
    for source, pk, text in read.references:
        quotable[source].append((normalise(text), (pk, text)))
    ready = []
    for place, source in read.items:
        reference = None
        if with_drawn:
            single = [each for each in quotable[source] if sentences(each[0]) == 1]
            text, reference = draw.choice(single or quotable[source])
            shown[source][text].append(DRAWN)
        candidates = [
            ReadyCandidate(uuid.uuid4().hex, text, digest_of(text), outputs) for text, outputs in shown[source].items()
        ]
        ready.append(ReadyItem(place, source, reference, candidates))
    return ready


def items_insert(campaign: Campaign, items: Sequence[ReadyItem], drawn: Decoding | None) -> None:
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
            (pk, uuid.uuid4().hex, campaign.pk, Item.Kind.REGULAR.value, item.source, item.place, 0)
            for pk, item in zip(item_ids, items, strict=True)
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
