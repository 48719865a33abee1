"""What raters answered, and what was made of it. Ratings are added, never changed: triggers on the table hold it."""

from collections.abc import Mapping

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotations.campaigns.models.assignments import Assignment
from annotations.campaigns.models.items import Candidate
from annotations.campaigns.querysets.ratings import RatingQuerySet
from annotations.campaigns.standing import Looked


class Rating(models.Model):
    """One rater's answer to an assignment. The highest revision counts; an undo adds a withdrawn one."""

    class Kind(models.TextChoices):
        ANSWER = "answer"
        SKIP = "skip"
        WITHDRAWN = "withdrawn"

    assignment = models.ForeignKey(Assignment, models.PROTECT, related_name="ratings", db_index=False)
    revision = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=9, choices=Kind)
    answers = models.JSONField(default=dict, help_text="by criterion, as the protocol says; candidates by primary key")
    seconds = models.FloatField(
        null=True, blank=True, help_text="that the rater looked at the screen, over all visits; empty: not known"
    )
    key = models.UUIDField(unique=True, help_text="the client's idempotency key")
    body_hash = models.CharField(max_length=64, help_text="SHA-256 of what was sent with the key")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_before = False  # set where what was sent under a key comes again
    looked: Looked | None = None  # what quality control saw in it, where it has just been sent
    training: Mapping[str, str] | None = None  # what its screen hid, where that was a training screen

    objects = RatingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assignment", "revision"], name="rating_revision_once"),
            models.CheckConstraint(condition=Q(kind__in=["answer", "skip", "withdrawn"]), name="rating_kind_known"),
            models.CheckConstraint(condition=Q(revision__gte=1), name="rating_revision_from_one"),
            models.CheckConstraint(condition=Q(seconds=None) | Q(seconds__gte=0), name="rating_seconds_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.assignment_id} r{self.revision} {self.kind}"


class Remark(models.Model):
    """What a rater said of a screen in their own words: a comment on their answer, or why they passed on it. It is kept
    apart, so that erasing a person can blank it."""

    class Reason(models.TextChoices):
        CANNOT_JUDGE = "cannot_judge", "cannot judge"
        WRONG = "wrong", "something is wrong with the screen"

    rating = models.OneToOneField(Rating, models.PROTECT, related_name="remark")
    reason = models.CharField(max_length=12, choices=Reason, blank=True, help_text="of a skip; empty: a comment")
    comment = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(reason__in=["", "cannot_judge", "wrong"]), name="remark_reason_known")
        ]

    def __str__(self) -> str:
        return f"{self.rating_id}: {self.reason}"


class Rewrite(models.Model):
    """A text as a rater would have written it: kept apart like a remark."""

    rating = models.ForeignKey(Rating, models.PROTECT, related_name="rewrites", db_index=False)
    candidate = models.ForeignKey(Candidate, models.PROTECT, related_name="rewrites")
    text = models.TextField(blank=True, help_text="empty: its rater was erased")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rating", "candidate"], name="rewrite_candidate_once")]

    def __str__(self) -> str:
        return self.text
