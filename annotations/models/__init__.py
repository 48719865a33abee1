from annotations.models.audit import AuditEntry
from annotations.models.campaigns import (
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
from annotations.models.datasets import (
    Album,
    Dataset,
    Import,
    Photo,
    SequencePhoto,
    Source,
    Split,
    Story,
    StorySentence,
)
from annotations.models.outputs import Decoding, Output, Score, ScoreDifference, System
from annotations.models.ratings import FeedbackExample, FeedbackSet, Rating, Remark
from annotations.models.reports import Report

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
    "Output",
    "Photo",
    "Rater",
    "Rating",
    "Remark",
    "Report",
    "Score",
    "ScoreDifference",
    "SequencePhoto",
    "Source",
    "Split",
    "Story",
    "StorySentence",
    "System",
]
