"""How well each rater rates: pace, repeats, severity, agreement. Everything for all raters at once."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from annotations.reasons import Reason
from annotations.statistics.coefficients import pearson_by_group
from annotations.statistics.estimate import Estimate
from annotations.statistics.scores import PRIOR
from annotations.statistics.uncertainty import Floats, Ints

Bools = NDArray[np.bool_]

MIN_REPEATS, MIN_SHARED = 5, 5
SECONDS_PER_WORD = 60 / 320  # upper end of silent reading rates for English fiction (Brysbaert 2019)
MIN_PACES = 5
FENCE = 3.0  # robust deviations


class Answers(NamedTuple):
    """Regular answers, one a screen: rater code, seconds taken, words shown (n each); words may be unknown."""

    raters: Ints
    seconds: Floats
    words: Floats | None = None


class RaterScores(NamedTuple):
    """Regular ratings: rater code, code of the text (item × system × criterion), score (n each)."""

    raters: Ints
    texts: Ints
    scores: Floats


class Repeats(NamedTuple):
    """Texts that a rater rated twice by plan: rater code, first and second score (n each)."""

    raters: Ints
    first: Floats
    second: Floats


@dataclass(frozen=True)
class Pace:
    """Median seconds an answer, the share of answers faster than the floor, and what the floor is."""

    answers: int
    median: float | None
    under_floor: float | None
    floor: Reason
    undefined: Reason | None


@dataclass(frozen=True)
class Consistency:
    """How near the second score of a text is to the first."""

    repeats: int
    mean_difference: float | None
    correlation: float | None
    within_tolerance: float | None
    undefined: Reason | None


def paces(count: int, answers: Answers) -> list[Pace]:
    """Each rater's pace. The floor is `SECONDS_PER_WORD` times the words shown where these are known.

    Otherwise it is a fence against the other raters, one for all: over the logarithms of the raters' median seconds,
    median − 3 · 1.4826 · median absolute deviation (Leys et al. 2013), which one rater hardly moves. From five raters.
    """
    _check(count, answers.raters, answers.seconds, *([] if answers.words is None else [answers.words]))
    given, medians = np.bincount(answers.raters, minlength=count), _medians(count, answers.raters, answers.seconds)
    if answers.words is not None:
        floors, floor = SECONDS_PER_WORD * answers.words, Reason("floor_by_words", seconds=SECONDS_PER_WORD)
    else:
        fence = _fence(medians[given > 0])
        floors = np.full(len(answers.raters), np.nan if fence is None else fence)
        floor = Reason("no_floor", needed=MIN_PACES) if fence is None else Reason("floor_by_raters", seconds=fence)
    known = bool(np.isfinite(floors).all())
    under = np.bincount(answers.raters, answers.seconds < floors, minlength=count)
    return [
        Pace(n, float(medians[at]), float(under[at] / n) if known else None, floor, None)
        if n
        else Pace(0, None, None, floor, Reason("no_answers"))
        for at, n in enumerate(given.tolist())
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
        if repeated < MIN_REPEATS:
            found.append(
                Consistency(
                    repeated, None, None, None, Reason("few", needed=MIN_REPEATS, found=repeated, unit="repeat")
                )
            )
            continue
        r, flat = _or_none(correlation[at]), Reason("side_equal")
        found.append(Consistency(repeated, float(means[at]), r, float(within[at]), flat if r is None else None))
    return found


def choice_consistencies(count: int, raters: Ints, same: Bools) -> list[Consistency]:
    """Each rater's share of the same choices over repeats (rater code and whether the choice was the same, n each), at
    least five; distances and correlations are not for choices."""
    _check(count, raters, same.astype(np.float64))
    n, shares, _ = _moments(count, raters, same.astype(np.float64))
    return [
        Consistency(repeated, None, None, float(shares[at]), None)
        if repeated >= MIN_REPEATS
        else Consistency(repeated, None, None, None, Reason("few", needed=MIN_REPEATS, found=repeated, unit="repeat"))
        for at, repeated in enumerate(n.tolist())
    ]


def severities(count: int, ratings: RaterScores) -> list[Estimate]:
    """Points that each rater gives above what others give the same texts (below zero: severe), shrunk: the mean
    residual from the means of item × system × criterion, taken over the other raters.

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
            found.append(Estimate.none(Reason("nobody_else_rated"), n=rated))
            continue
        value, half = float(values[at]), float(halves[at])
        found.append(Estimate(value, (value - half, value + half), n=rated))
    return found


def agreements(count: int, ratings: RaterScores) -> list[Estimate]:
    """Each rater's correlation with the mean of the others on the same texts, at least five. It excludes nobody."""
    _check(count, *ratings)
    shared, others = _means_of_others(ratings)
    raters = ratings.raters[shared]
    n = np.bincount(raters, minlength=count)
    correlation = pearson_by_group(ratings.scores[shared], others[shared], raters, count)
    found = []
    for at, texts in enumerate(n.tolist()):
        r = _or_none(correlation[at]) if texts >= MIN_SHARED else None
        why = Reason("few_shared_texts", needed=MIN_SHARED, found=texts) if texts < MIN_SHARED else None
        flat = Reason("equal_beside_others")
        found.append(Estimate(r, undefined=why or (flat if r is None else None), n=texts))
    return found


def _means_of_others(ratings: RaterScores) -> tuple[Bools, Floats]:
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
    if len(medians) < MIN_PACES or medians.min() <= 0:
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
