"""What ratings teach."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotations.campaigns.models import Campaign, Candidate, Rating
from annotations.corpora.models import Dataset, Source
from annotations.storage.fields import name_length
from annotations.storage.unfinished import FinishedManager, Unfinished


class FeedbackSet(Unfinished):
    """A frozen, hashed training set made from the ratings of feedback campaigns."""

    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="feedback_sets")
    campaigns: "models.ManyToManyField[Campaign, models.Model]" = models.ManyToManyField(
        Campaign, related_name="feedback_sets"
    )
    settings = models.JSONField(help_text="how ratings became weights")
    sha256 = models.CharField(max_length=64)
    counts = models.JSONField(default=dict)
    valid = models.BooleanField(default=True, help_text="false once words it holds were erased")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = FinishedManager()
    all_rows = models.Manager()

    class Meta:
        constraints = [name_length("feedback_set")]

    def __str__(self) -> str:
        return self.name


class FeedbackExample(models.Model):
    """A rated text as a training example of its source, with its weight and the ratings it stands on."""

    feedback_set = models.ForeignKey(FeedbackSet, models.CASCADE, related_name="examples", db_index=False)
    candidate = models.ForeignKey(Candidate, models.PROTECT, related_name="+")
    source = models.ForeignKey(Source, models.PROTECT, related_name="+")
    text = models.TextField()
    z = models.FloatField(help_text="mean over its ratings of the shrunk per-rater z")
    weight = models.FloatField()
    ratings: "models.ManyToManyField[Rating, models.Model]" = models.ManyToManyField(Rating, related_name="examples")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["feedback_set", "candidate"], name="feedback_candidate_once"),
            models.CheckConstraint(condition=Q(weight__gt=0), name="feedback_weight_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.weight:.3f} {self.text}"
