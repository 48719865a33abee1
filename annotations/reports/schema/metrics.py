"""What metrics say of the systems, and how they go with people's answers."""

from annotations.reports.schema.base import Estimate, Interval, Part, Reason
from annotations.reports.schema.examples import Text


class MetricFacts(Part):
    """What a metric is: `corpus` is of all texts together, `texts` the mean of their values."""

    description: str
    level: str
    less_is_better: bool


class MetricValue(Estimate):
    """A system's value by a metric on the campaign's items; `sources` says of how many of how many, where of a part."""

    signature: str | None
    sources: tuple[int, int] | None = None


class MetricPair(Part):
    """A difference in a metric; `p_sacrebleu` is its p as sacrebleu counts it."""

    system_a: str
    system_b: str
    difference: float | None
    ci: Interval | None
    p: float | None
    p_sacrebleu: float | None
    note: Reason | None


class MetricDifferences(Part):
    """Of every pair of systems in a metric; `lacking` says why pairs or intervals are missing."""

    signature: str | None
    pairs: list[MetricPair]
    lacking: list[Reason]


class LevelCorrelation(Part):
    """Correlations over `units`, of which some were left out."""

    pearson: Estimate
    spearman: Estimate
    kendall: Estimate
    units: int
    left_out: int


class Accuracy(Part):
    """How often metric and people prefer the same of two texts, or systems; `tie`: what counts as equal."""

    text: Estimate
    tie: float | None
    text_pairs: int
    items: int
    system: Estimate
    system_pairs: int


class MetricCorrelation(Part):
    pooled: LevelCorrelation
    within_item: LevelCorrelation
    system: LevelCorrelation
    accuracy: Accuracy
    signature: str | None
    less_is_better: bool


class Point(Part):
    """A system's mean human score and mean value by a metric."""

    system: str
    human: float
    metric: float
    texts: int


class WilliamsTest(Part):
    """Whether the first metric goes better with people."""

    metric_a: str
    metric_b: str
    t: float | None
    p: float | None
    p_better: float | None
    undefined: Reason | None


class Correlation(Part):
    """How metrics go with people's scores by a criterion."""

    metrics: dict[str, MetricCorrelation]
    points: dict[str, list[Point]]
    williams: list[WilliamsTest]
    left_out: list[str]
    undefined: Reason | None


class Disagreement(Text):
    """A text that people and metric place far apart; rank 1 is the best `of` all rated texts."""

    human: float
    metric: float
    human_rank: float
    metric_rank: float
    of: int


class MetricsPart(Part):
    """What the metrics are, values by system and metric, differences by metric, correlations by criterion,
    disagreements by both."""

    metric_facts: dict[str, MetricFacts]  # in the order in which metrics are listed
    metrics: dict[str, dict[str, MetricValue]]
    metric_differences: dict[str, MetricDifferences]
    correlation: dict[str, Correlation]
    disagreements: dict[str, dict[str, list[Disagreement]]]
