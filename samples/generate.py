"""Writes the synthetic set: for each split the two files of VIST's layout, and the pictures. The same seed, the same
bytes."""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samples.outings import COLOURS, COUNTS, OUTINGS, PEOPLE, Outing
from samples.pictures import draw

ALBUMS = {"train": 88, "valid": 8, "feedback": 12, "test": 12}
PHOTOS_PER_ALBUM, TEXTS_PER_PHOTO = 5, 3
NOTE = "synthetic"


def generate(folder: Path, *, seed: int = 1, albums: Mapping[str, int] = ALBUMS) -> dict[str, dict[str, Path]]:
    """Write everything into the folder; for each split its files by role: `dii`, `sis`. Pictures go to `images/`."""
    draw_ = random.Random(seed)
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    files: dict[str, dict[str, Path]] = {}
    number = 0
    for split, count in albums.items():
        content = Content()
        for _ in range(count):
            number += 1
            write_album(content, images, OUTINGS[number % len(OUTINGS)], f"9{number:05d}", draw_)
        files[split] = content.write(folder, split)
    return files


class Content:
    """The three lists of VIST's files, while they fill."""

    def __init__(self) -> None:
        self.albums: list[dict[str, Any]] = []
        self.images: list[dict[str, Any]] = []
        self.captions: list[list[dict[str, Any]]] = []
        self.stories: list[list[dict[str, Any]]] = []

    def write(self, folder: Path, split: str) -> dict[str, Path]:
        written = {}
        for role, name, annotations in (
            ("dii", "description-in-isolation", self.captions),
            ("sis", "story-in-sequence", self.stories),
        ):
            info = {"description": "synthetic sample in VIST's layout", "version": "1"}
            everything = {"info": info, "albums": self.albums, "images": self.images, "annotations": annotations}
            written[role] = folder / f"{split}.{name}.json"
            written[role].write_text(json.dumps(everything, indent=0), encoding="utf-8")
        return written


def write_album(content: Content, images: Path, outing: Outing, album: str, draw_: random.Random) -> None:
    """Five of the outing's scenes in order, each a photo with three captions, and three stories over them."""
    content.albums.append({"id": album, "title": f"{outing.title} (synthetic)", "description": NOTE})
    scenes = sorted(draw_.sample(range(len(outing.scenes)), PHOTOS_PER_ALBUM))
    photos = []
    for place, index in enumerate(scenes):
        scene, photo = outing.scenes[index], f"{album}{place + 1}"
        caption_who, story_who = draw_.choice(PEOPLE)
        slots = {"colour": draw_.choice(COLOURS), "count": draw_.choice(COUNTS), "who": caption_who, "them": story_who}
        picture = draw(outing.backdrop, scene.motifs, slots["colour"], shift=draw_.randrange(-40, 41))
        (images / f"{photo}.svg").write_text(picture, encoding="utf-8")
        content.images.append({"id": photo, "album_id": album, "title": "", "license": NOTE})
        photos.append((photo, scene, slots))
    for photo_place, (photo, scene, slots) in enumerate(photos):
        for form in draw_.sample(scene.captions, TEXTS_PER_PHOTO):
            row = {"album_id": album, "photo_flickr_id": photo, "original_text": form.format(**slots)}
            content.captions.append([{**row, "text": form.format(**slots), "photo_order_in_story": photo_place}])
    chosen = [draw_.sample(scene.stories, TEXTS_PER_PHOTO) for _, scene, _ in photos]
    for told in range(TEXTS_PER_PHOTO):
        for place, (photo, _, slots) in enumerate(photos):
            content.stories.append([story_row(album, told, place, photo, sentence(chosen[place][told], slots))])


def sentence(form: str, slots: Mapping[str, str]) -> str:
    text = form.format(**slots)
    return text[0].upper() + text[1:]


def story_row(album: str, told: int, place: int, photo: str, text: str) -> dict[str, Any]:
    return {
        "album_id": album,
        "story_id": f"{album}{told}",
        "storylet_id": f"{album}{told}{place}",
        "photo_flickr_id": photo,
        "worker_arranged_photo_order": place,
        "original_text": text,
        "text": text,
    }
