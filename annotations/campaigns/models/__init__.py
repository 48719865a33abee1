from annotations.campaigns.models.assignments import Assignment
from annotations.campaigns.models.campaigns import Campaign, CampaignSystem
from annotations.campaigns.models.items import Candidate, CandidateOutput, Item
from annotations.campaigns.models.named_items import NamedItem
from annotations.campaigns.models.participations import Participation
from annotations.campaigns.models.questionnaires import QuestionnaireAnswer
from annotations.campaigns.models.raters import ErasedId, Invitation, Rater
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
    "Participation",
    "QuestionnaireAnswer",
    "Rater",
    "Rating",
    "Remark",
    "Rewrite",
]
