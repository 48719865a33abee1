"""VIST's two annotation files in their official layout: descriptions in isolation (DII) and stories in sequence (SIS).

Each is an object with `images`, `albums` and `annotations`; an annotation is a list of one element; ids are strings. Of
the metadata only what is used has to be there. A file is read in a stream, once for each of its three lists.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from annotations.corpora.readers.content import (
    MAX_ID_LENGTH,
    MAX_KEY_LENGTH,
    MAX_URL_LENGTH,
    AlbumContent,
    ImportFileError,
    PlaceNames,
    StoryContent,
    check_text,
    shown,
)
from annotations.corpora.readers.files import json_elements, start_of
from annotations.corpora.readers.pictures import Pictures
from texts.storable import is_blank

SENTENCES_PER_STORY = 5
LISTS = ("albums", "images", "annotations")

Note = Callable[[str], None]


def read_vist(
    dii: Sequence[Path], sis: Sequence[Path], *, pictures: Pictures | None = None, note: Note = lambda _: None
) -> list[AlbumContent]:
    """All of the files, checked, as albums, their photos with a path where `pictures` has one.

    `note` is told what is being read. Raises ImportFileError at the first defect, with file, place, key and value.
    """
    albums: dict[str, AlbumContent] = {}
    for file in (*dii, *sis):
        note(f"reading {file.name}")
        check_is_object(file)
        read_albums_and_photos(file, albums, pictures)
    annotated: set[tuple[str, str, int, str, str]] = set()
    for number, file in enumerate(dii):
        note(f"reading the captions of {file.name}")
        read_captions(file, number, albums, annotated)
    annotated.clear()
    stories: dict[str, dict[int, tuple[str, str, int]]] = {}
    storylets: set[str] = set()
    for number, file in enumerate(sis, start=len(dii)):
        note(f"reading the stories of {file.name}")
        read_stories(file, number, albums, stories, storylets)
    return [album for album in albums.values() if album.captions or album.stories or album.photos]


def check_is_object(file: Path) -> None:
    """Refuse what does not begin as a JSON object, which would look like one without lists."""
    start = start_of(file)
    if not start.startswith("{"):
        raise ImportFileError(
            file, "", f"must be a JSON object with {', '.join(LISTS)}, but begins with {start[:20]!r}"
        )


def elements(file: Path, name: str) -> Iterator[tuple[str, Any]]:
    """(place, value) of each element of one of the object's lists. Raises ImportFileError for what is not JSON."""
    for count, value in enumerate(json_elements(file, name)):
        yield f"{name}[{count}]", value


def read_albums_and_photos(file: Path, albums: dict[str, AlbumContent], pictures: Pictures | None) -> None:
    listed = False
    for place, row in elements(file, "albums"):
        listed = True
        external_id = text(file, place, row, "id", longest=MAX_ID_LENGTH)
        if external_id not in albums:
            title = check_text(file, place, "title", str(row.get("title") or ""))
            albums[external_id] = AlbumContent(external_id, title[:500])
    if not listed:
        raise ImportFileError(file, "albums", "is missing or empty; VIST's layout lists the albums there")
    for place, row in elements(file, "images"):
        photo = text(file, place, row, "id", longest=MAX_ID_LENGTH)
        album = albums.get(text(file, place, row, "album_id"))
        if album is None:
            raise ImportFileError(file, place, f"album_id={shown(row['album_id'])} is not among the file's albums")
        if photo not in album.photos:
            url = row.get("url_o") or row.get("url_m") or ""
            if not isinstance(url, str) or len(url) > MAX_URL_LENGTH:
                raise ImportFileError(
                    file, place, f"url_o={shown(url)} must be a string of up to {MAX_URL_LENGTH} characters"
                )
            path = pictures.path_of(photo) if pictures else ""
            album.photos[photo] = (check_text(file, place, "url_o", url), path)


def annotations(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    place = None
    for place, value in elements(file, "annotations"):
        if not isinstance(value, list) or len(value) != 1:
            raise ImportFileError(file, place, f"{shown(value)} must be a list of one annotation")
        yield place, value[0]
    if place is None:
        raise ImportFileError(file, "annotations", "is missing or empty; VIST's layout lists the texts there")


def read_captions(
    file: Path, number: int, albums: dict[str, AlbumContent], annotated: set[tuple[str, str, int, str, str]]
) -> None:
    """Captions have no id: one that the same worker wrote word for word at the same place is the same one."""
    for element, (place, row) in enumerate(annotations(file)):
        album, photo = place_in_album(file, place, row, albums)
        position = order(file, place, row, "photo_order_in_story")
        caption = sentence(file, place, row)
        one = album.external_id, photo, position, caption, str(row.get("worker_id"))
        if one in annotated:
            album.repeated += 1
            continue
        annotated.add(one)
        album.captions.append((photo, position, caption))
        album.places.append(PlaceNames.number(number, element))


def read_stories(
    file: Path,
    number: int,
    albums: dict[str, AlbumContent],
    stories: dict[str, dict[int, tuple[str, str, int]]],
    storylets: set[str],
) -> None:
    """Read stories whole: a VIST story has exactly five sentences, each on a photo of the story's album."""
    found: dict[str, tuple[AlbumContent, str, str]] = {}
    for element, (place, row) in enumerate(annotations(file)):
        album, photo = place_in_album(file, place, row, albums)
        story = text(file, place, row, "story_id", longest=MAX_ID_LENGTH)
        storylet = text(file, place, row, "storylet_id")
        if storylet in storylets:
            raise ImportFileError(file, place, f"storylet_id={shown(storylet)} is already in the file")
        storylets.add(storylet)
        position = order(file, place, row, "worker_arranged_photo_order")
        if position >= SENTENCES_PER_STORY:
            raise ImportFileError(
                file, place, f"worker_arranged_photo_order={position} must be from 0 to {SENTENCES_PER_STORY - 1}"
            )
        sentences = stories.setdefault(story, {})
        if position in sentences:
            raise ImportFileError(
                file, place, f"worker_arranged_photo_order={position} is already used in story {shown(story)}"
            )
        author = check_text(file, place, "worker_id", str(row.get("worker_id") or ""))
        owner = found.setdefault(story, (album, author[:100], place))
        if owner[0] is not album:
            raise ImportFileError(
                file, place, f"album_id={shown(album.external_id)}: story {shown(story)} began in another album"
            )
        sentences[position] = (photo, sentence(file, place, row), PlaceNames.number(number, element))
    for story, (album, author, place) in found.items():
        sentences = stories[story]
        if len(sentences) != SENTENCES_PER_STORY:
            raise ImportFileError(
                file,
                place,
                f"story_id={shown(story)} has {len(sentences)} sentences instead of {SENTENCES_PER_STORY}",
            )
        ordered = [sentences[position] for position in range(SENTENCES_PER_STORY)]
        check_text(
            file, place, "the ids of the story's photos", "-".join(photo for photo, _, _ in ordered), MAX_KEY_LENGTH
        )
        told = [(photo, text) for photo, text, _ in ordered]
        places = tuple(place for _, _, place in ordered)
        album.stories.append(StoryContent(story, told, author, sequence=True, places=places))
        stories[story] = {}  # its id stays taken, its texts are kept once


def place_in_album(
    file: Path, place: str, row: dict[str, Any], albums: dict[str, AlbumContent]
) -> tuple[AlbumContent, str]:
    photo = text(file, place, row, "photo_flickr_id")
    album = albums.get(text(file, place, row, "album_id"))
    if album is None:
        raise ImportFileError(file, place, f"album_id={shown(row['album_id'])} is not among the file's albums")
    if photo not in album.photos:
        raise ImportFileError(
            file, place, f"photo_flickr_id={shown(photo)} is not a photo of album {shown(album.external_id)}"
        )
    return album, photo


def text(file: Path, place: str, row: Any, key: str, longest: int | None = None) -> str:
    """The non-empty string under a key."""
    if not isinstance(row, dict):
        raise ImportFileError(file, place, f"{shown(row)} must be an object")
    value = row.get(key)
    if value is None:
        raise ImportFileError(file, place, f"the key '{key}' is missing")
    if not isinstance(value, str) or is_blank(value):
        raise ImportFileError(file, place, f"{key}={shown(value)} must be a non-empty string")
    return check_text(file, place, key, value, longest)


def sentence(file: Path, place: str, row: dict[str, Any]) -> str:
    """The text as its author typed it, where the file has that."""
    return text(file, place, row, "original_text" if row.get("original_text") else "text").strip()


def order(file: Path, place: str, row: dict[str, Any], key: str) -> int:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1000:
        problem = "is missing" if key not in row else f"{key}={shown(value)}"
        raise ImportFileError(file, place, f"{problem}: '{key}' must be a whole number of at least 0")
    return value
