"""Reads of ratings: which rows count."""

from typing import Any

from django.db import models
from django.db.models import OuterRef, Subquery


class RatingQuerySet(models.QuerySet):
    def current(self) -> "RatingQuerySet":
        """The highest revision of each assignment."""
        newest = self.model._default_manager.filter(assignment=OuterRef("assignment")).order_by("-revision")
        return self.filter(revision=Subquery(newest.values("revision")[:1]))

    def counting(self, campaign: Any) -> "RatingQuerySet":
        """The answers that enter a campaign's result: current, not withdrawn or skipped, no quality control, no dry
        run."""
        return self.current().filter(
            kind="answer",
            assignment__item__campaign=campaign,
            assignment__item__kind="regular",
            assignment__rater__trial=False,
        )
