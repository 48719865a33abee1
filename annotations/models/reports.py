"""The result of a campaign."""

from django.db import models
from django.db.models.functions import Now

from annotations.models.campaigns import Campaign


class Report(models.Model):
    """A frozen report: its bytes are kept and served as they were made."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="reports")
    revision = models.PositiveIntegerField(help_text="rating rows of the campaign when it was made")
    content = models.BinaryField(help_text="the report as JSON, UTF-8")
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "sha256"], name="report_once")]

    def __str__(self) -> str:
        return f"{self.campaign_id} at {self.revision}"
