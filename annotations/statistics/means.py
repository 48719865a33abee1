"""The mean of scores, with an interval."""

import numpy as np

from annotations.statistics.estimate import Estimate
from annotations.statistics.jackknife import Cells, Side, jackknife
from annotations.statistics.uncertainty import (
    Floats,
    Ints,
    clustered_estimate,
    codes_of_pairs,
    dense,
    even,
    sums_by,
)


def clustered_mean(scores: Floats, items: Ints, raters: Ints) -> Estimate:
    """Mean of the scores (n), with clusters of scores by item (n) and by rater (n).

    Where items and raters have about equal shares of the scores the error is that of `clustered_estimate`, elsewhere
    that of `jackknife`. Of one item by one rater there is none. Raises ValueError for no scores.
    """
    if not len(scores):
        raise ValueError("there are no scores to take the mean of")
    (item, count), (rater, people) = dense(items), dense(raters)
    mean, largest = float(scores.mean()), float(np.abs(scores).max())
    of_items, of_raters = (sums_by(codes, np.ones(len(scores)), n) for codes, n in ((item, count), (rater, people)))
    if even(of_items) and even(of_raters):
        return clustered_estimate(mean, (scores - mean) / len(scores), item, rater, largest=largest)
    cell, keys = codes_of_pairs(item, rater)
    sums, counts = (sums_by(cell, each, len(keys)) for each in (scores, np.ones(len(scores))))
    item_of = keys // people
    cells = Cells(
        items=item_of,
        raters=keys % people,
        clusters=item_of,
        numerator=float(sums.sum()),
        weight=float(len(scores)),
        numerator_changes=-sums,
        weight_changes=-counts,
        cluster_numerators=sums_by(item, scores, count),
        cluster_weights=of_items,
        sides=(Side(counts, counts, np.zeros(len(keys))),),
    )
    return jackknife(cells, largest=largest)
