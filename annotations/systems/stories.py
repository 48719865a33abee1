"""Reads of stories that are put together: from a system's sentences, from captions, from training stories."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from django.db.models import QuerySet

from annotations.corpora.models import Dataset, SequencePhoto, Source, StorySentence
from annotations.storage.bulk import batched
from annotations.systems.models import Decoding, Output
from texts.stories import story_text

SEQUENCE_BATCH_SIZE = 100
OutputRow = tuple[int, int, str, float | None]  # source's primary key, rank, text, logprob
Texts = Mapping[int, str]  # by photo's primary key


def story_rows(sequences: QuerySet[Source], decoding: Decoding) -> Iterator[OutputRow]:
    """A story for each of the sequences that the decoding has a sentence for every photo of."""
    for told in batched(photos_by_sequence(sequences), SEQUENCE_BATCH_SIZE):
        photos = {photo for _, row in told for photo in row}
        outputs = Output.objects.filter(decoding=decoding, source__photo__in=photos).first_rank()
        rows = outputs.order_by("source__kind", "source").values_list("source__photo", "text")
        yield from stories_of(told, first_of_photos(rows))


def caption_story_rows(sequences: QuerySet[Source]) -> Iterator[OutputRow]:
    """The first captions of a sequence's photos, where all have one."""
    for told in batched(photos_by_sequence(sequences), SEQUENCE_BATCH_SIZE):
        photos = {photo for _, row in told for photo in row}
        captions = Source.objects.visible().captions().filter(photo__in=photos).order_by("pk")
        yield from stories_of(told, first_of_photos(captions.values_list("photo", "text")))


def random_story_rows(sources: QuerySet[Source], stories: Sequence[str], seed: int) -> Iterator[OutputRow]:
    for pk, key in sources.values_list("pk", "key"):
        yield pk, 0, random.Random(f"{seed}:{key}").choice(stories), None


def first_of_photos(rows: Iterable[tuple[int, str]]) -> Texts:
    """Of (photo, text), the first text of each photo."""
    texts: dict[int, str] = {}
    for photo, text in rows:
        texts.setdefault(photo, text)
    return texts


def stories_of(told: Iterable[tuple[int, Sequence[int]]], texts: Texts) -> Iterator[OutputRow]:
    for sequence, photos in told:
        if all(photo in texts for photo in photos):
            yield sequence, 0, story_text(texts[photo] for photo in photos), None


def photos_by_sequence(sequences: QuerySet[Source]) -> Iterator[tuple[int, list[int]]]:
    """The photos of each sequence in their order, by primary keys."""
    rows = SequencePhoto.objects.filter(source__in=sequences.order_by().values("pk")).order_by("source", "position")
    for sequence, group in groupby(rows.values_list("source", "photo"), key=itemgetter(0)):
        yield sequence, [photo for _, photo in group]


def whole_training_stories(dataset: Dataset) -> list[str]:
    """Those that were told of a sequence of photos."""
    rows = StorySentence.objects.of_split(dataset, "train").filter(story__sequence__isnull=False)
    told = rows.order_by("story", "position").values_list("story", "text")
    return [story_text(text for _, text in group) for _, group in groupby(told, key=itemgetter(0))]
