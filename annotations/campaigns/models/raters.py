"""Who rates: pseudonyms, who was invited, and who was erased."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotations.campaigns.models.campaigns import Campaign, new_secret
from annotations.campaigns.querysets.campaigns import RaterQuerySet


class Rater(models.Model):
    """A pseudonym within one campaign. The session is kept as a hash only."""

    class EndedBy(models.TextChoices):
        """How a part ended, other than by a rule or by the researcher."""

        RETURNED = "returned", "returned the study to the recruiting service"
        TIMED_OUT = "timed_out", "ran out of the recruiting service's time"
        WITHDRAWN = "withdrawn", "withdrew their answers"

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="raters")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    outside_id = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001  null: none given, never ""
    session_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the session's token")
    digest_key = models.CharField(
        max_length=64,
        default=new_secret,
        editable=False,
        help_text="of the digests of what they send; another one once they are erased, so that none can be tried out",
    )
    trial = models.BooleanField(default=False, help_text="a dry run: takes nobody's place, and never counts")
    named_items = models.PositiveIntegerField(
        default=0, db_default=0, help_text="that were named for them, and are all they get; 0: any that are free"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    excluded_at = models.DateTimeField(null=True, blank=True, help_text="from then on left out of the results")
    exclusion = models.CharField(max_length=300, blank=True, help_text="why they are left out, in words")
    forms_due = models.CharField(
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text="the forms that they have still to fill in, in their order, with spaces between",
    )
    stopped_by = models.CharField(
        max_length=20, blank=True, default="", db_default="", help_text="the rule of quality control that they broke"
    )
    rules_waived = models.BooleanField(
        default=False, db_default=False, help_text="readmitted: the rules stop them no more"
    )
    replaced = models.BooleanField(
        default=False, db_default=False, help_text="left out, and others rate what they had rated"
    )
    released = models.BooleanField(
        default=False, db_default=False, help_text="replaced by the researcher, whatever a service says"
    )
    ended_by = models.CharField(
        max_length=9,
        choices=EndedBy,
        blank=True,
        default="",
        db_default="",
        help_text="their own doing, or the service's",
    )
    completion_code = models.CharField(
        max_length=20, null=True, blank=True, unique=True, help_text="made when it is earned and shown"
    )
    enough_answers = models.PositiveIntegerField(
        null=True, blank=True, help_text="what they had answered, none skipped, when nothing was left for them"
    )
    erased_at = models.DateTimeField(null=True, blank=True, help_text="from then on nothing here says who they are")
    erased_as = models.UUIDField(
        null=True, blank=True, help_text="random; the same in all campaigns in which one person was erased at once"
    )

    objects = RaterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(erased_at=None, erased_as=None)
                | Q(erased_at__isnull=False, erased_as__isnull=False, outside_id=None, completion_code=None),
                name="rater_erased_is_nobody",
            ),
            models.CheckConstraint(
                condition=Q(excluded_at=None, exclusion="") | (Q(excluded_at__isnull=False) & ~Q(exclusion="")),
                name="rater_excluded_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(replaced=False) | Q(excluded_at__isnull=False), name="rater_replaced_is_left_out"
            ),
            models.CheckConstraint(condition=Q(stopped_by="") | Q(replaced=True), name="rater_stopped_is_replaced"),
            models.CheckConstraint(condition=Q(released=False) | Q(replaced=True), name="rater_released_is_replaced"),
            models.CheckConstraint(condition=Q(ended_by="") | Q(replaced=True), name="rater_ended_is_replaced"),
            models.CheckConstraint(
                condition=Q(ended_by__in=["", "returned", "timed_out", "withdrawn"]), name="rater_ended_by_known"
            ),
            models.CheckConstraint(condition=~Q(completion_code=""), name="rater_completion_code_not_empty"),
            models.UniqueConstraint(fields=["campaign", "outside_id"], name="rater_outside_id_once"),
            models.CheckConstraint(condition=~Q(outside_id=""), name="rater_outside_id_not_empty"),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def forms_left(self) -> list[str]:
        return self.forms_due.split()

    @property
    def owes_exit(self) -> bool:
        """Whether their completion code waits for the exit questionnaire, which nobody can send after the close or once
        their own part has ended."""
        return "exit" in self.forms_left and not self.replaced and self.campaign.state != Campaign.State.CLOSED

    @property
    def most_screens(self) -> int:
        """That they can answer."""
        return self.named_items or self.campaign.most_screens


class Invitation(models.Model):
    """An outside id that was given a signed link: nobody joins under it without."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="invitations")
    outside_id = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "outside_id"], name="invitation_once"),
            models.CheckConstraint(condition=~Q(outside_id=""), name="invitation_outside_id_not_empty"),
        ]

    def __str__(self) -> str:
        return self.outside_id


class ErasedId(models.Model):
    """That an outside id was erased, so that its old links open nothing. It does not say which: only who has the
    site's secret key and the id can tell that it is this one."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="erased_ids")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the signature that the id's personal link carries")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "digest"], name="erased_id_once")]

    def __str__(self) -> str:
        return self.digest
