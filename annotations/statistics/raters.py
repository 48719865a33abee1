"""How well each rater rates: pace, degraded texts, repeats, severity, agreement. Everything for all raters at once."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr

from annotations.statistics.coefficients import pearson_by_group
from annotations.statistics.resampling import few
from annotations.statistics.scores import PRIOR
from annotations.statistics.uncertainty import Floats, Ints

Bools = NDArray[np.bool_]

FEWEST_PAIRS, PASS = 8, 0.10
FEWEST_REPEATS, FEWEST_SHARED = 5, 5
SECONDS_A_WORD = 60 / 320  # upper end of silent reading rates for English fiction (Brysbaert 2019)
FEWEST_PACES = 5
FENCE = 3.0  # robust deviations

# Which criteria a degradation makes worse. A text whose words are shuffled can still be true of its source, and a text
# of another source can still be well written.
DEGRADATIONS: dict[str, tuple[str, ...]] = {
    "word_order": ("fluency", "human_likeness"),
    "truncation": ("fluency", "human_likeness"),
    "swapped_source": ("grounding",),
}


class Answers(NamedTuple):
    """Regular answers, one a screen: rater code, seconds taken, words shown (n each); words may be unknown."""

    raters: Ints
    seconds: Floats
    words: Floats | None = None


class Ratings(NamedTuple):
    """Regular ratings: rater code, code of the text (item × system × criterion), score (n each)."""

    raters: Ints
    texts: Ints
    scores: Floats


class Degraded(NamedTuple):
    """Scores of originals and of their degraded versions: rater code, code of the pair, two scores (n each).

    A pair has a row for each criterion that `DEGRADATIONS` says it tests; other criteria are left out by the caller.
    """

    raters: Ints
    pairs: Ints
    originals: Floats
    degraded: Floats


class Repeats(NamedTuple):
    """Texts that a rater rated twice by plan: rater code, first and second score (n each)."""

    raters: Ints
    first: Floats
    second: Floats


@dataclass(frozen=True)
class Pace:
    """Median seconds an answer, and the share of answers faster than the floor, which `floor` puts in words."""

    answers: int
    median: float | None
    under_floor: float | None
    floor: str
    undefined: str | None


@dataclass(frozen=True)
class DegradedTest:
    """By how much originals score higher than their degraded versions, and whether the rater tells them apart."""

    pairs: int
    drop: float | None
    p: float | None
    passed: bool | None
    undefined: str | None


@dataclass(frozen=True)
class Consistency:
    """How near the second score of a text is to the first."""

    repeats: int
    mean_difference: float | None
    correlation: float | None
    within_tolerance: float | None
    undefined: str | None


@dataclass(frozen=True)
class Severity:
    """Points given above what others give the same texts (below zero: severe), shrunk, with a 95 % interval."""

    ratings: int
    value: float | None
    interval: tuple[float, float] | None
    undefined: str | None


@dataclass(frozen=True)
class Agreement:
    """Correlation with the mean of the others' scores on the same texts."""

    texts: int
    correlation: float | None
    undefined: str | None


@dataclass(frozen=True)
class RaterSummary:
    rater: int
    pace: Pace
    degraded: DegradedTest
    consistency: Consistency
    severity: Severity
    agreement: Agreement

    @property
    def reason_to_exclude(self) -> str | None:
        """Only a failed test with degraded texts: neither pace, nor severity, nor disagreement excludes by itself."""
        if self.degraded.passed is not False:
            return None
        return f"rates degraded texts like their originals (p = {self.degraded.p:.2f} over {self.degraded.pairs} pairs)"


def rater_summaries(
    count: int, ratings: Ratings, *, answers: Answers, degraded: Degraded, repeats: Repeats, tolerance: float
) -> list[RaterSummary]:
    """A summary of each of `count` raters, whose codes run from 0.

    Planned repeats and quality-control texts are passed apart and must not stand among the ratings or answers.
    Raises ValueError for columns of unequal length or a code that is no rater's.
    """
    columns = zip(
        range(count),
        paces(count, answers),
        degraded_tests(count, degraded),
        consistencies(count, repeats, tolerance=tolerance),
        severities(count, ratings),
        agreements(count, ratings),
        strict=True,
    )
    return [RaterSummary(*row) for row in columns]


def paces(count: int, answers: Answers, *, seconds_a_word: float = SECONDS_A_WORD) -> list[Pace]:
    """Each rater's pace. The floor is `seconds_a_word` times the words shown where these are known.

    Otherwise it is a fence against the other raters, one for all: over the logarithms of the raters' median seconds,
    median − 3 · 1.4826 · median absolute deviation (Leys et al. 2013), which one rater hardly moves. From five raters.
    """
    _check(count, answers.raters, answers.seconds, *([] if answers.words is None else [answers.words]))
    given, medians = np.bincount(answers.raters, minlength=count), _medians(count, answers.raters, answers.seconds)
    if answers.words is not None:
        floors, words = seconds_a_word * answers.words, f"{seconds_a_word:.2f} s a word shown"
    else:
        fence = _fence(medians[given > 0])
        floors = np.full(len(answers.raters), np.nan if fence is None else fence)
        needed = f"no floor: it needs the words shown, or {FEWEST_PACES} raters whose median times differ"
        words = needed if fence is None else f"{fence:.2f} s, the fence against all raters' median times"
    known = bool(np.isfinite(floors).all())
    under = np.bincount(answers.raters, answers.seconds < floors, minlength=count)
    return [
        Pace(n, float(medians[at]), float(under[at] / n) if known else None, words, None)
        if n
        else Pace(0, None, None, words, "the rater has given no answers")
        for at, n in enumerate(given.tolist())
    ]


def degraded_tests(count: int, degraded: Degraded) -> list[DegradedTest]:
    """Whether each rater scores originals above their degraded versions: passed if one-sided paired p ≤ 0.10.

    Student's paired t over pairs, of which there must be eight: the control of Graham et al. (2017), with a laxer limit
    so that few good raters fail. Several criteria of a pair are averaged first: they are one observation. Simulated
    raters who ignore the text pass 8 to 14 % of the time by t, and 4 to 14 % by signed ranks, on sliders, 1 to 5 and
    two-valued scales alike; so it is t, which needs no rule for ties. Where all n drops
    are equal and positive p is the sign test's, 2⁻ⁿ.
    """
    _check(count, degraded.raters, degraded.pairs, degraded.originals, degraded.degraded)
    width = int(degraded.pairs.max(initial=0)) + 1
    cells, cell = np.unique(degraded.raters * width + degraded.pairs, return_inverse=True)
    sums = np.bincount(cell, degraded.originals - degraded.degraded, minlength=len(cells))
    drops = sums / np.bincount(cell, minlength=len(cells))
    raters = cells // width
    pairs, means, variances = _moments(count, raters, drops)
    error = np.sqrt(variances / np.maximum(pairs, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(error > 1e-12, stdtr(pairs - 1, -means / error), np.where(means > 1e-12, 0.5**pairs, 1.0))
    return [
        DegradedTest(n, float(means[at]), float(p[at]), bool(p[at] <= PASS), None)
        if n >= FEWEST_PAIRS
        else DegradedTest(
            n, float(means[at]) if n else None, None, None, f"not testable: {few('pairs', FEWEST_PAIRS, n)}"
        )
        for at, n in enumerate(pairs.tolist())
    ]


def consistencies(count: int, repeats: Repeats, *, tolerance: float) -> list[Consistency]:
    """Each rater's self-consistency over planned repeats, at least five; `tolerance` is in points of the scale."""
    _check(count, repeats.raters, repeats.first, repeats.second)
    distances = np.abs(repeats.first - repeats.second)
    n, means, _ = _moments(count, repeats.raters, distances)
    _, within, _ = _moments(count, repeats.raters, (distances <= tolerance).astype(np.float64))
    correlation = pearson_by_group(repeats.first, repeats.second, repeats.raters, count)
    found = []
    for at, repeated in enumerate(n.tolist()):
        if repeated < FEWEST_REPEATS:
            found.append(Consistency(repeated, None, None, None, few("repeats", FEWEST_REPEATS, repeated)))
            continue
        r, flat = _or_none(correlation[at]), "no correlation: a side's scores are all equal"
        found.append(Consistency(repeated, float(means[at]), r, float(within[at]), flat if r is None else None))
    return found


def choice_consistencies(count: int, raters: Ints, same: Bools) -> list[Consistency]:
    """Each rater's share of the same choices over repeats (rater code and whether the choice was the same, n each), at
    least five; distances and correlations are not for choices."""
    _check(count, raters, same.astype(np.float64))
    n, shares, _ = _moments(count, raters, same.astype(np.float64))
    return [
        Consistency(repeated, None, None, float(shares[at]), None)
        if repeated >= FEWEST_REPEATS
        else Consistency(repeated, None, None, None, few("repeats", FEWEST_REPEATS, repeated))
        for at, repeated in enumerate(n.tolist())
    ]


def severities(count: int, ratings: Ratings) -> list[Severity]:
    """Each rater's mean residual from the means of item × system × criterion, taken over the other raters.

    With n residuals of mean m, and V the residuals' pooled within-rater variance, the value is n m / (n + 5) and its
    interval ± 1.96 √(V / (n + 5)): the posterior of the normal model whose prior, no severity, is worth five ratings
    (Gelman et al. 2013, section 2.5; `scores.shrunk_z` shrinks alike).
    """
    _check(count, *ratings)
    shared, others = _means_of_others(ratings)
    raters, residuals = ratings.raters[shared], ratings.scores[shared] - others[shared]
    n, means, variances = _moments(count, raters, residuals)
    freedom = np.maximum(n - 1, 0)
    pooled = float((variances * freedom).sum() / freedom.sum()) if freedom.any() else None
    values = n * means / (n + PRIOR)
    halves = float(ndtri(0.975)) * np.sqrt((pooled or 0.0) / (n + PRIOR))
    found = []
    for at, rated in enumerate(n.tolist()):
        if not rated or pooled is None:
            found.append(Severity(rated, None, None, "nobody else rated enough of the texts that the rater rated"))
            continue
        value, half = float(values[at]), float(halves[at])
        found.append(Severity(rated, value, (value - half, value + half), None))
    return found


def agreements(count: int, ratings: Ratings) -> list[Agreement]:
    """Each rater's correlation with the mean of the others on the same texts, at least five. It excludes nobody."""
    _check(count, *ratings)
    shared, others = _means_of_others(ratings)
    raters = ratings.raters[shared]
    n = np.bincount(raters, minlength=count)
    correlation = pearson_by_group(ratings.scores[shared], others[shared], raters, count)
    found = []
    for at, texts in enumerate(n.tolist()):
        r = _or_none(correlation[at]) if texts >= FEWEST_SHARED else None
        why = few("texts that others rated too", FEWEST_SHARED, texts) if texts < FEWEST_SHARED else None
        flat = "the scores of the rater, or of the others, are all equal"
        found.append(Agreement(texts, r, why or (flat if r is None else None)))
    return found


def _means_of_others(ratings: Ratings) -> tuple[Bools, Floats]:
    """Which ratings are of texts with another rating, and the mean of the text's other ratings (n)."""
    _, text = np.unique(ratings.texts, return_inverse=True)
    n, sums = np.bincount(text)[text], np.bincount(text, ratings.scores)[text]
    return n > 1, (sums - ratings.scores) / np.maximum(n - 1, 1)


def _moments(count: int, raters: Ints, values: Floats) -> tuple[Ints, Floats, Floats]:
    """How many values a rater has, their mean and their unbiased variance (0 where undefined), (count) each."""
    n = np.bincount(raters, minlength=count)
    means = np.bincount(raters, values, minlength=count) / np.maximum(n, 1)
    squares = np.bincount(raters, (values - means[raters]) ** 2, minlength=count)
    return n, means, squares / np.maximum(n - 1, 1)


def _medians(count: int, raters: Ints, values: Floats) -> Floats:
    """Median of each rater's values; NaN without any: (n), (n) → (count)."""
    ordered, n = values[np.lexsort((values, raters))], np.bincount(raters, minlength=count)
    medians, first, some = np.full(count, np.nan), np.cumsum(n) - n, n > 0
    low, high = (first + (n - 1) // 2)[some], (first + n // 2)[some]
    medians[some] = (ordered[low] + ordered[high]) / 2
    return medians


def _fence(medians: Floats) -> float | None:
    if len(medians) < FEWEST_PACES or medians.min() <= 0:
        return None
    logs = np.log(medians)
    spread = 1.4826 * float(np.median(np.abs(logs - np.median(logs))))
    return float(np.exp(np.median(logs) - FENCE * spread)) if spread > 0 else None


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _check(count: int, raters: Ints, *columns: Floats | Ints) -> None:
    lengths = [len(raters), *(len(column) for column in columns)]
    if len(set(lengths)) > 1:
        raise ValueError(f"columns have the lengths {lengths}: each row needs a value in every column")
    if len(raters) and not 0 <= raters.min() <= raters.max() < count:
        raise ValueError(f"rater codes run from {raters.min()} to {raters.max()}: they must be from 0 to {count - 1}")
