"""The result of a campaign."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotations.campaigns.models.campaigns import Campaign
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
