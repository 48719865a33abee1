"""Whom a recruiting service sent."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotations.campaigns.models.campaigns import Campaign
from annotations.campaigns.models.raters import Rater
from annotations.campaigns.recruiting import MAX_SERVICE_ID_LENGTH


class Participation(models.Model):
    """What a recruiting service calls a rater and their visit, and what it last said of it; or that somebody does not
    take part, who then is no rater. It goes when the person is erased."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="participations")
    rater = models.OneToOneField(Rater, models.CASCADE, null=True, related_name="participation")
    participant = models.CharField(max_length=200, help_text="the outside id: PROLIFIC_PID, workerId")
    study = models.CharField(max_length=MAX_SERVICE_ID_LENGTH, blank=True, help_text="STUDY_ID, hitId; empty: not said")
    submission = models.CharField(
        max_length=MAX_SERVICE_ID_LENGTH, blank=True, help_text="SESSION_ID, assignmentId; empty: not said"
    )
    status = models.CharField(max_length=40, blank=True, help_text="of the submission, as the service last said it")
    status_at = models.DateTimeField(null=True, help_text="when the service said so, or was asked")
    declined_at = models.DateTimeField(null=True, help_text="since when they do not take part")
    no_consent_code = models.CharField(
        max_length=20, null=True, blank=True, unique=True, help_text="of who does not take part"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "participant"], name="participation_once"),
            models.CheckConstraint(condition=~Q(participant=""), name="participation_participant_not_empty"),
            models.CheckConstraint(
                condition=Q(rater=None, declined_at__isnull=False, no_consent_code__isnull=False)
                | Q(rater__isnull=False, declined_at=None, no_consent_code=None),
                name="participation_takes_part_or_declines",
            ),
        ]

    def __str__(self) -> str:
        return self.participant
