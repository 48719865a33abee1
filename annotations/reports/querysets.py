"""Reads of reports: which of the kept ones is true of a campaign as it stands."""

import hashlib
import json
from typing import Any

from django.db import models
from django.db.models import Count, Max, Q

from annotations.reports.schema.report import VERSION


class ReportQuerySet(models.QuerySet):
    def of_revision(self, campaign: Any, revision: str) -> Any:
        """The newest report of the campaign as it stood at that revision, or None."""
        return self.filter(campaign=campaign, revision=revision).order_by("-pk").first()

    def newest(self, campaign: Any) -> Any:
        return self.filter(campaign=campaign).order_by("-pk").first()


def campaign_revision(campaign: Any) -> str:
    """Changes whenever something changes that the campaign's report is made from: ratings, which are only added, who is
    left out, scores, what can still be set on the campaign itself, and reports' layout."""
    from annotations.campaigns.models import Rater, Rating
    from annotations.systems.models import Score, ScoreDifference

    ratings = Rating.objects.filter(assignment__item__campaign=campaign).aggregate(rows=Count("pk"), newest=Max("pk"))
    excluded = Rater.objects.filter(campaign=campaign, excluded_at__isnull=False).order_by("pk")
    scores = Score.objects.filter(campaign=campaign).order_by("pk")
    parts = [
        ratings["newest"],
        [[pk, str(at), why] for pk, at, why in excluded.values_list("pk", "excluded_at", "exclusion")],
        list(scores.annotate(whole=Q(by_item__isnull=True)).values_list("pk", "value", "ci_low", "ci_high", "whole")),
        list(scores.order_by("metric").values_list("metric__description", "metric__less_is_better").distinct()),
        list(ScoreDifference.objects.filter(campaign=campaign).aggregate(Count("pk"), Max("pk")).values()),
        [campaign.state, campaign.overlap, campaign.family, campaign.primary, campaign.looks, campaign.spending],
        campaign.equivalence_margin,
        VERSION,
    ]
    return f"{ratings['rows']}-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]}"
