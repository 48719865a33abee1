"""What ratings teach."""

from typing import get_args

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from annotations.campaigns.models import Campaign, Candidate, Rating
from annotations.corpora.models import Dataset, Source
from annotations.protocols.lessons import Origin
from annotations.storage.fields import name_length
from annotations.storage.unfinished import FinishedManager, Unfinished

NO_OTHER = Q(rejected_candidate=None, rejected="", origin="")  # text: only a preference has one


class FeedbackSet(Unfinished):
    """A frozen, hashed training set made from the ratings of feedback campaigns."""

    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="feedback_sets")
    campaigns: "models.ManyToManyField[Campaign, models.Model]" = models.ManyToManyField(
        Campaign, related_name="feedback_sets"
    )
    settings = models.JSONField(help_text="which ratings count, and how")
    sha256 = models.CharField(max_length=64)
    counts = models.JSONField(default=dict)
    simulated = models.BooleanField(default=False, help_text="ratings of simulated raters are among those it is of")
    valid = models.BooleanField(default=True, help_text="false once words it holds were erased")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = FinishedManager()
    all_rows = models.Manager()

    class Meta:
        constraints = [name_length("feedback_set")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("feedback_set", args=[self.pk])


class FeedbackExample(models.Model):
    """What raters found of a text, or of two, with the weight it has and the ratings it stands on."""

    class Kind(models.TextChoices):
        SCORE = "score", "scores"
        PREFERENCE = "preference", "preferences"
        LABEL = "label", "labels"
        SPANS = "spans", "marked errors"

    feedback_set = models.ForeignKey(FeedbackSet, models.CASCADE, related_name="examples", db_index=False)
    number = models.PositiveIntegerField(help_text="from 1: its place in the set")
    kind = models.CharField(max_length=10, choices=Kind)
    source = models.ForeignKey(Source, models.PROTECT, related_name="+")
    candidate = models.ForeignKey(
        Candidate, models.PROTECT, related_name="+", help_text="that was judged, chosen, or rewritten"
    )
    text = models.TextField(help_text="of a rewrite the words that its rater typed")
    weight = models.FloatField(help_text="1: full trust; the less raters agree, the lower")
    judgements = models.JSONField(default=dict, help_text="of each rater, by their number in the set")
    score = models.FloatField(null=True, help_text="of a score: mean over its raters, standardised and shrunk")
    rejected_candidate = models.ForeignKey(Candidate, models.PROTECT, null=True, related_name="+")
    rejected = models.TextField(blank=True, help_text="of a preference: the text that is not preferred")
    origin = models.CharField(max_length=7, blank=True, help_text="of a preference: how it came about")
    desirable = models.BooleanField(null=True, help_text="of a label")
    flip_rate = models.FloatField(null=True, help_text="probability that a preference or label is the wrong way round")
    spans = models.JSONField(null=True, help_text="of marked errors: start, end and weight, in code points")
    ratings: "models.ManyToManyField[Rating, models.Model]" = models.ManyToManyField(Rating, related_name="examples")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["feedback_set", "number"], name="feedback_number_once"),
            models.CheckConstraint(condition=Q(weight__gt=0), name="feedback_weight_positive"),
            models.CheckConstraint(
                condition=Q(flip_rate=None) | Q(flip_rate__gte=0, flip_rate__lt=0.5),
                name="feedback_flip_rate_below_half",
            ),
            models.CheckConstraint(
                condition=Q(
                    NO_OTHER, kind="score", score__isnull=False, desirable=None, flip_rate=None, spans__isnull=True
                )
                | Q(
                    kind="preference",
                    rejected_candidate__isnull=False,
                    origin__in=list(get_args(Origin)),
                    flip_rate__isnull=False,
                    score=None,
                    desirable=None,
                    spans__isnull=True,
                )
                | Q(
                    NO_OTHER,
                    kind="label",
                    desirable__isnull=False,
                    flip_rate__isnull=False,
                    score=None,
                    spans__isnull=True,
                )
                | Q(NO_OTHER, kind="spans", spans__isnull=False, score=None, desirable=None, flip_rate=None),
                name="feedback_example_fits_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}: {self.text}"
