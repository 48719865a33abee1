"""What is shown: a source and the texts that are judged."""

import uuid
from typing import NamedTuple

from django.db import models
from django.db.models import Q

from annotations.campaigns.models.campaigns import Campaign
from annotations.corpora.models import Source
from annotations.storage.fields import DigestField
from annotations.systems.models import Output


class ShownPhoto(NamedTuple):
    """What a screen can show of one of a source's photos: its picture, as the photo has it, and its caption."""

    image: str
    caption: str


class Item(models.Model):
    """One screen: a source and its candidates."""

    class Kind(models.TextChoices):
        REGULAR = "regular"
        REPEAT = "repeat", "planned repeat"
        CONTROL = "control", "quality control"
        ATTENTION = "attention", "attention item"
        TRAINING = "training"
        QUALIFICATION = "qualification"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="items", db_index=False)
    kind = models.CharField(max_length=13, choices=Kind, default=Kind.REGULAR)
    source = models.ForeignKey(Source, models.PROTECT, related_name="items")
    position = models.PositiveIntegerField(help_text="in the campaign's seeded order")
    planted = models.JSONField(
        null=True,
        blank=True,
        help_text="of quality control: how a text is degraded, and the random ids of it and of its original, if shown",
    )
    taken = models.PositiveSmallIntegerField(
        default=0, help_text="assignments open or done, but places given back; and places kept for named raters"
    )
    turn = models.PositiveBigIntegerField(
        default=0,
        db_default=0,
        help_text="0: by its position; where a place came back, behind all that were there: the newest assignment then",
    )
    shown_photos: list[ShownPhoto]  # of its source, where `item_shown` was asked

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "position"], name="item_position_once"),
            models.UniqueConstraint(
                fields=["campaign", "source"], condition=Q(kind="regular"), name="item_source_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["regular", "repeat", "control", "attention", "training", "qualification"]),
                name="item_kind_known",
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "taken", "turn", "position"], name="item_by_turn"),
            models.Index(
                fields=["campaign", "turn", "taken", "position"], condition=Q(turn__gt=0), name="item_that_came_back"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}[{self.position}]"


class Candidate(models.Model):
    """A text as shown, under a random id. It counts for every system one of whose outputs it shows."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    item = models.ForeignKey(Item, models.CASCADE, related_name="candidates", db_index=False)
    text = models.TextField()
    digest = DigestField("text", help_text="SHA-256 of the text, which is once in an item")
    outputs: "models.ManyToManyField[Output, CandidateOutput]" = models.ManyToManyField(
        Output, through="CandidateOutput", related_name="candidates"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "digest"], name="candidate_text_once")]

    def __str__(self) -> str:
        return self.text


class CandidateOutput(models.Model):
    candidate = models.ForeignKey(Candidate, models.CASCADE, related_name="shown_outputs", db_index=False)
    output = models.ForeignKey(Output, models.PROTECT, related_name="shown_as")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["candidate", "output"], name="candidate_output_once")]

    def __str__(self) -> str:
        return f"{self.candidate_id} shows {self.output_id}"
