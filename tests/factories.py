"""Rows for tests, made by the real models."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import factory
from django.utils import timezone

from annotations import models
from annotations.campaigns.readers.named_items import NamedSource
from annotations.campaigns.services.making import campaign_create
from annotations.campaigns.spec import CampaignSpec


class DatasetFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.Dataset

    name = factory.Sequence(lambda n: f"dataset-{n}")


class ImportFactory(factory.django.DjangoModelFactory):
    """A complete import."""

    class Meta:
        model = models.Import

    dataset = factory.SubFactory(DatasetFactory)
    fingerprint = factory.Sequence(lambda n: f"{n:064d}")
    description = "made in a test"
    state = "complete"
    completed_at = factory.LazyFunction(timezone.now)


class MetricFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.Metric
        django_get_or_create = ("name",)

    name = "bleu"
    description = factory.LazyAttribute(lambda metric: f"what {metric.name} says")
    level = "texts"
    order = 0


class AlbumFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.Album

    dataset = factory.SubFactory(DatasetFactory)
    imported_by = factory.LazyAttribute(
        lambda album: album.dataset.imports.filter(state="complete").first() or ImportFactory(dataset=album.dataset)
    )
    external_id = factory.Sequence(lambda n: f"album-{n}")
    split = "train"


class PhotoFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.Photo

    album = factory.SubFactory(AlbumFactory)
    imported_by = factory.SelfAttribute("album.imported_by")
    external_id = factory.Sequence(lambda n: f"photo-{n}")


class CaptionFactory(factory.django.DjangoModelFactory):
    """A caption source, on a photo of its own unless one is given."""

    class Meta:
        model = models.Source

    photo = factory.SubFactory(PhotoFactory)
    album = factory.SelfAttribute("photo.album")
    imported_by = factory.SelfAttribute("album.imported_by")
    kind = "caption"
    key = factory.Sequence(lambda n: f"caption-{n}")
    text = factory.Sequence(lambda n: f"the picture shows thing number {n}")


class StoryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.Story

    album = factory.SubFactory(AlbumFactory)
    imported_by = factory.SelfAttribute("album.imported_by")
    external_id = factory.Sequence(lambda n: f"story-{n}")


class StorySentenceFactory(factory.django.DjangoModelFactory):
    """A sentence on a photo; with `photo=` it becomes a reference of that photo's captions."""

    class Meta:
        model = models.StorySentence

    photo = factory.SubFactory(PhotoFactory)
    story = factory.LazyAttribute(lambda sentence: StoryFactory(album=sentence.photo.album))
    position = 0
    text = factory.Sequence(lambda n: f"We will never forget moment {n}.")


class SystemFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.System
        django_get_or_create = ("name",)

    name = factory.Sequence(lambda n: f"system-{n}")
    kind = "file"


class DecodingFactory(factory.django.DjangoModelFactory):
    """A complete decoding."""

    class Meta:
        model = models.Decoding

    system = factory.SubFactory(SystemFactory)
    dataset = factory.SubFactory(DatasetFactory)
    split = "test"
    fingerprint = factory.Sequence(lambda n: f"{n:064d}")
    completed_at = factory.LazyFunction(timezone.now)


class OutputFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = models.Output

    decoding = factory.SubFactory(DecodingFactory)
    source = factory.SubFactory(CaptionFactory)
    text = factory.Sequence(lambda n: f"we had a great time at place {n}")


class CampaignParts(NamedTuple):
    campaign: models.Campaign
    dataset: models.Dataset
    systems: dict[str, models.Decoding]


def make_campaign(
    *,
    captions: int = 6,
    references_each: int = 2,
    texts: dict[str, Callable[[int], str]] | None = None,
    purpose: str = "evaluation",
    named: Mapping[str, Sequence[int]] | None = None,
    **spec: Any,
) -> CampaignParts:
    """A campaign over `captions` captions, each in an album of its own, of `human` and the systems in `texts`.

    `texts` gives for each file system what it wrote for the n-th caption, `named` for raters which captions they get.
    """
    split = "test" if purpose == "evaluation" else "feedback"
    dataset: Any = DatasetFactory()
    written = texts or {"lstm": lambda n: "we had a great time .", "gru": lambda n: f"we saw thing {n}"}
    decodings: dict[str, Any] = {
        name: DecodingFactory(dataset=dataset, split=split, system=SystemFactory(name=name)) for name in written
    }
    keys: list[Any] = []
    for n in range(captions):
        photo = PhotoFactory(album=AlbumFactory(dataset=dataset, split=split))
        caption = CaptionFactory(photo=photo, text=f"a picture of thing {n}")
        keys.append(caption.key)
        for reference in range(references_each):
            StorySentenceFactory(photo=photo, text=f"People told story {n} in way {reference}.")
        for name, write in written.items():
            OutputFactory(decoding=decodings[name], source=caption, text=write(n))
    values: dict[str, Any] = {
        "name": f"campaign-of-{dataset.name}",
        "purpose": purpose,
        "dataset": dataset.name,
        "split": split,
        "systems": ["human", *written],
        "criteria": ["human_likeness"],
        "items": captions,
        "overlap": 2,
    }
    rows = [NamedSource(rater, keys[n], "") for rater, numbers in (named or {}).items() for n in numbers]
    campaign = campaign_create(spec=CampaignSpec.from_mapping(values | spec), named=rows)
    return CampaignParts(campaign, dataset, decodings)
