"""How much there is of a dataset, and some of it at random."""

import hashlib
import random
from collections import Counter
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db.models import Count, Exists, Max, Min, OuterRef, QuerySet

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


def splits_counted(dataset: Dataset) -> list[SplitCounts]:
    """What an import brought is counted once for the imports that there are: no row comes or goes without one. Pictures
    are attached without, and are counted anew."""
    imports = dataset.imports.complete().order_by("pk").values_list("pk", "completed_at")
    known = hashlib.sha256(repr([dataset.pk, *imports]).encode()).hexdigest()
    counts: dict[str, list[int]] | None = cache.get(f"splits-{known}")
    if counts is None:
        counts = counted(dataset)
        cache.set(f"splits-{known}", counts, KEPT_SECONDS)
    pictures = by_split(Photo.objects.visible().with_picture().filter(album__dataset=dataset), "album__split")
    return [SplitCounts(split, *counts[split], pictures[split]) for split in Split.values]


def counted(dataset: Dataset) -> dict[str, list[int]]:
    """By split the albums, captions, photos as sources, sentences and photos."""
    albums = by_split(Album.objects.filter(dataset=dataset, imported_by__state=COMPLETE), "split")
    sources = Source.objects.visible().filter(album__dataset=dataset)
    captions, alone = (by_split(sources.of_kind(kind), "album__split") for kind in ("caption", "photo"))
    told = StorySentence.objects.visible().filter(story__album__dataset=dataset)
    sentences = by_split(told, "story__album__split")
    photos = by_split(Photo.objects.visible().filter(album__dataset=dataset), "album__split")
    kinds = (albums, captions, alone, sentences, photos)
    return {split: [kind[split] for kind in kinds] for split in Split.values}


def by_split(rows: "QuerySet[Any]", split: str) -> Counter[str]:
    return Counter(dict(rows.order_by().values_list(split).annotate(n=Count("pk"))))


def random_pairs(dataset: Dataset, size: int) -> list[tuple[Source, StorySentence]]:
    """Sources of some albums at random, each with a story sentence of its photo."""
    told = StorySentence.objects.visible().filter(photo=OuterRef("photo"))
    sources = Source.objects.visible().filter(Exists(told), album__dataset=dataset).exclude(kind="sequence")
    ends = Album.objects.filter(dataset=dataset).aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return []
    every = range(ends["first"], ends["last"] + 1)
    drawn = random.sample(every, min(ALBUMS_DRAWN, len(every)))
    found = list(sources.filter(album__in=drawn).values_list("pk", flat=True))
    if len(found) < size and len(every) > len(drawn):  # few albums have any
        found = list(sources.order_by("pk").values_list("pk", flat=True)[:LOOKED_AT])
    chosen = random.sample(found, min(size, len(found)))
    rows = list(Source.objects.filter(pk__in=chosen).select_related("photo", "album"))
    random.shuffle(rows)
    first: dict[int, StorySentence] = {}
    sentences = StorySentence.objects.visible().filter(photo__in=[row.photo_id for row in rows]).order_by("-pk")
    for sentence in sentences:
        first[sentence.photo_id] = sentence
    return [(row, first[row.photo_id]) for row in rows if row.photo_id in first]
