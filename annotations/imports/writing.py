"""Writes of imported content. Nothing shows before the last transaction, and what a killed import left is removed."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from typing import Protocol as TypingProtocol

from django.db import IntegrityError, transaction

from annotations.campaigns.models import Campaign
from annotations.campaigns.services.making import campaign_discarding
from annotations.corpora.locks import dataset_lock, writing_lock
from annotations.corpora.models import Album, Dataset, Import, Photo, SequencePhoto, Source, Story, StorySentence
from annotations.corpora.readers.content import AlbumContent
from annotations.errors import ConflictError
from annotations.imports.outputs import imported_decoding_begin, older_outputs_copy
from annotations.imports.replacing import values_put_back
from annotations.progress import OnShare
from annotations.storage.bulk import exhaust, ids_reserve, rows_deleting, rows_insert
from annotations.storage.clock import database_now
from annotations.storage.short_writes import WRITE_BATCH_SIZE, short_write
from annotations.storage.unfinished import give_up
from annotations.systems.models import Decoding, Output, System
from annotations.systems.services import OutputRow, decoding_discarding, outputs_add, system_for_file

ALBUM_BATCH_SIZE = 500
IMPORTED = (Album, Photo, Source, SequencePhoto, Story, StorySentence, Output)
KINDS = ("albums", "photos", "sources", "stories", "sentences", "outputs")


class SystemNamed(TypingProtocol):
    """The system of a name, made if it is not there."""

    def __call__(self, *, name: str) -> System: ...


def import_begin(*, dataset: Dataset, fingerprint: str, description: str) -> Import:
    """The row under which an import writes. One import writes into a dataset at a time, and none while rows of the
    dataset are being removed."""
    try:
        with transaction.atomic():
            dataset_lock(dataset=dataset)
            if dataset.imports.filter(state=Import.State.REMOVING).exists():
                raise ConflictError(
                    "",
                    f"dataset '{dataset.name}': an import is being removed from it",
                    "wait until it has been removed",
                )
            return Import.objects.create(dataset=dataset, fingerprint=fingerprint, description=description[:500])
    except IntegrityError as error:
        raise ConflictError(
            "",
            f"dataset '{dataset.name}': another import is writing to it",
            "wait until it is done (if its process was killed, the sweeper cleans it up)",
        ) from error


@transaction.atomic
def import_complete(*, import_row: Import, counts: dict[str, int], outcome: dict[str, Any] | None = None) -> None:
    """Make everything of the import visible at once. Raises ConflictError where it was given up."""
    writing_lock(import_row=import_row)
    now = database_now()
    Decoding.objects.filter(imported_by=import_row).update(completed_at=now)
    import_row.state, import_row.counts, import_row.completed_at = Import.State.COMPLETE, counts, now
    import_row.outcome = outcome or {}
    import_row.save(update_fields=["state", "counts", "outcome", "completed_at"])


def import_discard(*, import_row: Import) -> None:
    """Remove what an unfinished import wrote, or one that is being removed, in short writes, children first."""
    exhaust(import_discarding(import_row=import_row))


def import_discarding(*, import_row: Import) -> Iterator[None]:
    """`import_discard`, a write a step. The import is given up first: whoever still writes it writes no more."""
    with short_write():
        Import.objects.filter(pk=import_row.pk).exclude(state=Import.State.COMPLETE).update(state=Import.State.REMOVING)
    if Import.objects.complete().filter(pk=import_row.pk).exists():
        raise ConflictError("", f"import {import_row.pk} is complete and cannot be discarded")
    yield from values_put_back(import_row=import_row)
    for campaign in Campaign.all_rows.filter(imported_by=import_row):
        if give_up(campaign):
            yield from campaign_discarding(campaign=campaign)
    for decoding in Decoding.objects.filter(imported_by=import_row):
        yield from decoding_discarding(decoding=decoding)
    yield from rows_deleting(StorySentence.objects.filter(story__imported_by=import_row))
    yield from rows_deleting(Story.objects.filter(imported_by=import_row))
    yield from rows_deleting(SequencePhoto.objects.filter(source__imported_by=import_row))
    for model in (Source, Photo, Album):
        yield from rows_deleting(model._default_manager.filter(imported_by=import_row))
    Import.objects.filter(pk=import_row.pk).delete()


def albums_write(
    *,
    import_row: Import,
    split: str,
    albums: Sequence[AlbumContent],
    on_progress: OnShare,
    system_named: SystemNamed = system_for_file,
    known: Mapping[str, Mapping[int, int]] | None = None,
    older: Mapping[str, Decoding] | None = None,
) -> dict[str, int]:
    """Write albums and what belongs to them, a thousand rows a transaction. Returns the rows written by kind.

    Albums and photos that the dataset has already are used again, and the captions that are `known`: their primary
    keys by album and place. What else the `older` decoding of a system has goes into its new one. `on_progress` is
    told the share done; `system_named` gives the systems of the outputs.
    """
    decodings = {
        name: imported_decoding_begin(
            import_row=import_row, system=system_named(name=name), split=split, older=(older or {}).get(name)
        )
        for name in sorted({output[0] for album in albums for output in album.outputs})
    }
    counts: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
    done = 0
    for batch in album_batches(albums):
        with short_write():
            writing_lock(import_row=import_row)
            counts.update(AlbumBatch(import_row, split, decodings, known or {}).write(batch))
        done += len(batch)
        on_progress(done / len(albums))
    for name, decoding in (older or {}).items():
        older_outputs_copy(older=decoding, newer=decodings[name])
    return dict(counts)


def album_batches(albums: Sequence[AlbumContent]) -> Iterator[list[AlbumContent]]:
    batch: list[AlbumContent] = []
    rows = 0
    for album in albums:
        if batch and (rows + album.rows() > WRITE_BATCH_SIZE or len(batch) >= ALBUM_BATCH_SIZE):
            yield batch
            batch, rows = [], 0
        batch.append(album)
        rows += album.rows()
    if batch:
        yield batch


@dataclass
class AlbumBatch:
    """A few albums on their way into the tables, in one transaction."""

    import_row: Import
    split: str
    decodings: dict[str, Decoding]
    known: Mapping[str, Mapping[int, int]]  # captions that are there, by album's external id and place
    albums: dict[str, int] = field(default_factory=dict)  # primary key by external id
    photos: dict[tuple[int, str], int] = field(default_factory=dict)  # by album's primary key and external id
    sequences: dict[tuple[int, str], int] = field(default_factory=dict)  # by album's primary key and source key
    captions: dict[tuple[int, int], int] = field(default_factory=dict)  # by album's primary key and place
    photo_sources: dict[int, int] = field(default_factory=dict)  # by photo's primary key

    def write(self, batch: Sequence[AlbumContent]) -> dict[str, int]:
        present = self.find_present(batch)
        self.write_albums([album for album in batch if album.external_id not in self.albums])
        counts = {"albums": len(batch) - len(present), "photos": self.write_photos(batch)}
        counts["sources"] = self.write_sources(batch, present)
        counts["stories"], counts["sentences"] = self.write_stories(batch)
        counts["outputs"] = self.write_outputs(batch)
        return counts

    def find_present(self, batch: Sequence[AlbumContent]) -> list[int]:
        """Fill the maps with what the dataset has already. Returns the albums' primary keys."""
        wanted = [album.external_id for album in batch]
        found = Album.objects.filter(dataset=self.import_row.dataset_id, external_id__in=wanted)
        self.albums = dict(found.values_list("external_id", "pk"))
        present = list(self.albums.values())
        if present:
            photos = Photo.objects.filter(album__in=present).values_list("album_id", "external_id", "pk")
            self.photos = {(album, external_id): pk for album, external_id, pk in photos}
            sources = Source.objects.filter(album__in=present)
            sequences = sources.of_kind("sequence").values_list("album_id", "key", "pk")
            self.sequences = {(album, key): pk for album, key, pk in sequences}
            self.photo_sources = dict(sources.of_kind("photo").values_list("photo_id", "pk"))
        return present

    def write_albums(self, new: Sequence[AlbumContent]) -> None:
        ids = ids_reserve(Album, len(new))
        self.albums.update((album.external_id, pk) for pk, album in zip(ids, new, strict=True))
        head = self.import_row.dataset_id, self.import_row.pk, self.split
        rows = ((pk, *head, album.external_id, album.title) for pk, album in zip(ids, new, strict=True))
        rows_insert(Album, ("id", "dataset", "imported_by", "split", "external_id", "title"), rows)

    def write_photos(self, batch: Sequence[AlbumContent]) -> int:
        new = [
            (pk, external_id, url, image)
            for album in batch
            for pk in [self.albums[album.external_id]]
            for external_id, (url, image) in album.photos.items()
            if (pk, external_id) not in self.photos
        ]
        ids = ids_reserve(Photo, len(new))
        self.photos.update(((row[0], row[1]), pk) for pk, row in zip(ids, new, strict=True))
        rows = ((pk, self.import_row.pk, *row) for pk, row in zip(ids, new, strict=True))
        rows_insert(Photo, ("id", "imported_by", "album", "external_id", "url", "image"), rows)
        return len(new)

    def write_sources(self, batch: Sequence[AlbumContent], present: list[int]) -> int:
        """Captions, photos and sequences; `PHOTO#n` numbers go on where the dataset has captions of a photo already."""
        numbers = self.next_numbers(present)
        rows: list[tuple[int, str, str, int | None, int, str]] = []
        captions: list[tuple[int, int]] = []
        sequences: list[tuple[tuple[int, str], list[int]]] = []
        for album in batch:
            pk = self.albums[album.external_id]
            known = self.known.get(album.external_id, {})
            self.captions |= {(pk, place): source for place, source in known.items()}
            for place, (external_id, position, text) in enumerate(album.captions):
                if place not in known:
                    photo = self.photos[pk, external_id]
                    rows.append((pk, "caption", f"{external_id}#{numbers[photo]}", photo, position, text))
                    captions.append((pk, place))
                    numbers[photo] += 1
            for external_id in album.photo_sources:
                photo = self.photos[pk, external_id]
                if photo not in self.photo_sources:
                    rows.append((pk, "photo", external_id, photo, 0, ""))
            for story in album.stories:
                key = story.sequence_key
                if story.sequence and (pk, key) not in self.sequences:
                    self.sequences[pk, key] = 0  # its primary key follows
                    rows.append((pk, "sequence", key, None, 0, ""))
                    sequences.append(((pk, key), [self.photos[pk, photo] for photo, _ in story.sentences]))
        ids = ids_reserve(Source, len(rows))
        written = iter(captions)
        for source, (album_pk, kind, key, photo_pk, _, _) in zip(ids, rows, strict=True):
            if kind == "caption":
                self.captions[next(written)] = source
            elif kind == "sequence":
                self.sequences[album_pk, key] = source
            elif photo_pk is not None:
                self.photo_sources[photo_pk] = source
        complete = ((source, self.import_row.pk, *row) for source, row in zip(ids, rows, strict=True))
        rows_insert(Source, ("id", "imported_by", "album", "kind", "key", "photo", "position", "text"), complete)
        rows_insert(
            SequencePhoto,
            ("source", "position", "photo"),
            ((self.sequences[at], place, photo) for at, photos in sequences for place, photo in enumerate(photos)),
        )
        return len(rows)

    def next_numbers(self, present: list[int]) -> Counter[int]:
        """The number of the next caption, by photo's primary key."""
        numbers: Counter[int] = Counter()
        there = Source.objects.filter(album__in=present).of_kind("caption") if present else Source.objects.none()
        for photo, key in there.values_list("photo_id", "key"):
            number = key.rpartition("#")[2]
            numbers[photo] = max(numbers[photo] + 1, int(number) + 1 if number.isdecimal() else 0)
        return numbers

    def write_stories(self, batch: Sequence[AlbumContent]) -> tuple[int, int]:
        stories = [(self.albums[album.external_id], story) for album in batch for story in album.stories]
        ids = ids_reserve(Story, len(stories))
        rows = (
            (
                pk,
                self.import_row.pk,
                album,
                story.external_id,
                self.sequences[album, story.sequence_key] if story.sequence else None,
                story.author,
            )
            for pk, (album, story) in zip(ids, stories, strict=True)
        )
        rows_insert(Story, ("id", "imported_by", "album", "external_id", "sequence", "author"), rows)
        sentences = [
            (pk, place, self.photos[album, photo], text)
            for pk, (album, story) in zip(ids, stories, strict=True)
            for place, (photo, text) in enumerate(story.sentences)
        ]
        rows_insert(StorySentence, ("story", "position", "photo", "text"), sentences)
        return len(stories), len(sentences)

    def write_outputs(self, batch: Sequence[AlbumContent]) -> int:
        by_system: dict[str, list[OutputRow]] = {}
        for album in batch:
            pk = self.albums[album.external_id]
            for system, photo, captions, texts in album.outputs:
                if captions is None:
                    sources = [self.photo_sources[self.photos[pk, photo]]]
                else:
                    sources = [self.captions[pk, place] for place in captions]
                by_system.setdefault(system, []).extend(
                    (source, rank, text, None) for source in sources for rank, text in enumerate(texts)
                )
        return sum(outputs_add(decoding=self.decodings[system], rows=rows) for system, rows in by_system.items())
