"""What people wrote: albums and photos, the sources a system is given, and the stories that are their references."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from annotations.corpora.querysets import (
    DatasetQuerySet,
    ImportQuerySet,
    KeptManager,
    PhotoQuerySet,
    SourceQuerySet,
    StorySentenceQuerySet,
)
from annotations.corpora.readers.identity import MADE_UP
from annotations.corpora.readers.outcome import Outcome
from annotations.storage.fields import name_column, name_length


class Split(models.TextChoices):
    TRAIN = "train"
    FEEDBACK = "feedback"
    VALID = "valid"
    TEST = "test"


class Dataset(models.Model):
    name = name_column()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    removed_at = models.DateTimeField(null=True, editable=False, help_text="its rows are on their way out")
    rewritten = models.JSONField(
        default=dict,
        editable=False,
        help_text="by split and kind of text, how often texts were replaced or put back, and by which import last",
    )

    objects = KeptManager.from_queryset(DatasetQuerySet)()
    all_rows = models.Manager()  # noqa: DJ012

    class Meta:
        constraints = [name_length("dataset")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("dataset", args=[self.pk])


class Import(models.Model):
    """One import of files into a dataset. Nothing it wrote is visible until it is complete, nor once it is removed."""

    class State(models.TextChoices):
        WRITING = "writing"
        COMPLETE = "complete"
        REMOVING = "removing"

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="imports")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the files and of how they were read")
    description = models.CharField(max_length=500, help_text="the files' names and the options")
    state = models.CharField(max_length=8, choices=State, default=State.WRITING)
    counts = models.JSONField(default=dict, help_text="rows written, by kind")
    outcome = models.JSONField(
        default=dict,
        help_text="rows recognised and what was attached, by kind; texts replaced, and those that stood there twice",
    )
    superseded = models.BooleanField(
        default=False,
        help_text="what it wrote or recognised was replaced or removed since: its file again is compared anew",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    completed_at = models.DateTimeField(null=True, blank=True)

    objects = ImportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["writing", "complete", "removing"]), name="import_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["writing", "removing"], completed_at=None)
                | Q(state="complete", completed_at__isnull=False),
                name="import_complete_has_time",
            ),
            models.UniqueConstraint(fields=["dataset"], condition=Q(state="writing"), name="import_one_writing"),
            models.UniqueConstraint(
                fields=["dataset", "fingerprint"],
                condition=Q(state="complete", superseded=False),
                name="import_file_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset_id}: {self.description}"

    def get_absolute_url(self) -> str:
        return reverse("dataset", args=[self.dataset_id])

    @property
    def sentence(self) -> str:
        """What it did."""
        return Outcome(**self.outcome).sentence(self.counts)


class Replaced(models.Model):
    """Values of some rows as they were before an import replaced them. Kept until it is complete, and put back where it
    never is; nothing is made of a dataset meanwhile."""

    import_row = models.ForeignKey(Import, models.CASCADE, related_name="replaced")
    values = models.JSONField(help_text="lists of a model, a field, a primary key and a value")

    def __str__(self) -> str:
        return f"{self.import_row_id}: {len(self.values)} values"


class Album(models.Model):
    """A VIST album, or one document of a generic import. It belongs to exactly one split of its dataset."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="albums", db_index=False)
    imported_by = models.ForeignKey(Import, models.CASCADE, related_name="+")
    external_id = models.CharField(max_length=200)
    split = models.CharField(max_length=8, choices=Split)
    title = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dataset", "external_id"], name="album_once"),
            models.CheckConstraint(
                condition=Q(split__in=["train", "feedback", "valid", "test"]), name="album_split_known"
            ),
        ]
        indexes = [
            models.Index(fields=["dataset", "split", "id"], name="album_by_split"),
            models.Index(fields=["dataset", "id"], name="album_by_dataset"),
        ]

    def __str__(self) -> str:
        return self.external_id

    def get_absolute_url(self) -> str:
        return reverse("album", args=[self.pk])

    @property
    def known_as(self) -> str:
        """What people know it by: empty for one whose file gave it no id."""
        return "" if self.external_id.startswith(MADE_UP) else self.external_id


class Photo(models.Model):
    """A photo of an album. A generic import without photos makes one per row, with neither address nor picture."""

    album = models.ForeignKey(Album, models.CASCADE, related_name="photos", db_index=False)
    imported_by = models.ForeignKey(Import, models.CASCADE, related_name="+")
    external_id = models.CharField(max_length=200)
    url = models.URLField(max_length=500, blank=True, help_text="where the photo was published")
    image = models.CharField(
        max_length=500, blank=True, help_text="path of the picture's file, relative to VAR_DIR where it lies below it"
    )

    objects = PhotoQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["album", "external_id"], name="photo_once")]
        indexes = [models.Index(fields=["album"], condition=~Q(image=""), name="photo_with_picture")]

    def __str__(self) -> str:
        return self.external_id

    @property
    def picture(self) -> Path:
        """The picture's file; meaningless without `image`."""
        return Path(settings.VAR_DIR / self.image)


class Source(models.Model):
    """What a system is given: a caption of a photo, a photo, or a sequence of photos.

    `key` names the source within its album and kind, and is how files refer to it: a photo's id, `PHOTO#2` for its
    third caption, the ids of a sequence joined by `-`.
    """

    class Kind(models.TextChoices):
        CAPTION = "caption"
        PHOTO = "photo"
        SEQUENCE = "sequence"

    album = models.ForeignKey(Album, models.CASCADE, related_name="sources", db_index=False)
    imported_by = models.ForeignKey(Import, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind)
    key = models.CharField(max_length=500)
    photo = models.ForeignKey(Photo, models.CASCADE, null=True, blank=True, related_name="sources")
    position = models.PositiveSmallIntegerField(default=0, help_text="place of the photo in the described sequence")
    text = models.TextField(blank=True, help_text="the caption; empty for a photo or a sequence")

    objects = SourceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["album", "kind", "key"], name="source_once"),
            models.CheckConstraint(
                condition=(Q(kind="caption", photo__isnull=False) & ~Q(text=""))
                | Q(kind="photo", photo__isnull=False, text="")
                | Q(kind="sequence", photo=None, text=""),
                name="source_fits_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class SequencePhoto(models.Model):
    """One photo of a sequence source, at its place."""

    source = models.ForeignKey(Source, models.CASCADE, related_name="sequence_photos", db_index=False)
    photo = models.ForeignKey(Photo, models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["source", "position"], name="sequence_position_once")]

    def __str__(self) -> str:
        return f"{self.source_id}[{self.position}]"


class Story(models.Model):
    """What one person wrote for a sequence of photos, or for a single one in a generic import."""

    album = models.ForeignKey(Album, models.CASCADE, related_name="stories", db_index=False)
    imported_by = models.ForeignKey(Import, models.CASCADE, related_name="+")
    external_id = models.CharField(max_length=200)
    sequence = models.ForeignKey(Source, models.CASCADE, null=True, blank=True, related_name="stories")
    author = models.CharField(max_length=100, blank=True, help_text="the dataset's pseudonym of who wrote it")

    class Meta:
        verbose_name_plural = "stories"
        constraints = [models.UniqueConstraint(fields=["album", "external_id"], name="story_once")]

    def __str__(self) -> str:
        return self.external_id


class StorySentence(models.Model):
    """A sentence of a story, on one photo: a reference of that photo and of its captions."""

    story = models.ForeignKey(Story, models.CASCADE, related_name="sentences", db_index=False)
    position = models.PositiveSmallIntegerField()
    photo = models.ForeignKey(Photo, models.CASCADE, related_name="sentences")
    text = models.TextField()

    objects = StorySentenceQuerySet.as_manager()

    class Meta:
        ordering = ["story", "position"]
        constraints = [
            models.UniqueConstraint(fields=["story", "position"], name="story_position_once"),
            models.CheckConstraint(condition=Q(position__gte=0), name="story_position_not_negative"),
            models.CheckConstraint(condition=~Q(text=""), name="story_sentence_not_empty"),
        ]

    def __str__(self) -> str:
        return self.text
