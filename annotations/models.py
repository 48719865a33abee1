"""All tables of the app, for Django and for who stands above the rooms."""

from annotations.audit.models import AuditEntry
from annotations.campaigns.models.assignments import Assignment
from annotations.campaigns.models.campaigns import Campaign, CampaignSystem
from annotations.campaigns.models.items import Candidate, CandidateOutput, Item
from annotations.campaigns.models.named_items import NamedItem
from annotations.campaigns.models.participations import Participation
from annotations.campaigns.models.questionnaires import QuestionnaireAnswer
from annotations.campaigns.models.raters import ErasedId, Invitation, Rater
from annotations.campaigns.models.ratings import Rating, Remark, Rewrite
from annotations.corpora.models import (
    Album,
    Dataset,
    Import,
    Photo,
    Replaced,
    SequencePhoto,
    Source,
    Split,
    Story,
    StorySentence,
)
from annotations.feedback.models import FeedbackExample, FeedbackSet
from annotations.reports.models import Report, ReportLink
from annotations.systems.models import Decoding, Metric, Output, Score, ScoreDifference, System

__all__ = [
    "Album",
    "Assignment",
    "AuditEntry",
    "Campaign",
    "CampaignSystem",
    "Candidate",
    "CandidateOutput",
    "Dataset",
    "Decoding",
    "ErasedId",
    "FeedbackExample",
    "FeedbackSet",
    "Import",
    "Invitation",
    "Item",
    "Metric",
    "NamedItem",
    "Output",
    "Participation",
    "Photo",
    "QuestionnaireAnswer",
    "Rater",
    "Rating",
    "Remark",
    "Replaced",
    "Report",
    "ReportLink",
    "Rewrite",
    "Score",
    "ScoreDifference",
    "SequencePhoto",
    "Source",
    "Split",
    "Story",
    "StorySentence",
    "System",
]
