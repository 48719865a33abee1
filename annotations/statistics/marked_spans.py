"""Do raters agree on which parts of a text they mark?"""

import numpy as np

from annotations.statistics.agreement import RESAMPLES, alpha
from annotations.statistics.estimate import Estimate
from annotations.statistics.uncertainty import Floats, Ints


def span_agreement(
    texts: Ints,
    lengths: Ints,
    groups: Ints,
    ratings: Ints,
    starts: Ints,
    ends: Ints,
    labels: Ints,
    *,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Krippendorff's (2011) nominal alpha of what raters marked, a unit being one code point of a text.

    Of each rating (r): which text it is of, how many code points that has, and its group (the album), which are
    resampled whole. Of each span (m): the rating by its place among them, from where to where it goes (`ends` is behind
    the last code point), and its label, from 1. A code point without a span has the label 0; spans of one rating do not
    overlap. Long spans count by their length, as in alpha for unitising (Krippendorff, Mathet, Bouvry and Widlöcher
    2016).
    """
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values: Floats = np.zeros(offsets[-1])
    for rating, start, end, label in zip(ratings, starts, ends, labels, strict=True):
        values[offsets[rating] + start : offsets[rating] + end] = label
    known, first, text = np.unique(texts, return_index=True, return_inverse=True)
    bases = np.concatenate([[0], np.cumsum(lengths[first])])[: len(known)]
    points = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - bases[text], lengths)
    return alpha(values, points, level="nominal", groups=np.repeat(groups, lengths), resamples=resamples)
