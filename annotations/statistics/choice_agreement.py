"""Do raters choose alike between the same two texts? Free of the names of who wrote them.

Which of two texts is called the first says nothing, so that by chance either is chosen as often as the other; only how
often raters see a tie is taken from the ratings. Two choices then agree by chance with probability t² + (1 − t)² / 2, t
being the share of ties. The human evaluations of WMT computed it so: P(A = B)² + P(A > B)² + P(A < B)² (Callison-Burch
et al. 2011; Bojar et al. 2016). Without ties kappa is the coefficient of agreement of Kendall and Babington Smith
(1940), u = 2 P − 1, P being the share of pairs of choices that agree. With systems' names for categories it would pass
for agreement that raters choose one of the two texts they were shown, the more so the more systems there are.
"""

import numpy as np

from annotations.reasons import Reason
from annotations.statistics.agreement import (
    RESAMPLES,
    bootstrapped,
    indicator,
    ratings_of,
)
from annotations.statistics.chance_corrected import corrected
from annotations.statistics.choices import FIRST, SECOND, TIE
from annotations.statistics.estimate import Estimate
from annotations.statistics.uncertainty import Floats, Ints

ALPHA = "Krippendorff's alpha"
NAMES = (ALPHA, "Percent agreement", "Fleiss' kappa", "Gwet's AC1")


def choice_agreement(
    outcome: Floats,
    units: Ints,
    *,
    groups: Ints | None = None,
) -> dict[str, Estimate]:
    """Coefficients by name (`NAMES`), of choices in long form: the outcome, and the pair of texts of each (n).

    The outcome is FIRST, SECOND or TIE, as in `choices`, in one order of the texts for all ratings of a unit; which
    order makes no difference. Percent agreement is the mean, over the units with two choices or more, of the share of
    pairs of choices that agree. Fleiss' kappa (1971) is of any number of choices a unit, as in Gwet (2014, chapter 2),
    and t is the mean of the units' shares of ties. AC1 (Gwet 2008) has as categories the two texts, and the tie
    where there is one. Alpha (Krippendorff 2011) draws its two ratings without replacement from the n of units with
    several, of which t are ties and d are not: the expected disagreement is 1 − (t (t − 1) + d (d − 1) / 2) /
    (n (n − 1)). That raters mostly choose the same system is agreement, in all four.

    The interval is the 95 % percentile bootstrap over units, or, with `groups` (n), over whole groups of units. Raises
    ValueError for arrays of unequal lengths, for another outcome, and for a unit in two groups.
    """
    groups = units if groups is None else groups
    if not len(outcome) == len(units) == len(groups):
        raise ValueError(
            f"{len(outcome)} choices, {len(units)} units and {len(groups)} groups: the three numbers must be equal"
        )
    if unknown := set(np.unique(outcome)) - {FIRST, SECOND, TIE}:
        raise ValueError(
            f"an outcome is {min(unknown):g}; it must be {FIRST:g} (first), {SECOND:g} (second) or {TIE:g} (tie)"
        )
    rated = ratings_of(outcome, units, groups, fewest=1)
    sizes, several = rated.sizes, rated.sizes > 1
    if not several.any():
        return {name: Estimate.none(Reason("none_rated_twice", unit="pair")) for name in NAMES}
    chosen = np.stack([np.bincount(rated.unit, rated.scores == each) for each in (FIRST, SECOND, TIE)])
    apart = sizes**2 - (chosen**2).sum(axis=0)  # ordered pairs of choices that differ
    kept = (
        np.ones(len(sizes)),
        chosen[2] / sizes,
        several,
        apart / np.maximum(sizes * (sizes - 1), 1),
        np.where(several, sizes, 0),
        np.where(several, chosen[2], 0),
        apart / np.maximum(sizes - 1, 1),
    )
    columns = indicator(rated.group) @ np.column_stack(kept)
    q = 3 if chosen[2].any() else 2

    def estimate(times: Floats) -> Floats:
        count, ties, twice, differ, n, tied, weighed = (times @ columns).T
        observed, some = _shares(differ, twice), n * (n - 1)
        drawn_apart = _shares(some - tied * (tied - 1) - (n - tied) * (n - tied - 1) / 2, some)
        t = ties / count
        differing = 1 - t**2 - (1 - t) ** 2 / 2
        alpha = corrected(_shares(weighed, n), drawn_apart)
        return np.stack(
            [alpha, 1 - observed, corrected(observed, differing), corrected(observed, 1 - differing / (q - 1))]
        )

    found = bootstrapped(estimate, int(rated.group.max()) + 1, columns.shape[0], RESAMPLES)
    if len(np.unique(rated.group[several])) < 2:
        found = [each._replace(interval=None, undefined=Reason("one_group")) for each in found]
    return {
        name: each if each.value is not None else Estimate.none(Reason("all_ties"))
        for name, each in zip(NAMES, found, strict=True)
    }


def _shares(parts: Floats, wholes: Floats) -> Floats:
    """NaN where there is no whole."""
    return np.divide(parts, wholes, out=np.full(len(parts), np.nan), where=wholes > 0)
