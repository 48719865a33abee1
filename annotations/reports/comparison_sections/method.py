"""How the numbers were computed."""

from annotations.documents.blocks import Paragraph, Section
from annotations.reports.comparison_schema import CampaignComparison


def section(comparison: CampaignComparison) -> Section:
    return Section("method", "Method", [Paragraph(comparison.method)])
