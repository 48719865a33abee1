"""The result of a campaign."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from annotations.campaigns.models.campaigns import Campaign, new_token
from annotations.reports.querysets import ReportQuerySet


class Report(models.Model):
    """A frozen report: its bytes are kept, and served as long as the campaign's revision is that of the report."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="reports")
    revision = models.CharField(max_length=64, help_text="of the campaign when it was made (`campaign_revision`)")
    look = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="which of the declared looks it is; empty after the close, or looked at early"
    )
    content = models.BinaryField(help_text="the report as JSON, UTF-8")
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ReportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "sha256"], name="report_once"),
            models.UniqueConstraint(
                fields=["campaign", "look"], condition=Q(look__isnull=False), name="report_look_once"
            ),
        ]
        indexes = [models.Index(fields=["campaign", "revision"], name="report_by_revision")]

    def __str__(self) -> str:
        return f"{self.campaign_id} at {self.revision}"


class ReportLink(models.Model):
    """A link for co-authors, who have no account: it shows the campaign's closed report and nothing else."""

    campaign = models.OneToOneField(Campaign, models.CASCADE, related_name="report_link")
    token = models.CharField(max_length=40, unique=True, default=new_token, help_text="in the link")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"to the report of {self.campaign_id}"

    def get_absolute_url(self) -> str:
        return reverse("shared_report", args=[self.token])
