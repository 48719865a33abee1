from annotations.campaigns.models.campaigns import (
    Assignment,
    Campaign,
    CampaignSystem,
    Candidate,
    CandidateOutput,
    ErasedId,
    Invitation,
    Item,
    Rater,
)
from annotations.campaigns.models.named_items import NamedItem
from annotations.campaigns.models.ratings import Rating, Remark, Rewrite

__all__ = [
    "Assignment",
    "Campaign",
    "CampaignSystem",
    "Candidate",
    "CandidateOutput",
    "ErasedId",
    "Invitation",
    "Item",
    "NamedItem",
    "Rater",
    "Rating",
    "Remark",
    "Rewrite",
]
