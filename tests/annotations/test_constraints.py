"""What the store refuses, whoever writes."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from annotations import models
from tests.factories import (
    AlbumFactory,
    CaptionFactory,
    DecodingFactory,
    ImportFactory,
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
    good = {"metric": "bleu", "value": 1.0, "signature": "s"}
    decoding = made.systems["gru"]
    refused(lambda: models.Score.objects.create(**good))
    refused(lambda: models.Score.objects.create(**good | {"signature": ""}, decoding=decoding))
    refused(lambda: models.Score.objects.create(**good, decoding=decoding, by_item=[1.0]))
    models.Score.objects.create(**good, decoding=decoding)
    refused(lambda: models.Score.objects.create(**good, decoding=decoding))
    models.Score.objects.create(**good, decoding=decoding, campaign=made.campaign, by_item=[1.0])
    refused(lambda: models.Score.objects.create(**good, decoding=decoding, campaign=made.campaign))


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


def test_a_photo_stands_once_in_its_album() -> None:
    photo = PhotoFactory()
    refused(lambda: PhotoFactory(album=photo.album, external_id=photo.external_id))
