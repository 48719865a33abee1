"""A small dataset of stories: albums of five photos in a sequence, each with people's stories and systems'."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from annotations import models
from annotations.campaigns.services.making import campaign_create
from annotations.campaigns.spec import CampaignSpec
from tests.factories import (
    AlbumFactory,
    CaptionFactory,
    DatasetFactory,
    DecodingFactory,
    OutputFactory,
    PhotoFactory,
    StoryFactory,
    StorySentenceFactory,
    SystemFactory,
)

PLACES = range(5)


def sentence_of(system: str, album: int, place: int) -> str:
    return f"{system} wrote words{album}x{place}"


def story_dataset(*, albums: int = 4, people: int = 2, folder: Path | None = None) -> Any:
    """`people` stories a sequence; `gru` wrote a sentence for every caption, of which a photo has two, `tapm` one for
    every photo, and `arel` one text for every sequence. With a folder each photo has a picture of its own there."""
    dataset: Any = DatasetFactory()
    wrote: dict[str, Any] = {
        name: DecodingFactory(dataset=dataset, system=SystemFactory(name=name)) for name in ("gru", "tapm", "arel")
    }
    for album in range(albums):
        row = AlbumFactory(dataset=dataset, split="test")
        photos = [PhotoFactory(album=row, external_id=f"{album}-of-album-{place}") for place in PLACES]
        sequence = sequence_of(row, photos)
        for place, photo in enumerate(photos):
            if folder:
                photo.image = str(folder / f"picture-{album}-{place}.png")
                Path(photo.image).write_bytes(b"\x89PNG\r\n" + f"{album}{place}".encode())
                photo.save()
            for number in range(2):
                key, text = f"{photo.external_id}#{number}", f"a thing {album}{place}"
                caption = CaptionFactory(photo=photo, key=key, text=text)
                text = sentence_of("gru", album, place) if number == 0 else "the second caption"
                OutputFactory(decoding=wrote["gru"], source=caption, text=f"{text} .")
            source = CaptionFactory(photo=photo, kind="photo", key=photo.external_id, text="")
            OutputFactory(decoding=wrote["tapm"], source=source, text=sentence_of("tapm", album, place))
        told = " . ".join(sentence_of("arel", album, place) for place in PLACES)
        OutputFactory(decoding=wrote["arel"], source=sequence, text=f" {told} .")
        for person in range(people):
            story = StoryFactory(album=row, sequence=sequence)
            for place, photo in enumerate(photos):
                text = f"Person {person} told words{album}x{place}!"
                StorySentenceFactory(story=story, photo=photo, position=place, text=text)
    return dataset


def sequence_of(album: Any, photos: list[Any]) -> models.Source:
    key = "-".join(photo.external_id for photo in photos)
    sequence = models.Source.objects.create(album=album, imported_by=album.imported_by, kind="sequence", key=key)
    models.SequencePhoto.objects.bulk_create(
        models.SequencePhoto(source=sequence, photo=photo, position=place) for place, photo in enumerate(photos)
    )
    return sequence


def story_spec(dataset: Any, **values: Any) -> CampaignSpec:
    given: dict[str, Any] = {
        "name": f"stories-of-{dataset.name}", "purpose": "evaluation", "dataset": dataset.name, "split": "test",
        "systems": ["human", "gru", "arel"], "criteria": ["coherence"], "items": 4, "overlap": 2, "unit": "story",
        "show": "none",
    }  # fmt: skip
    return CampaignSpec.from_mapping(given | values)


def story_campaign(
    dataset: Any = None, make: Callable[..., Any] = story_dataset, folder: Path | None = None, **values: Any
) -> models.Campaign:
    return campaign_create(spec=story_spec(dataset or make(folder=folder), **values))
