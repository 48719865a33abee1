"""Reads of an album as people look at it: its sequences of photos, and every story beside each."""

from collections import defaultdict
from typing import Any, NamedTuple

from annotations.corpora.models import Album, Photo, SequencePhoto, Source, StorySentence
from annotations.systems.models import Decoding, Output, System
from annotations.systems.stories import first_of_photos
from texts.stories import story_lines


class ToldStory(NamedTuple):
    """What one writer has for a sequence: a text for each photo, some perhaps empty, or one `whole` text."""

    who: str
    kind: str  # of the system; empty for people
    texts: list[str]
    whole: str = ""


class ShownSequence(NamedTuple):
    photos: list[tuple[Photo, str]]  # with the first caption of each
    stories: list[ToldStory]
    captions: dict[int, int]  # by photo that caption's primary key

    @property
    def captioned(self) -> list[tuple[Photo, str, int | None]]:
        return [(photo, text, self.captions.get(photo.pk)) for photo, text in self.photos]


def sequences_of(album: Album) -> list[ShownSequence]:
    """The album's sequences in the order of their import; people's stories come first, then systems' by name."""
    sequences = Source.objects.visible().filter(album=album).of_kind("sequence").order_by("pk")
    photos: dict[int, list[Photo]] = defaultdict(list)
    for place in SequencePhoto.objects.filter(source__in=sequences).select_related("photo").order_by("position"):
        photos[place.source_id].append(place.photo)
    captions = Source.objects.visible().captions().filter(album=album).order_by("pk")
    captioned = list(captions.values_list("photo", "text", "pk"))
    first = first_of_photos((photo, text) for photo, text, _ in captioned)
    first_keys = {photo: pk for photo, _, pk in reversed(captioned)}
    told = people_told(album)
    wrote = systems_wrote(album)
    return [
        ShownSequence(
            [(photo, first.get(photo.pk, "")) for photo in photos[pk]],
            [
                ToldStory(f"person {number}", "", texts)
                for number, texts in enumerate(told.get(pk, {}).values(), start=1)
            ]
            + [story for each in wrote if (story := story_of(*each, pk, photos[pk]))],
            {photo.pk: first_keys[photo.pk] for photo in photos[pk] if photo.pk in first_keys},
        )
        for pk in sequences.values_list("pk", flat=True)
    ]


def people_told(album: Album) -> dict[int, dict[int, list[str]]]:
    """By sequence and story its sentences."""
    found: dict[int, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    rows = StorySentence.objects.visible().filter(story__album=album, story__sequence__isnull=False)
    for sequence, story, text in rows.order_by("story", "position").values_list("story__sequence", "story", "text"):
        found[sequence][story].append(text)
    return found


def systems_wrote(album: Album) -> list[tuple[Decoding, dict[int, str], dict[int, str]]]:
    """The newest decoding of each model and file on the album's split, with what it wrote for the album: for its
    sequences, and for its photos as `stories_decoding` takes it."""
    newest: dict[int, Decoding] = {}
    kinds = [System.Kind.FILE, System.Kind.MODEL]
    rows = Decoding.objects.complete().own().filter(dataset=album.dataset_id, split=album.split, system__kind__in=kinds)
    for decoding in rows.select_related("system").order_by("system__name", "-completed_at", "-pk"):
        newest.setdefault(decoding.system_id, decoding)
    of_sequences: dict[int, dict[int, str]] = defaultdict(dict)
    of_photos: dict[int, list[tuple[int, str]]] = defaultdict(list)
    outputs = Output.objects.filter(decoding__in=list(newest.values()), source__album=album).first_rank()
    columns: Any = ("decoding", "source", "source__kind", "source__photo", "text")
    for decoding, source, kind, photo, text in outputs.order_by("source__kind", "source").values_list(*columns):
        if kind == Source.Kind.SEQUENCE:
            of_sequences[decoding][source] = text
        else:
            of_photos[decoding].append((photo, text))
    return [(each, of_sequences[each.pk], dict(first_of_photos(of_photos[each.pk]))) for each in newest.values()]


def story_of(
    decoding: Decoding, of_sequences: dict[int, str], of_photos: dict[int, str], sequence: int, photos: list[Photo]
) -> ToldStory | None:
    who, kind = decoding.system.name, decoding.system.kind
    if sequence in of_sequences:
        lines = story_lines(of_sequences[sequence])
        return ToldStory(who, kind, lines) if len(lines) == len(photos) else ToldStory(who, kind, [], " ".join(lines))
    texts = [of_photos.get(photo.pk, "") for photo in photos]
    return ToldStory(who, kind, texts) if any(texts) else None
