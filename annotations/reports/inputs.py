"""What a report is computed from: each of its sections takes what it needs."""

from dataclasses import dataclass
from functools import cached_property

from annotations.campaigns.models import Campaign
from annotations.reports.effects import add_effects, add_wins_and_missing
from annotations.reports.looks import Rule, look_of, rule_of
from annotations.reports.reading import rating_table
from annotations.reports.results import Results, analyses_of, results_of
from annotations.reports.schema.campaign import Look
from annotations.reports.table import RatingTable

RESAMPLES = 1000  # of items and raters


@dataclass(frozen=True)
class Inputs:
    """A campaign's ratings, `table` without raters who are left out; which of the declared looks the report is (`look`,
    by its number); and the primary key of the report `before` which the looks count that were taken."""

    campaign: Campaign
    everybody: RatingTable
    look: int | None
    before: int | None

    @classmethod
    def read(cls, campaign: Campaign, *, look: int | None, before: int | None) -> "Inputs":
        closed = campaign.state == Campaign.State.CLOSED
        return cls(campaign, rating_table(campaign), campaign.looks if closed else look, before)

    @cached_property
    def table(self) -> RatingTable:
        return self.everybody.without_excluded()

    @cached_property
    def rule(self) -> Rule:
        return rule_of(self.campaign, self.look)

    @cached_property
    def declared_look(self) -> Look | None:
        return look_of(self.campaign, self.look)

    @cached_property
    def results(self) -> Results:
        """Without raters who are left out, and with all that stands beside a mean and a difference."""
        campaign = self.campaign
        analyses = analyses_of(campaign, self.table)
        results = results_of(campaign, analyses, self.rule, resamples=RESAMPLES, models=True)
        add_effects(analyses, results.pairs, margin=campaign.equivalence_margin, family=campaign.family, rule=self.rule)
        planned = None if campaign.imported_by_id else campaign.screens
        for criterion, result in results.criteria.items():
            add_wins_and_missing(analyses[criterion], result, planned=planned)
        return results

    @cached_property
    def results_of_everybody(self) -> Results | None:
        """Means and differences with the raters who are left out; None where nobody is."""
        if self.table is self.everybody:
            return None
        analyses = analyses_of(self.campaign, self.everybody)
        return results_of(self.campaign, analyses, self.rule, resamples=1, models=False)
