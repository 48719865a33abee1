"""What is found by words: captions, story sentences, and what systems wrote. Nothing of an import or of a decoding that
is not complete."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.safestring import SafeString

from annotations.corpora.counting import keys_between
from annotations.corpora.models import Album, Dataset, Import, Source, StorySentence
from annotations.search.indexes import CAPTIONS, OUTPUTS, SENTENCES, found_in, join, sought
from annotations.search.words import Word, marked
from annotations.systems.models import Decoding, Output, System

MAX_HITS = 1000  # of a kind: who finds more types further words
EVERY_KEY = (0, 2**63 - 1)
FIRST, PER_PAGE = 10, 50  # shown where all kinds are, and where one is


class Hit(NamedTuple):
    text: SafeString
    who: str
    address: str
    album: Album


class Hits(NamedTuple):
    """A page of the hits of a kind."""

    kind: str
    title: str
    rows: Sequence[Hit]
    total: int
    more: bool  # than so many
    before: int | None = None  # the primary key that the page before ends before, where there is one
    after: int | None = None


class Searched(NamedTuple):
    """A kind of text: where it stands, how what may be seen of it is found, and what is shown of it."""

    title: str
    table: str
    columns: tuple[str, ...]
    joined: str  # the tables that say by whom it came, with `{join}`
    by: str  # whom: the column of a primary key of `visible`
    visible: Callable[[Dataset | None, str], "QuerySet[Any]"]  # of a split, where it says that
    counted: str  # what its rows are called among a dataset's counts
    album: str  # the column of its album's primary key, where its split is its album's
    rows: Callable[[Sequence[int]], "QuerySet[Any]"]
    hit: Callable[[Any, SafeString], Hit]


def visible_imports(dataset: Dataset | None, split: str) -> "QuerySet[Any]":
    rows = Import.objects.complete()
    return rows.filter(dataset=dataset) if dataset else rows


def visible_decodings(dataset: Dataset | None, split: str) -> "QuerySet[Any]":
    """Of systems that wrote, and neither quoted people nor the source; not the stories put together from sentences."""
    kinds = [System.Kind.FILE, System.Kind.MODEL]
    asked: dict[str, Any] = {"dataset": dataset, "split": split}
    rows = Decoding.objects.complete().own().filter(system__kind__in=kinds)
    return rows.filter(**{name: value for name, value in asked.items() if value})


def caption_hit(row: Source, text: SafeString) -> Hit:
    return Hit(text, "caption", reverse("source", args=[row.pk]), row.album)


def sentence_hit(row: StorySentence, text: SafeString) -> Hit:
    album = row.story.album
    return Hit(text, "people", album.get_absolute_url(), album)


def output_hit(row: Output, text: SafeString) -> Hit:
    return Hit(text, row.decoding.system.name, reverse("source", args=[row.source_id]), row.source.album)


SEARCHED = {
    "captions": Searched(
        "Captions",
        CAPTIONS,
        ("id", "album_id", "imported_by_id"),
        "",
        "t.imported_by_id",
        visible_imports,
        "captions",
        "t.album_id",
        lambda pks: Source.objects.filter(pk__in=pks).select_related("album__dataset"),
        caption_hit,
    ),
    "stories": Searched(
        "Story sentences",
        SENTENCES,
        ("id", "story_id"),
        "{join} annotations_story s ON s.id = t.story_id",
        "s.imported_by_id",
        visible_imports,
        "sentences",
        "s.album_id",
        lambda pks: StorySentence.objects.filter(pk__in=pks).select_related("story__album__dataset"),
        sentence_hit,
    ),
    "outputs": Searched(
        "Outputs",
        OUTPUTS,
        ("id", "decoding_id"),
        "",
        "t.decoding_id",
        visible_decodings,
        "",
        "",
        lambda pks: Output.objects.filter(pk__in=pks).select_related("decoding__system", "source__album__dataset"),
        output_hit,
    ),
}


def hits_of(
    kind: str,
    words: Sequence[Word],
    *,
    dataset: Dataset | None,
    split: str = "",
    after: int | None = None,
    before: int | None = None,
    per_page: int = PER_PAGE,
) -> Hits:
    """A page of them, by their primary keys: behind `after`, or up to `before`."""
    searched = SEARCHED[kind]
    found = keys_of(searched, words, dataset, split)
    more, found = len(found) > MAX_HITS, sorted(found[:MAX_HITS])
    if before is not None:
        end = bisect_left(found, before)
        start = max(end - per_page, 0)
    else:
        start = bisect_right(found, after) if after is not None else 0
        end = min(start + per_page, len(found))
    rows = {row.pk: row for row in searched.rows(found[start:end])}
    shown = [searched.hit(row, marked(row.text, words)) for pk in found[start:end] if (row := rows.get(pk))]
    return Hits(
        kind,
        searched.title,
        shown,
        len(found),
        more,
        found[start] if 0 < start < len(found) else None,
        found[end - 1] if 0 < end < len(found) else None,
    )


def keys_of(searched: Searched, words: Sequence[Word], dataset: Dataset | None, split: str) -> list[int]:
    """Primary keys, one more than are shown; none of no words. By whom texts may have come is read first: of few."""
    visible = list(searched.visible(dataset, split).order_by("pk").values_list("pk", flat=True)) if words else []
    if not visible:
        return []
    between = keys_between(dataset, searched.counted, split) if dataset and searched.counted else EVERY_KEY
    joined, values = searched.joined, [sought(words), *between, *visible]
    where = f"{searched.by} IN ({', '.join(['%s'] * len(visible))})"
    if split and searched.album:
        joined += f" {{join}} annotations_album a ON a.id = {searched.album}"
        where += " AND a.split = %s"
        values.append(split)
    found = found_in(searched.table, searched.columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.id FROM {found} {joined.format(join=join())} WHERE {where} LIMIT {MAX_HITS + 1}", values
        )
        return [row[0] for row in cursor.fetchall()]
