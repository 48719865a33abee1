"""Raters use a scale differently: some are severe, some spread wide. Scores on a common one."""

import numpy as np

from annotations.statistics.uncertainty import Floats, Ints

MIN_RATINGS = 5  # ratings from which a rater's own deviation is used
PRIOR = 5.0  # ratings that the common mean and variance count as much as


def shrunk_z(scores: Floats, raters: Ints) -> Floats:
    """Each score's distance from its rater's mean in its rater's deviations, both shrunk towards all raters'.

    With n scores of a rater, mean m and variance v, and over all scores the mean M and the pooled within-rater
    variance V: m' = (n m + 5 M) / (n + 5) and v' = (n v + 5 V) / (n + 5); a rater with under five scores gets v' = V.
    Where nothing varies all are 0. Shapes: (n), (n) → (n). The shrinkage is the posterior mean of the normal model
    with a prior worth five ratings (Gelman et al. 2013, section 2.5).
    """
    if not len(scores):
        return scores.astype(np.float64)
    _, index, counts = np.unique(raters, return_inverse=True, return_counts=True)
    means = np.bincount(index, scores) / counts
    squares = np.bincount(index, (scores - means[index]) ** 2)
    freedom = len(scores) - len(counts)
    pooled = float(squares.sum()) / freedom if freedom else 0.0
    own = np.where(counts > 1, squares / np.maximum(counts - 1, 1), pooled)
    shrunk_means = (counts * means + PRIOR * float(scores.mean())) / (counts + PRIOR)
    variances = np.where(counts < MIN_RATINGS, pooled, (counts * own + PRIOR * pooled) / (counts + PRIOR))
    deviations = np.sqrt(variances)[index]
    distances = scores - shrunk_means[index]
    nothing = 1e-9 * max(1.0, float(np.abs(scores).max()))  # what rounding makes of a deviation of zero
    return np.divide(distances, deviations, out=np.zeros(len(scores)), where=deviations > nothing)


def feedback_weights(z: Floats, *, beta: float) -> Floats:
    """clip(exp(β z), 0.1, 3): how much a rated text counts in training, 1 being an ordinary pair."""
    return np.clip(np.exp(np.clip(beta * z, -50, 50)), 0.1, 3.0)
