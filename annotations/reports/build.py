"""A campaign's report, from the parts that its sections compute. Everything pages and files show is taken from it."""

from annotations.campaigns.models import Campaign
from annotations.reports.inputs import Inputs
from annotations.reports.limits import cut_at_scale
from annotations.reports.schema.report import Report
from annotations.reports.sections import report_of


def report_build(campaign: Campaign, *, look: int | None = None, before: int | None = None) -> Report:
    """The result as it stands now; `look` is the number of the declared look that it is. Of the looks that were taken
    it tells those as far as the report with primary key `before`."""
    return cut_at_scale(report_of(Inputs.read(campaign, look=look, before=before)))
