"""A comparison of campaigns as typed values; `ci`, `p`, `n` and `undefined` are as in a report (`model`).

Systems here are named by their labels: a name, and what tells it apart where campaigns showed other texts under it.
"""

from typing import Literal

from annotations.reports.schema.base import Interval, Part, Reason


class ComparedCampaign(Part):
    """A closed campaign: what was asked, of which texts."""

    name: str
    purpose: str
    dataset: str
    split: str
    closed: str | None  # ISO 8601, the day
    protocol: str
    unit: str
    scale: Interval  # its ends
    categories: list[str]  # of errors; empty where raters marked none
    show: str
    instructions: str
    imported: bool
    criteria: list[str]
    systems: list[str]  # their names
    items: int

    @property
    def questions(self) -> tuple[str, str, Interval, tuple[str, ...], str, str]:
        """What has to be the same for two campaigns to have asked the same."""
        return self.protocol, self.unit, self.scale, tuple(self.categories), self.show, self.instructions


class ItemCounts(Part):
    """Items `of` each campaign, those that all share, and of these those that have ratings in each."""

    of: dict[str, int]
    shared: int
    rated: int


class CampaignMean(Part):
    """A system's mean in one campaign, over the items rated in all; z is standardised by rater within the campaign."""

    campaign: str
    n: int
    raters: int
    items: int
    mean: float | None
    ci: Interval | None
    z: float | None
    undefined: Reason | None


class SystemMeans(Part):
    """A system by its label and name, with a cell for each campaign, None where it was not in it."""

    system: str
    name: str
    cells: list[CampaignMean | None]


class DifferenceOfDistances(Part):
    """By how much more the first system is above `links`, which both campaigns rated, than the second is."""

    links: list[str]
    difference: float | None
    ci: Interval | None
    items: int
    undefined: Reason | None


class CampaignDifference(Part):
    """`system_a` in the later campaign minus `system_b` in the earlier.

    The kind says what may differ besides raters: of `raters` nothing, since both are the same system, of `systems`
    the systems, which no campaign rated together.
    """

    kind: Literal["raters", "systems"]
    system_a: str
    campaign_a: str
    system_b: str
    campaign_b: str
    difference: float | None
    ci: Interval | None
    p: float | None
    n: int
    items: int
    undefined: Reason | None
    against_links: DifferenceOfDistances | None
    p_holm: float | None = None  # adjusted with all differences by the criterion


class CriterionComparison(Part):
    """One criterion in campaigns that asked the same; without means and differences where it is undefined."""

    criterion: str
    campaigns: list[str]
    scale: Interval  # its ends
    scale_found: bool  # as the range of an import's scores alone
    items: ItemCounts
    notes: list[str]  # sentences on items and systems
    raters: str | None = None  # a sentence on how raters differ between the campaigns
    systems: list[SystemMeans] = []
    differences: list[CampaignDifference] = []
    links: list[str] = []  # systems that several of the campaigns rated with the same texts
    undefined: Reason | None = None


class MetricCell(Part):
    """A system's value by a metric in one campaign."""

    value: float
    ci: Interval | None


class SystemMetric(Part):
    """A system with a cell for each of the table's campaigns, None where it was not scored in it."""

    system: str
    cells: list[MetricCell | None]


class MetricTable(Part):
    """A metric in campaigns that have the same items and computed it in the same way."""

    metric: str
    signature: str
    campaigns: list[str]
    systems: list[SystemMetric]


class MetricComparison(Part):
    """Sentences say which campaigns and metrics are left out, and what else the values differ by."""

    tables: list[MetricTable]
    left_out: list[str]
    notes: list[str]


class CampaignComparison(Part):
    """Campaigns side by side, oldest first; `left_out` says in sentences what is not compared, and why."""

    campaigns: list[ComparedCampaign]
    left_out: list[str]
    criteria: list[CriterionComparison]  # a criterion is there again for other campaigns
    metrics: MetricComparison
    method: str
