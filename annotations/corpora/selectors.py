"""Pairs and references: sources beside what people wrote."""

from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any

from django.db.models import F, QuerySet

from annotations.corpora.models import Source
from annotations.corpora.querysets import COMPLETE
from texts.folding import fold

PAIRINGS = ("aligned", "positional")


def pairs(dataset: Any, split: str, pairing: str = "aligned") -> QuerySet:
    """Caption-sentence pairs of a split, ordered by caption: dicts `caption_id, caption, sentence_id, sentence,
    album_key, photo_key`, the last None for a caption of no photo.

    `aligned` pairs a caption with the sentences on the same photo. `positional` pairs it with the sentences at the same
    place of every story of its album, as the reference implementation did, so that most describe different photos.
    """
    if pairing not in PAIRINGS:
        raise ValueError(f"pairing: '{pairing}' is not one of {', '.join(PAIRINGS)}")
    captions = Source.objects.of_split(dataset, split).captions()
    if pairing == "aligned":
        joined = captions.filter(
            photo__sentences__isnull=False, photo__sentences__story__imported_by__state=COMPLETE
        ).values(
            caption_id=F("pk"),
            caption=F("text"),
            sentence_id=F("photo__sentences__pk"),
            sentence=F("photo__sentences__text"),
            album_key=F("album__external_id"),
            photo_key=F("photo__external_id"),
        )
        return joined.order_by("pk", "photo__sentences__pk")
    return (
        captions.filter(album__stories__sentences__position=F("position"), album__stories__imported_by__state=COMPLETE)
        .values(
            caption_id=F("pk"),
            caption=F("text"),
            sentence_id=F("album__stories__sentences__pk"),
            sentence=F("album__stories__sentences__text"),
            album_key=F("album__external_id"),
            photo_key=F("photo__external_id"),
        )
        .order_by("pk", "album__stories__sentences__pk")
    )


def references(sources: QuerySet) -> QuerySet:
    """Reference sentences of caption and photo sources: dicts `source_pk, sentence_id, sentence, sequence`, by source;
    `sequence` is None for a reference on its own, outside a story of a sequence of photos."""
    return (
        sources.filter(photo__sentences__isnull=False, photo__sentences__story__imported_by__state=COMPLETE)
        .values(
            source_pk=F("pk"),
            sentence_id=F("photo__sentences__pk"),
            sentence=F("photo__sentences__text"),
            sequence=F("photo__sentences__story__sequence"),
        )
        .order_by("pk", "photo__sentences__pk")
    )


def distinct_references(rows: Sequence[Mapping[str, Any]], withheld: Collection[int] = ()) -> list[str]:
    """The sentences of one source's `references`, each once, less the withheld ones (by the sentence's primary key).

    One import may have brought a sentence in its story, and another one the same on its own: it is one reference. Two
    stories with the same sentence are by two people, and are two.
    """
    told = [row for row in rows if row["sequence"] is not None]
    alone = {fold(row["sentence"]): row for row in rows if row["sequence"] is None}
    hidden = {fold(row["sentence"]) for row in rows if row["sequence"] is None and row["sentence_id"] in withheld}
    in_stories = {fold(row["sentence"]) for row in told} if alone else set()
    kept = [row for row in told if row["sentence_id"] not in withheld]
    if hidden:
        kept = [row for row in kept if fold(row["sentence"]) not in hidden]
    kept += [row for text, row in alone.items() if text not in in_stories | hidden]
    return [row["sentence"] for row in sorted(kept, key=itemgetter("sentence_id"))]
