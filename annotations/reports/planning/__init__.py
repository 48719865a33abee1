"""What a campaign is planned from, by the kind of its answers, and what a design makes of it."""

from annotations.reports.planning.choices import KnownOfChoices, KnownOfSureChoices
from annotations.reports.planning.judgements import KnownOfJudgements
from annotations.reports.planning.known import Known
from annotations.reports.planning.scores import KnownOfRelativeScores, KnownOfScores

__all__ = [
    "Known",
    "KnownOfChoices",
    "KnownOfJudgements",
    "KnownOfRelativeScores",
    "KnownOfScores",
    "KnownOfSureChoices",
]
