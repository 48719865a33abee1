"""A comparison's sections, in the order in which they are read: a file each, which yields blocks."""

from annotations.documents.blocks import Document, Section
from annotations.reports.comparison_schema import CampaignComparison
from annotations.reports.comparison_sections import campaigns, criterion, method, metrics


def sections_of(comparison: CampaignComparison) -> list[Section]:
    criteria = [criterion.section(result, place) for place, result in enumerate(comparison.criteria)]
    return [campaigns.section(comparison), *criteria, metrics.section(comparison.metrics), method.section(comparison)]


def document_of(comparison: CampaignComparison) -> Document:
    names = ", ".join(campaign.name for campaign in comparison.campaigns)
    return Document(f"Comparison of the campaigns {names}", sections_of(comparison))
