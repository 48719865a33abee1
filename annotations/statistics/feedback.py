"""How far ratings can be trusted as training data: weights of what raters agree on, and rates of wrong judgements."""

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from annotations.statistics.scores import PRIOR
from annotations.statistics.uncertainty import Floats, Ints

MIN_JUDGED_TWICE = 20  # from which the agreement of a campaign's own raters is used
USUAL_AGREEMENT = 0.726  # of two trained raters on which text is better (Ouyang et al. 2022, section 3.4)
FLIP_RATES = 0.01, 0.45  # the least and the most that a single judgement's is taken to be
TIE = 0.5


class Agreement(NamedTuple):
    """How often two raters judged the same thing alike, ties aside, and how many things two or more judged."""

    judged_twice: int
    share: float | None  # None where nothing was


def agreement_of(votes: Iterable[Sequence[float]]) -> Agreement:
    """Over all pairs of raters who judged the same thing. A thing's votes are 1 for, 0 against and 0.5 a tie, which
    says neither."""
    alike = pairs = things = 0
    for given in votes:
        decided = [vote for vote in given if vote != TIE]
        ayes = decided.count(1.0)
        noes = len(decided) - ayes
        alike += ayes * (ayes - 1) // 2 + noes * (noes - 1) // 2
        pairs += len(decided) * (len(decided) - 1) // 2
        things += len(decided) > 1
    return Agreement(things, alike / pairs if pairs else None)


def single_flip_rate(agreement: float) -> float:
    """e, the probability that one judgement is the wrong way round, of the agreement P of two raters.

    Both are right or both wrong: P = (1 − e)² + e², so that e = (1 − √(2P − 1)) / 2 (Dawid and Skene 1979, with two
    raters of one error rate). Agreement by chance or less gives one half; it is kept within `FLIP_RATES`.
    """
    least, most = FLIP_RATES
    return min(max((1 - sqrt(max(2 * agreement - 1, 0.0))) / 2, least), most)


def flip_rate(single: float, votes: Sequence[float]) -> float:
    """The probability that what most votes say is wrong, each being so with probability `single` on its own.

    With k of n votes for it, a tie counting half, and both directions as probable before: 1 / (1 + ((1 − e) / e)^(2k −
    n)) by Bayes' theorem.
    """
    return float(1 / (1 + ((1 - single) / single) ** (2 * sum(votes) - len(votes))))


def majority_weight(votes: Sequence[float]) -> float:
    """|2p − 1|, p being the posterior mean of the share of raters who are for it, from a uniform prior: (k + 1) / (n +
    2) (Gelman et al. 2013, section 2.4). 1/3 for a single vote, 3/5 for three that agree, 0 where as many are against.
    """
    return abs(2 * sum(votes) - len(votes)) / (len(votes) + 2)


class TextMeans(NamedTuple):
    """By text: the posterior mean of its standardised value, and the share of the prior's variance that raters took
    away. Shapes: (texts), (texts)."""

    means: Floats
    weights: Floats


def text_means(values: Floats, texts: Ints, count: int) -> TextMeans:
    """From what raters found of texts, standardised: `texts` are numbers below `count`, each there at least once.

    A text's true value is taken to be normal with mean 0 and variance 1, as standardised values are, and raters to
    vary around it with variance v. With n raters of mean m: the posterior mean n m / (n + v), and the weight, 1 − the
    posterior variance, n / (n + v) (Gelman et al. 2013, section 2.5). v is the text's own variance among its raters,
    shrunk towards that pooled over all texts, V, as if five more had been seen: (5 V + S) / (5 + n − 1), with S its
    sum of squares. V is 1 where no text has two raters. So that disagreement about a text lowers its weight, and one
    more rater raises it. Shapes: (n), (n) → (texts), (texts).
    """
    counts = np.bincount(texts, minlength=count)
    means = np.bincount(texts, values, minlength=count) / counts
    squares = np.bincount(texts, (values - means[texts]) ** 2, minlength=count)
    freedom = len(values) - count
    pooled = float(squares.sum()) / freedom if freedom else 1.0
    variances = (PRIOR * pooled + squares) / (PRIOR + counts - 1)
    weights = counts / (counts + variances)
    return TextMeans(weights * means, weights)
