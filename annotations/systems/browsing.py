"""A dataset's sources, a page at a time. A page begins behind a source or ends before one, which its address names:
nothing is counted, and nothing is read that is not shown."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import django_filters as filters
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from annotations.corpora.models import Album, Dataset, Photo, SequencePhoto, Source, Split
from annotations.corpora.querysets import COMPLETE
from annotations.corpora.selectors import distinct_references, references, story_references
from annotations.systems.models import Output, System

PER_PAGE = 50
REFERENCES_SHOWN = 2
MAX_OTHERS = 50  # texts of a system on a source's page, besides its first one


class SourceFilter(filters.FilterSet):
    split = filters.ChoiceFilter(field_name="album__split", label="Split", choices=Split.choices, empty_label="All")
    kind = filters.ChoiceFilter(choices=Source.Kind.choices, empty_label="All")
    picture = filters.ChoiceFilter(
        choices=[("yes", "Yes"), ("no", "No")], label="Picture", empty_label="All", method="with_picture"
    )
    album = filters.CharFilter(field_name="album__external_id", label="Album")

    def with_picture(self, rows: "QuerySet[Source]", name: str, value: str) -> "QuerySet[Source]":
        """Of a sequence: whether one of its photos has one."""
        of_sequence = Exists(SequencePhoto.objects.filter(source=OuterRef("pk"), photo__image__gt=""))
        if value == "yes":
            return rows.filter(Q(photo__image__gt="") | Q(of_sequence, kind=Source.Kind.SEQUENCE))
        return rows.filter(Q(photo__image="") | Q(~of_sequence, kind=Source.Kind.SEQUENCE))

    def albums(self, dataset: Dataset) -> "QuerySet[Album]":
        """Those that may have some of the sources."""
        self.form.is_valid()
        asked = self.form.cleaned_data
        rows = Album.objects.filter(dataset=dataset)
        if asked.get("split"):
            rows = rows.filter(split=asked["split"])
        if asked.get("album"):
            rows = rows.filter(external_id=asked["album"])
        if asked.get("picture") == "yes":
            rows = rows.filter(Exists(Photo.objects.filter(album=OuterRef("pk")).with_picture()))
        return rows


class Place(NamedTuple):
    """Of a source in the order in which they are listed: by album, so that one's captions and photos stand together."""

    album: int
    source: int

    def __str__(self) -> str:
        return f"{self.album}-{self.source}"

    @classmethod
    def read(cls, text: str) -> "Place | None":
        album, _, source = text.partition("-")
        digits = all(part.isascii() and part.isdecimal() and len(part) <= 18 for part in (album, source))
        return cls(int(album), int(source)) if digits else None

    @classmethod
    def of(cls, source: Source) -> "Place":
        return cls(source.album_id, source.pk)


class SourcePage(NamedTuple):
    sources: Sequence[Source]
    before: Place | None  # the sources before it are there, or may be
    after: Place | None


class ListedSource(NamedTuple):
    source: Source
    references: Sequence[str]  # the first ones
    further: int  # references
    outputs: int


def page_of(
    rows: "QuerySet[Source]",
    albums: "QuerySet[Album]",
    *,
    after: Place | None = None,
    before: Place | None = None,
    size: int = PER_PAGE,
) -> SourcePage:
    """The sources behind `after`, or those up to `before`. First the albums are found that have as many between them,
    by their index, then the sources of these."""
    backwards = before is not None
    there = Exists(rows.filter(album=OuterRef("pk")))
    if before is not None:
        albums = albums.filter(pk__lte=before.album).order_by("-pk")
        rows = rows.filter(Q(album__lt=before.album) | Q(album=before.album, pk__lt=before.source))
    elif after is not None:
        albums = albums.filter(pk__gte=after.album).order_by("pk")
        rows = rows.filter(Q(album__gt=after.album) | Q(album=after.album, pk__gt=after.source))
    else:
        albums = albums.order_by("pk")
    # One album more: of the first the place may be the last source.
    near = list(albums.filter(there).values_list("pk", flat=True)[: size + 2])
    order = ("-album_id", "-pk") if backwards else ("album_id", "pk")
    found = list(rows.filter(album__in=near).order_by(*order)[: size + 1])
    further, shown = len(found) > size, found[:size]
    if not shown:
        return SourcePage([], None, None)
    if backwards:
        shown.reverse()
        return SourcePage(shown, Place.of(shown[0]) if further else None, Place.of(shown[-1]))
    return SourcePage(shown, Place.of(shown[0]) if after else None, Place.of(shown[-1]) if further else None)


def neighbours(source: Source) -> tuple[int | None, int | None]:
    """The primary keys of the source before it in its split, and of the one behind it."""
    rows = visible_in(source.album.dataset).filter(album__split=source.album.split)
    albums = Album.objects.filter(dataset=source.album.dataset, split=source.album.split)
    here = Place.of(source)
    pages = page_of(rows, albums, before=here, size=1), page_of(rows, albums, after=here, size=1)
    before, after = (page.sources[0].pk if page.sources else None for page in pages)
    return before, after


def visible_in(dataset: Dataset) -> "QuerySet[Source]":
    return Source.objects.filter(album__dataset=dataset, imported_by__state=COMPLETE)


def listed_sources(sources: Sequence[Source]) -> list[ListedSource]:
    """With what people wrote, and how much systems did, in as many queries however many there are."""
    pks = [source.pk for source in sources]
    told: dict[int, list[dict[str, Any]]] = defaultdict(list)
    rows = Source.objects.filter(pk__in=pks)
    for row in references(rows):
        told[row["source_pk"]].append(row)
    for row in story_references(rows.filter(kind=Source.Kind.SEQUENCE)):
        told[row["source_pk"]].append(row)
    written = shown_outputs().filter(source__in=pks).order_by().values_list("source").annotate(n=Count("pk"))
    outputs = dict(written)
    found = []
    for source in sources:
        texts = distinct_references(told[source.pk])
        further = max(len(texts) - REFERENCES_SHOWN, 0)
        found.append(ListedSource(source, texts[:REFERENCES_SHOWN], further, outputs.get(source.pk, 0)))
    return found


def shown_outputs() -> "QuerySet[Output]":
    """What systems wrote, of complete decodings. Which people's texts a campaign drew is no output."""
    return Output.objects.filter(decoding__completed_at__isnull=False).exclude(decoding__system__kind=System.Kind.HUMAN)


class WrittenText(NamedTuple):
    """What a system's newest decoding has first for a source, and whatever else it ever wrote for it."""

    first: Output
    others: list[Output]


def written_for(source: Source) -> list[WrittenText]:
    """By system, in the order of their names; of each the newest texts."""
    rows = shown_outputs().filter(source=source).select_related("decoding__system")
    order = ("decoding__system__name", "-decoding__completed_at", "-decoding", "rank")
    systems: dict[int, list[Output]] = defaultdict(list)
    place = Window(RowNumber(), partition_by=F("decoding__system"), order_by=order[1:])
    for output in rows.annotate(place=place).filter(place__lte=1 + MAX_OTHERS).order_by(*order):
        systems[output.decoding.system_id].append(output)
    return [WrittenText(first, others) for first, *others in systems.values()]
