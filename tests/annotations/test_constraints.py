"""What the store refuses, whoever writes."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from annotations import models
from tests.factories import (
    AlbumFactory,
    CaptionFactory,
    DecodingFactory,
    ImportFactory,
    MetricFactory,
    OutputFactory,
    PhotoFactory,
    StorySentenceFactory,
    SystemFactory,
    make_campaign,
)

pytestmark = pytest.mark.django_db


def refused(write: Callable[[], object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        write()


def test_places_in_a_story_are_unique_and_not_negative() -> None:
    sentence = StorySentenceFactory(position=0)
    refused(lambda: StorySentenceFactory(story=sentence.story, photo=sentence.photo, position=0))
    refused(lambda: models.StorySentence.objects.update(position=-1))
    refused(lambda: models.StorySentence.objects.update(text=""))
    StorySentenceFactory(story=sentence.story, photo=sentence.photo, position=7)


def test_an_album_stands_once_in_its_dataset_and_in_one_split() -> None:
    album = AlbumFactory()
    refused(lambda: AlbumFactory(dataset=album.dataset, external_id=album.external_id, split="test"))
    refused(lambda: models.Album.objects.update(split="exam"))
    AlbumFactory(external_id=album.external_id)


def test_a_source_fits_its_kind() -> None:
    caption = CaptionFactory()
    refused(lambda: models.Source.objects.filter(pk=caption.pk).update(text=""))
    refused(lambda: models.Source.objects.filter(pk=caption.pk).update(photo=None))
    refused(lambda: models.Source.objects.filter(pk=caption.pk).update(kind="sequence"))
    refused(lambda: CaptionFactory(photo=caption.photo, key=caption.key))


def test_an_output_is_one_of_decoding_source_and_rank() -> None:
    output = OutputFactory()
    refused(lambda: OutputFactory(decoding=output.decoding, source=output.source))
    refused(lambda: OutputFactory(decoding=output.decoding, source=output.source, rank=-1))
    OutputFactory(decoding=output.decoding, source=output.source, rank=1)
    refused(
        lambda: DecodingFactory(
            system=output.decoding.system, dataset=output.decoding.dataset, fingerprint=output.decoding.fingerprint
        )
    )
    refused(lambda: SystemFactory(kind="oracle"))


def test_a_score_has_a_signature_and_a_decoding() -> None:
    made = make_campaign(captions=1)
    good = {"metric": MetricFactory(), "value": 1.0, "signature": "s"}
    decoding = made.systems["gru"]
    refused(lambda: models.Score.objects.create(**good))
    refused(lambda: models.Score.objects.create(**good | {"signature": ""}, decoding=decoding))
    refused(lambda: models.Score.objects.create(**good, decoding=decoding, by_item=[1.0]))
    models.Score.objects.create(**good, decoding=decoding)
    refused(lambda: models.Score.objects.create(**good, decoding=decoding))
    models.Score.objects.create(**good, decoding=decoding, campaign=made.campaign, by_item=[1.0])
    refused(lambda: models.Score.objects.create(**good, decoding=decoding, campaign=made.campaign))
    for part in ({"sources": 3}, {"of_sources": 3}, {"sources": 4, "of_sources": 3}):
        refused(lambda part=part: models.Score.objects.create(**good, **part, decoding=decoding))  # type: ignore[misc]
    of_part = {"sources": 3, "of_sources": 4, "decoding": decoding, "campaign": made.campaign}
    models.Score.objects.create(**good, **of_part)
    refused(lambda: models.Score.objects.create(**good, **of_part))
    refused(lambda: MetricFactory(name="chrf", level="albums"))
    refused(lambda: MetricFactory(name="chrf", description=""))


def test_a_rater_is_excluded_for_a_reason() -> None:
    campaign = make_campaign(captions=1).campaign
    refused(lambda: models.Rater.objects.create(campaign=campaign, session_hash="a", exclusion="clicked at random"))
    refused(lambda: models.Rater.objects.create(campaign=campaign, session_hash="b", excluded_at=timezone.now()))


def test_one_import_at_a_time_and_a_file_once() -> None:
    done = ImportFactory()
    refused(lambda: ImportFactory(dataset=done.dataset, fingerprint=done.fingerprint))
    refused(lambda: ImportFactory(completed_at=None))
    ImportFactory(dataset=done.dataset, state="writing", completed_at=None)
    refused(lambda: ImportFactory(dataset=done.dataset, state="writing", completed_at=None))
    refused(lambda: ImportFactory(state="half", completed_at=timezone.now()))


def test_a_text_is_once_in_an_item_however_long() -> None:
    """PostgreSQL's index holds 2,700 bytes of a text, compressed: these two differ at their ends only."""
    item = make_campaign(captions=1).campaign.items.get()
    texts = [f"{''.join(chr(0x4E00 + n * 7 % 20000) for n in range(5000))}{end}" for end in "ab"]
    models.Candidate.objects.bulk_create(models.Candidate(item=item, text=text) for text in texts)
    for text in texts:
        refused(lambda text=text: models.Candidate.objects.create(item=item, text=text))  # type: ignore[misc]


@pytest.mark.parametrize("model", [models.Dataset, models.System, models.Campaign, models.FeedbackSet])
def test_a_name_has_1_to_100_characters_on_every_database(model: Any) -> None:
    made = make_campaign(captions=1)
    models.FeedbackSet.objects.create(name="f", dataset=made.dataset, settings={}, sha256="0")
    row = model.objects.order_by("pk").first()
    for name in ("", "x" * 101):
        with pytest.raises((IntegrityError, DataError)), transaction.atomic():
            model.objects.filter(pk=row.pk).update(name=name)
    model.objects.filter(pk=row.pk).update(name="x" * 100)


def test_a_photo_stands_once_in_its_album() -> None:
    photo = PhotoFactory()
    refused(lambda: PhotoFactory(album=photo.album, external_id=photo.external_id))
