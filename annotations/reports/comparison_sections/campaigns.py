"""Which campaigns are compared, and what of them is not."""

from collections.abc import Iterator

from annotations.documents.blocks import Block, Column, Paragraph, Row, Section, table
from annotations.reports.comparison_schema import CampaignComparison, ComparedCampaign
from annotations.reports.words import seen


def section(comparison: CampaignComparison) -> Section:
    return Section("campaigns", "Campaigns", list(blocks(comparison)))


def blocks(comparison: CampaignComparison) -> Iterator[Block]:
    titles = (Column("Campaign", "names"), "Dataset", "Items", "Protocol", "Raters saw", "Closed")
    yield table("campaigns", "Campaigns compared.", titles, [campaign_row(each) for each in comparison.campaigns])
    for sentence in comparison.left_out:
        yield Paragraph(sentence, "note")
    if not comparison.criteria:
        yield Paragraph("There is no criterion on which two of these campaigns can be compared.")


def campaign_row(campaign: ComparedCampaign) -> Row:
    asked = ("imported", "not known") if campaign.imported else (campaign.protocol, seen(campaign.show, campaign.unit))
    return [campaign.name, f"{campaign.dataset}/{campaign.split}", campaign.items, *asked, campaign.closed]
