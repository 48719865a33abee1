"""Rows without ids of which the texts of one half were mended: they are found by the other half."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Model, Q

from annotations.corpora.models import Album, Dataset, Source, StorySentence
from annotations.corpora.readers.content import AlbumContent
from annotations.corpora.readers.identity import MADE_UP, Halves, row_halves, same_row
from annotations.storage.bulk import ID_BATCH_SIZE, batched

MAX_SHARING = 50  # rows: a text that more of them share does not tell which of them was mended
Writing = tuple[type[Model], str, int, str]  # model, field, primary key, value


def units_renamed(
    *, dataset: Dataset, split: str, albums: Sequence[AlbumContent], present: Mapping[str, Any]
) -> list[Writing]:
    """Give each album of the file that is a mended row the stored one's id, so that it is compared as it.

    Returns the new ids of the stored ones, to be written with the differences.
    """
    missing = [album for album in albums if album.external_id.startswith(MADE_UP) and album.external_id not in present]
    if not missing:
        return []
    ids = {album.external_id for album in albums}
    by_half: dict[str, list[tuple[int, str]]] = defaultdict(list)
    stored = Album.objects.filter(dataset=dataset, split=split, external_id__startswith=MADE_UP)
    for pk, external_id in stored.order_by("pk").values_list("pk", "external_id"):
        if external_id not in ids:
            for half in row_halves(external_id):
                by_half[half].append((pk, external_id))
    candidates = {
        album.external_id: [
            row
            for half in row_halves(album.external_id)
            if len(by_half.get(half, ())) <= MAX_SHARING
            for row in by_half.get(half, ())
        ]
        for album in missing
    }
    texts = unit_texts({pk for rows in candidates.values() for pk, _ in rows})
    writings: dict[int, Writing] = {}
    for album in missing:
        written = content_texts(album)
        for pk, external_id in candidates[album.external_id]:
            if pk not in writings and same_row(external_id, album.external_id, texts[pk], written):
                writings[pk] = (Album, "external_id", pk, album.external_id)
                album.external_id = external_id
                break
    return list(writings.values())


def content_texts(album: AlbumContent, photo: str | None = None) -> Halves:
    """Of an album, or of one of its photos."""
    told = [sentence for story in album.stories for sentence in story.sentences]
    return (
        [text for its_photo, _, text in album.captions if photo in (None, its_photo)],
        [text for its_photo, text in told if photo in (None, its_photo)],
    )


def unit_texts(albums: set[int]) -> dict[int, Halves]:
    """By primary key."""
    found: dict[int, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for part in batched(sorted(albums), ID_BATCH_SIZE):
        for half, (model, at) in enumerate(((Source, "album_id"), (StorySentence, "story__album_id"))):
            rows = model._default_manager.filter(Q(**{f"{at}__in": part}) & ~Q(text="")).values_list(at, "text")
            for album, text in rows:
                found[album][half].append(text)
    return {pk: found[pk] for pk in albums}


def photo_renamed(album: AlbumContent, old: str, new: str) -> None:
    def named(photo: str) -> str:
        return new if photo == old else photo

    album.photos = {named(photo): row for photo, row in album.photos.items()}
    album.captions = [(named(photo), position, text) for photo, position, text in album.captions]
    album.photo_sources = {named(photo): None for photo in album.photo_sources}
    for story in album.stories:
        story.sentences = [(named(photo), text) for photo, text in story.sentences]
    album.outputs = [(system, named(photo), captions, texts) for system, photo, captions, texts in album.outputs]
