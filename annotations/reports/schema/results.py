"""What people's answers say of the systems, by criterion and by pair."""

from annotations.reports.schema.base import Estimate, Interval, Part, Reason


class ExactTest(Part):
    """An exact test: by which exchange, of how many units, and the least p that so many can give."""

    test: str
    p: float | None
    units: int
    smallest: float | None
    complete: bool
    undefined: Reason | None


class ExactTests(Part):
    """`constant`: the difference is the same for every rater and item. `raters_both` scored, or compared, both."""

    constant: bool
    raters: int
    raters_both: int
    by_raters: ExactTest
    by_albums: ExactTest


class Primary(Part):
    """The primary comparison as it was declared, `first` minus `second`; at a look p has to be below `boundary`."""

    first: str
    second: str
    criterion: str
    boundary: float | None
    difference: float | None = None
    ci: Interval | None = None
    p: float | None = None
    shown: bool = False
    n: int = 0
    items: int = 0
    undefined: Reason | None
    exact: ExactTests | None = None
    unvaried: bool | None = None
    note: Reason | None = None


class SystemMean(Part):
    """A system by a criterion; of choices the mean is the share of its comparisons that it won."""

    system: str
    n: int
    raters: int
    items: int
    mean: float
    ci: Interval | None
    note: Reason | None  # about the interval
    bootstrap_ci: Interval | None
    z: float | None


class SystemResult(SystemMean):
    """The same with the ranks that the differences leave open, and its cluster."""

    rank_range: tuple[int, int]
    cluster: int


class Coefficient(Estimate):
    """A coefficient of agreement over `units`, of `ratings` each in the mean."""

    name: str
    units: int
    ratings: float


class Agreement(Part):
    """Krippendorff's alpha, and coefficients that others report."""

    alpha: float | None
    ci: Interval | None
    level: str
    undefined: Reason | None
    coefficients: list[Coefficient] = []


class Distribution(Part):
    """How often each system was given a score between two edges."""

    edges: list[float]
    counts: dict[str, list[int]]


class Strength(Part):
    """A system's place in the Bradley-Terry model, in log-strength, and the share that it is expected to win."""

    system: str
    worth: float
    ci: Interval | None
    win_share: float | None


class WinRow(Part):
    """How often `system_a` won against `system_b`; the share of decided comparisons, and with ties as halves."""

    system_a: str
    system_b: str
    wins: int
    ties: int
    losses: int
    share: float | None
    ci: Interval | None
    halved: float | None
    halved_ci: Interval | None
    undefined: Reason | None
    note: Reason | None


class Choices(Part):
    """Of a criterion by which raters chose between two texts."""

    systems: list[Strength]
    ties: Estimate
    position: Estimate
    table: list[WinRow]
    penalised: Reason | None
    undefined: Reason | None


class Worth(Part):
    """How often a system's texts were shown, best and worst, and its worth in the maxdiff model."""

    system: str
    shown: int
    best: int
    worst: int
    worth: float | None
    ci: Interval | None


class Worths(Part):
    """Of a criterion by which raters chose the best and the worst text; `undefined` is about worths or intervals."""

    systems: list[Worth]
    undefined: Reason | None


class ExpectedWins(Part):
    """The mean share of decided comparisons won over the systems met."""

    system: str
    value: float | None
    opponents: int


class MissingOfSystem(Part):
    """What a system lacks beside the one that was rated most."""

    system: str
    ratings: int
    missing: int
    missing_items: int


class Missing(Part):
    """How many screens of how many items were rated; `planned` is None of an import."""

    screens: int
    planned: int | None
    items: int
    systems: list[MissingOfSystem]


class CriterionResult(Part):
    """The systems by one criterion, best first."""

    systems: list[SystemResult]
    agreement: Agreement
    distribution: Distribution | None = None
    choices: Choices | None = None
    worths: Worths | None = None
    expected_wins: list[ExpectedWins] = []
    missing: Missing | None = None


class MixedModel(Part):
    """A linear mixed model of the differences on screens that have both systems; standard deviations by part."""

    difference: float | None
    ci: Interval | None
    p: float | None
    error: float | None
    freedom: float | None
    album_deviation: float | None
    item_deviation: float | None
    rater_deviation: float | None
    residual_deviation: float | None
    n: int
    items: int
    raters: int
    albums: int
    undefined: Reason | None


class CumulativeLinkModel(Part):
    """A cumulative link mixed model of two systems' ordinal scores."""

    log_odds: float | None
    ci: Interval | None
    p: float | None
    error: float | None
    freedom: float | None
    album_deviation: float | None
    item_deviation: float | None
    rater_deviation: float | None
    n: int
    items: int
    raters: int
    albums: int
    undefined: Reason | None


class Effects(Part):
    """Effect sizes of `system_a` over `system_b`."""

    superiority: Estimate
    d_z: Estimate


class Detectable(Part):
    """The true difference that would have been shown with this power, at this level."""

    difference: float
    power: float
    alpha: float


class Equivalence(Part):
    """Two one-sided tests against the margin; `ci` is a 90 % interval."""

    margin: float
    ci: Interval | None
    p: float | None
    p_holm: float | None
    shown: bool
    undefined: Reason | None


class PairResult(Part):
    """`system_a` minus `system_b`: in points, of choices in log-strength. `shown`: whether the difference counts.

    `unvaried`: nothing varied, so that the exact tests decide.
    """

    criterion: str
    system_a: str
    system_b: str
    primary: bool
    shown: bool
    difference: float | None
    ci: Interval | None
    error: float | None
    freedom: float | None
    estimator: str | None
    p: float | None
    p_holm: float | None
    n: int
    items: int
    undefined: Reason | None
    unvaried: bool
    note: Reason | None
    exact: ExactTests
    expected_share: float | None = None
    bootstrap_ci: Interval | None
    mixed_model: MixedModel | None
    cumulative_link_model: CumulativeLinkModel | None
    ci_simultaneous: Interval | None = None
    effects: Effects | None = None
    detectable: Detectable | None = None
    equivalence: Equivalence | None = None


class ResultsPart(Part):
    """Of the systems, by criterion; and of all their pairs."""

    primary: Primary | None
    criteria: dict[str, CriterionResult]
    pairs: list[PairResult]
