"""What raters answered before and after the screens."""

from annotations.reports.schema.base import Part
from annotations.reports.schema.report import OwnPart


class QuestionAnswers(Part):
    """Of one question. What was typed is never in a report."""

    id: str
    text: str
    kind: str
    n: int  # raters who answered it
    counts: dict[str, int]  # of a choice by option
    mean: float | None  # of a scale; none without answers
    low: str  # what the ends of a scale mean
    high: str


class ComprehensionResult(Part):
    """How raters came through the comprehension check."""

    questions: list[str]
    first: int  # raters who passed in the first attempt
    second: int
    failed: int
    by_chance: float  # the share of guessing raters that passes


class QuestionnairesPart(OwnPart):
    questionnaires: dict[str, list[QuestionAnswers]]  # by form
    comprehension: ComprehensionResult | None
