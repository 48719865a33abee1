"""What is handed out: an item, to one rater, for a while."""

import uuid
from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from annotations.campaigns.models.items import Item
from annotations.campaigns.models.raters import Rater
from annotations.campaigns.querysets.campaigns import AssignmentQuerySet


class Assignment(models.Model):
    """An item given to one rater, on a lease."""

    class State(models.TextChoices):
        OPEN = "open"
        DONE = "done"
        SKIPPED = "skipped"
        RELEASED = "released", "given back unanswered"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    item = models.ForeignKey(Item, models.CASCADE, related_name="assignments", db_index=False)
    rater = models.ForeignKey(Rater, models.CASCADE, related_name="assignments", db_index=False)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    candidate_order = models.JSONField(help_text="[primary key, random id] of each candidate, as this rater sees them")
    shown = models.TextField(
        default="", db_default="", help_text="the decodings by place, as `shown_as` writes them; empty: not known"
    )
    place_given_back = models.BooleanField(
        default=False, db_default=False, help_text="its rater is left out, and another may rate the item instead"
    )
    draft = models.JSONField(default=dict, help_text="half an answer, as the page's fields had it")
    seconds_spent = models.FloatField(
        default=0, db_default=0.0, help_text="that the rater has looked at the screen, over all visits; it only grows"
    )
    check_passed = models.BooleanField(null=True, help_text="of quality control: what its answer showed")
    too_fast = models.BooleanField(default=False, db_default=False, help_text="answered faster than allowed")
    same_answers = models.BooleanField(default=False, db_default=False, help_text="all texts were answered alike")
    so_far = models.JSONField(
        null=True,
        editable=False,
        help_text="what was known of the rater's screens when it was claimed (`SoFar`); empty: to be counted anew",
    )
    leased_until = models.DateTimeField()
    revision = models.PositiveSmallIntegerField(default=0, help_text="of its newest rating; 0 before there is one")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    held: timedelta  # since it was first handed out, where `with_held` was asked
    now: datetime  # by the database's clock, where `open_of` was asked

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "rater"], name="assignment_item_once_a_rater"),
            models.UniqueConstraint(fields=["rater"], condition=Q(state="open"), name="assignment_one_open_a_rater"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "done", "skipped", "released"]), name="assignment_state_known"
            ),
            models.CheckConstraint(condition=Q(seconds_spent__gte=0), name="assignment_seconds_not_negative"),
        ]
        indexes = [
            models.Index(F("leased_until"), condition=Q(state="open"), name="assignment_by_lease"),
            models.Index(fields=["rater", "state"], name="assignment_by_rater"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} to {self.rater_id}"
