"""Pairs and references: sources beside what people wrote."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import F, QuerySet

from annotations.corpora.models import Source, StorySentence
from annotations.corpora.querysets import COMPLETE
from texts.folding import fold
from texts.stories import story_text

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


def story_references(sequences: QuerySet) -> Iterator[dict[str, Any]]:
    """Reference stories of sequence sources, as `references` gives sentences: `sentence` is a story's text, a line for
    each sentence, and `sentence_id` is its first sentence's, which stands for the whole story."""
    told = StorySentence.objects.visible().filter(story__sequence__in=sequences.order_by().values("pk"))
    rows = told.order_by("story__sequence", "story", "position").values_list("story__sequence", "story", "pk", "text")
    for (sequence, _), group in groupby(rows.iterator(chunk_size=5000), key=itemgetter(0, 1)):
        sentences = list(group)
        yield {
            "source_pk": sequence,
            "sentence_id": sentences[0][2],
            "sentence": story_text(text for *_, text in sentences),
            "sequence": sequence,
        }


def distinct_references(rows: Sequence[Mapping[str, Any]], withheld: Collection[int] = ()) -> list[str]:
    """The texts of one source's `references` or `story_references`, each once, less the withheld ones (by the
    sentence's primary key).

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
