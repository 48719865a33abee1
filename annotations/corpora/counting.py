"""How much there is of a dataset, and some of it at random."""

import hashlib
import random
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db.models import Count, Max, Min, QuerySet

from annotations.corpora.models import Album, Dataset, Photo, Source, Split, StorySentence
from annotations.corpora.querysets import COMPLETE

KEPT_SECONDS = 30 * 24 * 3600
ALBUMS_DRAWN, LOOKED_AT = 60, 2000


class SplitCounts(NamedTuple):
    split: str
    albums: int
    captions: int
    photos: int  # that are sources
    sentences: int
    depicted: int  # photos of any kind
    pictures: int  # that these have


Counts = dict[str, dict[str, tuple[int, int, int]]]  # by kind and split the rows, the first primary key and the last
NOTHING = (0, 0, 0)


def splits_counted(dataset: Dataset) -> list[SplitCounts]:
    """Pictures are attached without an import, and are counted anew."""
    counts = kept_counts(dataset)
    depicted = Photo.objects.visible().with_picture().filter(album__dataset=dataset)
    pictures = by_split(depicted, "album__split")
    kinds = {**counts, "pictures": pictures}
    return [
        SplitCounts(split, **{kind: rows.get(split, NOTHING)[0] for kind, rows in kinds.items()})
        for split in Split.values
    ]


def keys_between(dataset: Dataset, kind: str, split: str = "") -> tuple[int, int]:
    """The first primary key and the last, of a split or of all; (0, 0) of nothing."""
    found = [row[1:] for name, row in kept_counts(dataset)[kind].items() if split in ("", name)]
    return (min(first for first, _ in found), max(last for _, last in found)) if found else (0, 0)


def kept_counts(dataset: Dataset) -> Counts:
    """What imports brought, counted once for the imports that there are: no row comes or goes without one."""
    imports = dataset.imports.complete().order_by("pk").values_list("pk", "completed_at")
    key = f"counts-{hashlib.sha256(repr([dataset.pk, *imports]).encode()).hexdigest()}"
    counts: Counts | None = cache.get(key)
    if counts is None:
        counts = counted(dataset)
        cache.set(key, counts, KEPT_SECONDS)
    return counts


def counted(dataset: Dataset) -> Counts:
    sources = Source.objects.visible().filter(album__dataset=dataset)
    told = StorySentence.objects.visible().filter(story__album__dataset=dataset)
    return {
        "albums": by_split(Album.objects.filter(dataset=dataset, imported_by__state=COMPLETE), "split"),
        "captions": by_split(sources.of_kind("caption"), "album__split"),
        "photos": by_split(sources.of_kind("photo"), "album__split"),
        "sentences": by_split(told, "story__album__split"),
        "depicted": by_split(Photo.objects.visible().filter(album__dataset=dataset), "album__split"),
    }


def by_split(rows: "QuerySet[Any]", split: str) -> dict[str, tuple[int, int, int]]:
    found = rows.order_by().values_list(split).annotate(n=Count("pk"), first=Min("pk"), last=Max("pk"))
    return {name: (n, first, last) for name, n, first, last in found}


def random_pairs(dataset: Dataset, size: int) -> list[tuple[Source, StorySentence]]:
    """Sources of some albums at random, each with a story sentence of its photo."""
    sources = Source.objects.visible().filter(album__dataset=dataset, photo__isnull=False)
    ends = Album.objects.filter(dataset=dataset).aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return []
    every = range(ends["first"], ends["last"] + 1)
    drawn = random.sample(every, min(ALBUMS_DRAWN, len(every)))
    found = with_sentences(sources.filter(album__in=drawn))
    if len(found) < size and len(every) > len(drawn):  # few albums have any
        found = with_sentences(sources.order_by("pk")[:LOOKED_AT])
    sentences = dict(random.sample(found, min(size, len(found))))
    rows = Source.objects.in_bulk(sentences)
    told = StorySentence.objects.in_bulk(sentences.values())
    albums = Album.objects.in_bulk({row.album_id for row in rows.values()})
    for row in rows.values():
        row.album = albums[row.album_id]
    return [(rows[pk], told[sentence]) for pk, sentence in sentences.items()]


def with_sentences(sources: "QuerySet[Source]") -> list[tuple[int, int]]:
    """Those of a few sources whose photo has story sentences, each with the first of these, by primary keys."""
    photos = dict(sources.values_list("pk", "photo_id"))
    told = StorySentence.objects.visible().filter(photo__in=set(photos.values())).order_by("-pk")
    first = dict(told.values_list("photo_id", "pk"))
    return [(pk, first[photo]) for pk, photo in photos.items() if photo in first]
