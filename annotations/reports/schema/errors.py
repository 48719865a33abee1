"""The errors that raters marked in texts."""

from annotations.reports.schema.base import Estimate, Part
from annotations.reports.schema.report import OwnPart


class CategoryErrors(Part):
    """Of one category: how many by severity, and their weight per rated text."""

    category: str
    counts: dict[str, int]
    weight: Estimate


class SystemErrors(Part):
    """Of a system's texts in `n` ratings, `clean` of them without errors; `per_100_words` is the errors' weight."""

    system: str
    n: int
    clean: int
    counts: dict[str, int]  # by severity
    per_100_words: Estimate
    categories: list[CategoryErrors]


class SpanAgreement(Estimate):
    """Krippendorff's alpha over code points of `what` they are, over texts with several ratings."""

    what: str
    texts: int
    ratings: float  # per text


class Errors(Part):
    """By one criterion; `weights` are those of the severities."""

    weights: dict[str, float]
    systems: list[SystemErrors]
    agreement: list[SpanAgreement]


class ErrorsPart(OwnPart):
    errors: dict[str, Errors]  # by criterion; empty where raters marked none
