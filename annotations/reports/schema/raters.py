"""What each rater did, and who is left out."""

from annotations.reports.schema.base import Interval, Part, Reason


class Consistency(Part):
    """How far a rater agrees with themselves."""

    repeats: int
    mean_difference: float | None
    correlation: float | None
    within_tolerance: float | None
    undefined: Reason | None


class RaterResult(Part):
    """A rater by their pseudonym, and their number as they joined."""

    rater: str
    number: int
    screens: int
    seconds: float | None  # a screen, median
    under_floor: float | None  # share of screens
    floor: Reason
    mean: float | None
    severity: float | None
    severity_ci: Interval | None
    agreement: float | None  # correlation with the mean of the others
    undefined: Reason | None
    excluded: str | None  # why they are left out
    consistency: Consistency | None = None


class RepeatResult(Part):
    """Later ratings of the same text by the same rater, held against the first."""

    repeats: int
    raters: int
    same: float
    mean_difference: float | None
    alpha: float | None
    ci: Interval | None
    undefined: Reason | None


class Exclusion(Part):
    rater: int
    reason: str
    at: str
    after_results: bool


class SystemWithAll(Part):
    system: str
    n: int
    raters: int
    mean: float
    ci: Interval | None


class PairWithAll(Part):
    criterion: str
    system_a: str
    system_b: str
    difference: float | None
    ci: Interval | None
    p: float | None
    undefined: Reason | None


class Exclusions(Part):
    """Who is left out, and the results with them: without those who withdrew their answers, which are in none."""

    raters: list[Exclusion]
    withdrew: int = 0  # raters, who are not among these
    criteria_with_all: dict[str, list[SystemWithAll]]
    pairs_with_all: list[PairWithAll]


class RatersPart(Part):
    raters: list[RaterResult]
    repeats: dict[str, RepeatResult]  # by criterion
    exclusions: Exclusions
