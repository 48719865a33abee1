"""Texts that were rated, with their ratings."""

from annotations.reports.schema.base import Part


class Text(Part):
    """A text that was shown, its source, and who wrote it."""

    text: str
    source: str
    systems: list[str]


class ScoreOfRater(Part):
    rater: int
    score: float


class Example(Text):
    mean: float
    deviation: float | None
    n: int
    ratings: list[ScoreOfRater]


class Examples(Part):
    best: list[Example]
    worst: list[Example]
    disputed: list[Example]


class ExamplesPart(Part):
    examples: dict[str, Examples]  # by criterion
