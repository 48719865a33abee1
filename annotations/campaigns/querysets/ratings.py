"""Reads of ratings: which rows count."""

from typing import Any

from django.db import models
from django.db.models import OuterRef, Subquery


class RatingQuerySet(models.QuerySet):
    def current(self) -> "RatingQuerySet":
        """The highest revision of each assignment."""
        newest = self.model._default_manager.filter(assignment=OuterRef("assignment")).order_by("-revision")
        return self.filter(revision=Subquery(newest.values("revision")[:1]))

    def newest_answers(self, campaign: Any) -> "RatingQuerySet":
        """The answers of all raters but dry runs, and but those who withdrew them all, to all kinds of items."""
        return self.of_people().filter(assignment__item__campaign=campaign)

    def of_people(self) -> "RatingQuerySet":
        theirs = self.current().filter(kind="answer", assignment__rater__trial=False)
        return theirs.exclude(assignment__rater__ended_by="withdrawn")

    def answered(self, campaign: Any) -> "RatingQuerySet":
        """A campaign's answers: current, not withdrawn or skipped, no quality control, no dry run. Those of raters who
        are left out of the results are among them, but not those of raters who withdrew all of theirs."""
        return self.newest_answers(campaign).filter(assignment__item__kind="regular")

    def counting(self, campaign: Any) -> "RatingQuerySet":
        """The answers that enter a campaign's result: none of a rater who is left out."""
        return self.answered(campaign).filter(assignment__rater__excluded_at=None)

    def counting_of(self, items: Any) -> "RatingQuerySet":
        """As `counting`, of these items, whatever their campaigns."""
        return self.of_people().filter(assignment__item__in=items, assignment__rater__excluded_at=None)
